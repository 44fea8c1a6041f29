//! From bytes to a format, and to whoever reads that format; also what two formats share.

use std::io;

use crate::{
    Format, Scan, Severity, format,
    pickle::{self, Setting},
    rule::Rule,
    source::Source,
    zip,
};

const HEAD_BYTES: usize = 4096;

impl Scan<'_> {
    /// Looks at a whole file, or at an entry of an archive.
    pub(crate) fn file(&mut self, name: &str, source: &mut Source<'_>) -> io::Result<Format> {
        let head = source.peek(0, HEAD_BYTES)?;
        let format = self.look(name, &head, source)?;
        self.polyglot(format, &head, source)?;
        self.compare(name, format);
        Ok(format)
    }

    /// Identifies and reads.
    fn look(&mut self, name: &str, head: &[u8], source: &mut Source<'_>) -> io::Result<Format> {
        if source.length() == 0 {
            return Ok(Format::Empty);
        }
        let is_tar = format::is_tar(head);
        match format::magic(head) {
            Some(Format::Hdf5) => self.hdf5(source, 0)?,
            Some(Format::Npy) => self.npy(source)?,
            Some(Format::Gguf) => self.gguf(source)?,
            Some(Format::Zip) => return self.zip(name, source),
            Some(Format::Gzip | Format::Zlib) => return self.compressed(name, head, source),
            Some(format @ (Format::Bzip2 | Format::Xz | Format::Zstd | Format::SevenZip)) => {
                self.findings.unread(format!("the contents of {} are not read", format.as_str()));
                return Ok(format);
            }
            Some(Format::Program) => {
                let detail = "the file is a program; models and datasets are data";
                self.findings.add(Severity::High, Rule::Executable, "byte 0", detail);
                return Ok(Format::Program);
            }
            Some(Format::Script) if !is_tar => {
                let detail = "the file begins with #! and is run by a shell or interpreter";
                self.findings.add(Severity::Medium, Rule::Script, "byte 0", detail);
                return Ok(Format::Script);
            }
            Some(Format::Pdf) => {
                self.findings.unread("the contents of a PDF are not read");
                return Ok(Format::Pdf);
            }
            Some(Format::Image) => return Ok(Format::Image),
            _ => return self.look_closer(name, head, is_tar, source),
        }
        Ok(format::magic(head).unwrap_or(Format::Unknown))
    }

    /// Formats without a magic number.
    fn look_closer(
        &mut self,
        name: &str,
        head: &[u8],
        is_tar: bool,
        source: &mut Source<'_>,
    ) -> io::Result<Format> {
        if is_tar {
            self.tar(source)?;
            return Ok(Format::Tar);
        }
        if self.safetensors(source, name)? {
            return Ok(Format::Safetensors);
        }
        if self.saved_model(source, name)? {
            return Ok(Format::SavedModel);
        }
        if self.onnx(source, name)? {
            return Ok(Format::Onnx);
        }
        let expected = format::named(name).unwrap_or_default();
        if expected.contains(&Format::Pickle) || pickle::is_one(self, source)? {
            self.pickles(source, 0, Setting::Plain)?;
            return Ok(Format::Pickle);
        }
        if let Some(at) = hdf5_behind(source)? {
            self.hdf5(source, at)?;
            return Ok(Format::Hdf5);
        }
        if let Some(format) = self.text(name, head, source)? {
            return Ok(format);
        }
        if zip::end_record(source)?.is_some() {
            return self.zip(name, source);
        }
        self.findings.unread("the format is not understood");
        Ok(Format::Unknown)
    }

    /// Looks for a second format that other programs would read in the same bytes.
    fn polyglot(&mut self, format: Format, head: &[u8], source: &mut Source<'_>) -> io::Result<()> {
        let also = |scan: &mut Self, place: &str, what: &str| {
            let detail = format!("read as {} here, the file is also {what}", format.as_str());
            scan.findings.add(Severity::High, Rule::Polyglot, place, &detail);
        };
        let zip_like = matches!(format, Format::Zip | Format::Keras | Format::Torch | Format::Npz);
        // An archive that holds another as its last entry ends like a zip; its walk finds that.
        let holds = zip_like || matches!(format, Format::Tar | Format::Empty);
        if !holds && let Some(end) = zip::end_record(source)? {
            also(self, &format!("byte {}", end.at), "a zip archive");
            let prefix = self.findings.enter("zip");
            self.zip("polyglot.zip", source)?;
            self.findings.leave(prefix);
        }
        if format != Format::Tar && format::is_tar(head) {
            also(self, "byte 0", "a tar archive");
            let prefix = self.findings.enter("tar");
            self.tar(source)?;
            self.findings.leave(prefix);
        }
        if format == Format::Tar && pickle::is_one(self, source)? {
            also(self, "byte 0", "a pickle");
            self.pickles(source, 0, Setting::Plain)?;
        }
        if format == Format::Tar && format::magic(head).is_some() {
            also(self, "byte 0", "what its first bytes say");
        }
        let pdf = head.get(..1024.min(head.len())).unwrap_or_default();
        if format != Format::Pdf && !format.is_text() && pdf.windows(5).any(|at| at == b"%PDF-") {
            also(self, "byte 0", "a PDF");
        }
        if !holds
            && format != Format::Hdf5
            && let Some(at) = hdf5_behind(source)?
        {
            also(self, &format!("byte {at}"), "an HDF5 file");
            self.hdf5(source, at)?;
        }
        Ok(())
    }

    /// Compares what was found with what the name says.
    fn compare(&mut self, name: &str, format: Format) {
        let Some(expected) = format::named(name) else { return };
        if expected.contains(&format) {
            return;
        }
        let severity = match (format, expected.first().is_some_and(|first| first.is_text())) {
            (format, _) if format.can_run() => Severity::High,
            (_, true) => Severity::High,
            (Format::Empty | Format::Text | Format::Csv | Format::Json, _) => Severity::Low,
            _ => Severity::Medium,
        };
        let found = format.as_str();
        let detail = format!("the name says {}, and the bytes say {found}", list(expected));
        self.findings.add(severity, Rule::NameMismatch, "the name", &detail);
    }
}

fn list(formats: &[Format]) -> String {
    let words: Vec<&str> = formats.iter().map(|format| format.as_str()).collect();
    words.join(" or ")
}

/// HDF5 behind a user block, which libhdf5 looks for at 512 bytes and each power of two from there.
fn hdf5_behind(source: &mut Source<'_>) -> io::Result<Option<u64>> {
    let mut at = 512_u64;
    while at < source.length() {
        if source.array::<8>(at)? == Some(*b"\x89HDF\r\n\x1a\n") {
            return Ok(Some(at));
        }
        at = at.saturating_mul(2);
    }
    Ok(None)
}
