//! An OCI image layout with a database as its only layer, as `oras copy --to-oci-layout` and
//! `skopeo copy … oci:` write it: a directory, or a tar of one. Every blob is checked against its digest.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use flate2::bufread::GzDecoder;
use ids::Sha256Digest;
use rustix::fs::{CWD, Mode, OFlags, openat};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use tar::{Archive, EntryType};

use super::{
    UnpackError, Unpacked,
    archive::{self, bounded, copy, plain, shown},
};
use crate::DATABASE_BYTES_MAX;

/// The media type of the layer that holds a database, as Aqua publishes it.
pub const LAYER_MEDIA_TYPE: &str = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip";
/// The file that makes a directory an image layout.
pub(super) const INDEX_FILE: &str = "index.json";
/// The longest index or manifest, in bytes.
const DOCUMENT_BYTES_MAX: u64 = 1024 * 1024;
/// A layout of one image has a handful.
const ENTRIES_MAX: usize = 64;

#[derive(Deserialize)]
struct Descriptor {
    #[serde(rename = "mediaType")]
    media_type: String,
    digest: String,
    size: u64,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Descriptor>,
}

/// Where the files of a layout are.
pub(super) trait Layout {
    /// A file and its length in bytes, which is at most `limit`.
    fn open(&mut self, name: &str, limit: u64) -> Result<(impl Read + '_, u64), UnpackError>;
}

/// A layout in a directory.
pub(super) struct Directory<'a>(pub(super) &'a Path);

impl Layout for Directory<'_> {
    fn open(&mut self, name: &str, limit: u64) -> Result<(impl Read + '_, u64), UnpackError> {
        regular(&self.0.join(name), name, limit)
    }
}

/// Opens a regular file, not through a link, and gives its length.
pub(super) fn regular(path: &Path, name: &str, limit: u64) -> Result<(File, u64), UnpackError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match openat(CWD, path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Err(UnpackError::Missing(name.to_owned())),
        Err(rustix::io::Errno::LOOP) => return Err(UnpackError::Entry(name.to_owned())),
        Err(error) => return Err(UnpackError::Read(error.into())),
    };
    let metadata = file.metadata().map_err(UnpackError::Read)?;
    if !metadata.is_file() {
        return Err(UnpackError::Entry(name.to_owned()));
    }
    bounded(name, metadata.len(), limit)?;
    Ok((file, metadata.len()))
}

/// A layout in a tar archive: where in it each file is.
pub(super) struct Tar<'a, R> {
    file: &'a mut R,
    entries: BTreeMap<String, (u64, u64)>,
}

impl<'a, R: Read + Seek> Tar<'a, R> {
    /// Lists the archive's files; their content is not looked at.
    pub(super) fn index(file: &'a mut R) -> Result<Self, UnpackError> {
        let mut entries = BTreeMap::new();
        let mut archive = Archive::new(&mut *file);
        let listed = archive.entries_with_seek().map_err(UnpackError::Read)?.raw(true);
        for (index, entry) in listed.enumerate() {
            let entry = entry.map_err(UnpackError::Read)?;
            if index >= ENTRIES_MAX {
                return Err(UnpackError::Entries(ENTRIES_MAX));
            }
            let name = entry.path_bytes().into_owned();
            match entry.header().entry_type() {
                EntryType::Regular => {
                    let name = String::from_utf8_lossy(plain(&name)).into_owned();
                    entries.insert(name, (entry.raw_file_position(), entry.size()));
                }
                EntryType::Directory | EntryType::XHeader | EntryType::XGlobalHeader => {}
                _ => return Err(UnpackError::Entry(shown(&name))),
            }
        }
        Ok(Self { file, entries })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }
}

impl<R: Read + Seek> Layout for Tar<'_, R> {
    fn open(&mut self, name: &str, limit: u64) -> Result<(impl Read + '_, u64), UnpackError> {
        let missing = || UnpackError::Missing(name.to_owned());
        let (position, length) = *self.entries.get(name).ok_or_else(missing)?;
        bounded(name, length, limit)?;
        self.file.seek(SeekFrom::Start(position)).map_err(UnpackError::Read)?;
        Ok((self.file.by_ref().take(length), length))
    }
}

/// Takes the database out of the layout's only image.
pub(super) fn read(
    layout: &mut impl Layout,
    database: &mut dyn Write,
) -> Result<Unpacked, UnpackError> {
    let (index, length) = layout.open(INDEX_FILE, DOCUMENT_BYTES_MAX)?;
    let mut bytes = Vec::new();
    copy(index, INDEX_FILE, length, &mut bytes)?;
    let index: Index = document(INDEX_FILE, &bytes)?;
    let [image] = index.manifests.as_slice() else {
        return Err(UnpackError::Manifests(index.manifests.len()));
    };
    let manifest: Manifest = manifest(layout, image)?;
    let of_database = |layer: &&Descriptor| layer.media_type == LAYER_MEDIA_TYPE;
    let layers: Vec<&Descriptor> = manifest.layers.iter().filter(of_database).collect();
    let [layer] = layers.as_slice() else { return Err(UnpackError::Layers(layers.len())) };

    let (expected, name) = layer.blob()?;
    let (blob, got) = layout.open(&name, DATABASE_BYTES_MAX)?;
    layer.long_as(&name, got)?;
    let mut blob = BufReader::new(Hashed { from: blob, hasher: Sha256::new() });
    let unpacked = archive::read(GzDecoder::new(&mut blob), database)?;
    // What follows the archive counts for the digest as well.
    io::copy(&mut blob, &mut io::sink()).map_err(UnpackError::Read)?;
    let got = Sha256Digest::from_bytes(blob.into_inner().hasher.finalize().into());
    if got == expected { Ok(unpacked) } else { Err(UnpackError::Digest { expected, got }) }
}

fn manifest(layout: &mut impl Layout, image: &Descriptor) -> Result<Manifest, UnpackError> {
    let (expected, name) = image.blob()?;
    let (blob, length) = layout.open(&name, DOCUMENT_BYTES_MAX)?;
    image.long_as(&name, length)?;
    let mut bytes = Vec::new();
    let got = copy(blob, &name, length, &mut bytes)?;
    if got != expected {
        return Err(UnpackError::Digest { expected, got });
    }
    document(&name, &bytes)
}

fn document<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, UnpackError> {
    let what = what.to_owned();
    serde_json::from_slice(bytes).map_err(|source| UnpackError::Document { what, source })
}

impl Descriptor {
    /// The digest of what it describes, and the name of the file that has it.
    fn blob(&self) -> Result<(Sha256Digest, String), UnpackError> {
        let digest = self.digest.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
        let digest: Sha256Digest =
            digest.ok_or_else(|| UnpackError::DigestName(shown(self.digest.as_bytes())))?;
        Ok((digest, format!("blobs/sha256/{digest}")))
    }

    fn long_as(&self, what: &str, got: u64) -> Result<(), UnpackError> {
        let (what, expected) = (what.to_owned(), self.size);
        if got == expected {
            return Ok(());
        }
        Err(UnpackError::Truncated { what, got, expected })
    }
}

/// Hashes what is read through it.
struct Hashed<R> {
    from: R,
    hasher: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(buffer)?;
        self.hasher.update(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}
