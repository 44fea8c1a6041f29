//! The formats that are told apart, by what stands in the file, and the names that fit them.

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// A Keras 3 model: zip of `config.json`, `metadata.json` and weights.
    Keras,
    /// HDF5, among them Keras models of before version 3.
    Hdf5,
    /// A Python pickle, joblib's and PyTorch's old format among them.
    Pickle,
    /// A PyTorch archive: zip with `data.pkl`.
    Torch,
    /// One NumPy array.
    Npy,
    /// A zip of NumPy arrays.
    Npz,
    /// safetensors.
    Safetensors,
    /// An ONNX model.
    Onnx,
    /// GGUF.
    Gguf,
    /// A TensorFlow `saved_model.pb`.
    SavedModel,
    /// Any other zip.
    Zip,
    /// A tar.
    Tar,
    /// gzip.
    Gzip,
    /// A zlib stream, as joblib writes.
    Zlib,
    /// bzip2; not looked into.
    Bzip2,
    /// xz or lzma; not looked into.
    Xz,
    /// zstd or lz4; not looked into.
    Zstd,
    /// 7z or rar; not looked into.
    SevenZip,
    /// JSON.
    Json,
    /// Lines of text with separators.
    Csv,
    /// YAML or any other text.
    Text,
    /// HTML, XML or SVG.
    Markup,
    /// A picture: PNG, JPEG, GIF.
    Image,
    /// PDF.
    Pdf,
    /// A program: ELF, PE, Mach-O, Java class, WebAssembly.
    Program,
    /// A script: `#!`.
    Script,
    /// Nothing.
    Empty,
    /// None of these.
    Unknown,
}

impl Format {
    /// A stable word, such as `keras`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keras => "keras",
            Self::Hdf5 => "hdf5",
            Self::Pickle => "pickle",
            Self::Torch => "torch",
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Safetensors => "safetensors",
            Self::Onnx => "onnx",
            Self::Gguf => "gguf",
            Self::SavedModel => "saved-model",
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::SevenZip => "7z",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Text => "text",
            Self::Markup => "markup",
            Self::Image => "image",
            Self::Pdf => "pdf",
            Self::Program => "program",
            Self::Script => "script",
            Self::Empty => "empty",
            Self::Unknown => "unknown",
        }
    }

    /// Whether opening such a file with its own program can run code that is in it.
    pub(crate) const fn can_run(self) -> bool {
        matches!(
            self,
            Self::Pickle | Self::Torch | Self::Program | Self::Script | Self::Markup | Self::Pdf
        )
    }

    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Json | Self::Csv | Self::Text | Self::Empty)
    }
}

/// The formats that a file of this name may have; `None` when the name says nothing.
#[rustfmt::skip]
pub(crate) fn named(name: &str) -> Option<&'static [Format]> {
    use Format::{
        Bzip2, Csv, Empty, Gguf, Gzip, Hdf5, Image, Json, Keras, Markup, Npy, Npz, Onnx, Pdf, Pickle,
        Safetensors, SavedModel, Script, SevenZip, Tar, Text, Torch, Xz, Zip, Zlib, Zstd,
    };
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "keras" => &[Keras],
        "h5" | "hdf5" => &[Hdf5],
        "pkl" | "pickle" | "dill" => &[Pickle],
        "joblib" => &[Pickle, Zlib, Gzip, Bzip2, Xz, Zstd],
        "pt" | "pth" | "ckpt" => &[Torch, Pickle],
        "npy" => &[Npy],
        "npz" => &[Npz],
        "safetensors" => &[Safetensors],
        "onnx" => &[Onnx],
        "gguf" => &[Gguf],
        "pb" => &[SavedModel, Onnx],
        "zip" => &[Zip, Npz, Keras, Torch],
        "tar" => &[Tar],
        "gz" | "tgz" => &[Gzip],
        "bz2" => &[Bzip2],
        "xz" => &[Xz],
        "zst" => &[Zstd],
        "7z" | "rar" => &[SevenZip],
        "csv" | "tsv" => &[Csv, Text, Json, Empty],
        "json" | "jsonl" | "ipynb" => &[Json, Text, Empty],
        "yaml" | "yml" | "txt" | "md" | "toml" | "ini" | "cfg" | "log" => &[Text, Csv, Json, Empty],
        "html" | "htm" | "xml" | "svg" => &[Markup, Text],
        "png" | "jpg" | "jpeg" | "gif" => &[Image],
        "pdf" => &[Pdf],
        "sh" | "py" => &[Script, Text, Csv],
        _ => return None,
    })
}

/// What the first bytes say, where they say it alone.
pub(crate) fn magic(head: &[u8]) -> Option<Format> {
    #[rustfmt::skip]
    const MAGIC: &[(&[u8], Format)] = &[
        (b"\x89HDF\r\n\x1a\n", Format::Hdf5),
        (b"\x93NUMPY", Format::Npy),
        (b"GGUF", Format::Gguf),
        (b"PK\x03\x04", Format::Zip),
        (b"PK\x05\x06", Format::Zip),
        (b"PK\x07\x08PK\x03\x04", Format::Zip),
        (b"\x1f\x8b", Format::Gzip),
        (b"BZh", Format::Bzip2),
        (b"\xfd7zXZ\0", Format::Xz),
        (b"\x5d\0\0\x80\0", Format::Xz),
        (b"\x28\xb5\x2f\xfd", Format::Zstd),
        (b"\x04\x22\x4d\x18", Format::Zstd),
        (b"7z\xbc\xaf\x27\x1c", Format::SevenZip),
        (b"Rar!\x1a\x07", Format::SevenZip),
        (b"\x89PNG\r\n\x1a\n", Format::Image),
        (b"\xff\xd8\xff", Format::Image),
        (b"GIF87a", Format::Image),
        (b"GIF89a", Format::Image),
        (b"%PDF-", Format::Pdf),
        (b"\x7fELF", Format::Program),
        (b"MZ", Format::Program),
        (b"\xcf\xfa\xed\xfe", Format::Program),
        (b"\xca\xfe\xba\xbe", Format::Program),
        (b"\0asm", Format::Program),
        (b"#!", Format::Script),
    ];
    let found = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, format)| *format);
    match found {
        // Two letters are also the start of a text; a program has its header behind them.
        Some(Format::Program) if head.starts_with(b"MZ") && !head.contains(&0) => None,
        Some(Format::Bzip2) if head.get(4..10) != Some(b"1AY&SY") => None,
        None if matches!(head, [0x78, 0x01 | 0x5E | 0x9C | 0xDA, ..]) => Some(Format::Zlib),
        found => found,
    }
}

/// Whether this is a tar: its checksum holds, or it has the mark.
pub(crate) fn is_tar(block: &[u8]) -> bool {
    let Some(block) = block.get(..512) else { return false };
    block.get(257..262) == Some(b"ustar") || crate::tar::checksum_holds(block)
}

/// Whether a text is a page: tags that browsers look for.
pub(crate) fn is_markup(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head.get(..1024.min(head.len())).unwrap_or_default());
    let text = text.trim_start_matches('\u{FEFF}').trim_start().to_ascii_lowercase();
    ["<!doctype", "<html", "<?xml", "<svg", "<script", "<body", "<head", "<iframe"]
        .iter()
        .any(|tag| text.starts_with(tag))
}
