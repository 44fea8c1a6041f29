//! Takes the two files of a database out of what they travel in: `db.tar.gz`, `db.tar`, or an OCI image
//! layout that holds such a layer. Names are compared, never used as paths; links are refused.

mod archive;
mod layout;

use std::{
    io::{self, BufReader, Read, Seek, Write},
    path::Path,
};

use flate2::bufread::GzDecoder;
use ids::Sha256Digest;

pub(crate) use archive::copy;
pub use layout::LAYER_MEDIA_TYPE;

use crate::{DATABASE_BYTES_MAX, DATABASE_FILE, METADATA_BYTES_MAX, METADATA_FILE};
use layout::{Directory, INDEX_FILE, Tar};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why no database was taken out of a source.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It cannot be read, or is no archive.
    #[error("it cannot be read as an archive")]
    Read(#[source] io::Error),
    /// What was taken out cannot be written.
    #[error("{DATABASE_FILE} cannot be written")]
    Write(#[source] io::Error),
    /// An entry that does not belong to a database.
    #[error("it holds {0:?}, which is neither a file {DATABASE_FILE} nor a file {METADATA_FILE}")]
    Entry(String),
    /// More entries than a database needs.
    #[error("it holds more than {0} entries")]
    Entries(usize),
    /// A file of the database that is there twice.
    #[error("it holds {0} twice")]
    Twice(&'static str),
    /// A file of the database, or of the layout, that is not there.
    #[error("it holds no {0}")]
    Missing(String),
    /// A file that is longer than its bound.
    #[error("its {what} has {got} bytes, more than {limit}")]
    TooLarge {
        /// Which.
        what: String,
        /// Its length in bytes.
        got: u64,
        /// The bound in bytes.
        limit: u64,
    },
    /// A file that ends early.
    #[error("its {what} is truncated: {got} of {expected} bytes")]
    Truncated {
        /// Which.
        what: String,
        /// How many bytes are there.
        got: u64,
        /// How many there should be.
        expected: u64,
    },
    /// A document of the OCI layout that is none.
    #[error("its {what} is no document of an OCI image layout")]
    Document {
        /// Which.
        what: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Not one image manifest.
    #[error("its index lists {0} images, expected one image manifest")]
    Manifests(usize),
    /// Not one layer with a database.
    #[error("its image has {0} layers of the media type {LAYER_MEDIA_TYPE}, expected one")]
    Layers(usize),
    /// A digest that is no SHA-256.
    #[error("{0:?} is no SHA-256 digest of a blob")]
    DigestName(String),
    /// A blob whose bytes are others than its name says.
    #[error("the blob sha256:{expected} has the digest sha256:{got}")]
    Digest {
        /// What it is called.
        expected: Sha256Digest,
        /// What it is.
        got: Sha256Digest,
    },
}

/// What was taken out, beside the database itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The bytes of `metadata.json`, not yet understood.
    pub metadata: Vec<u8>,
    /// SHA-256 of `trivy.db`.
    pub sha256: Sha256Digest,
    /// The length of `trivy.db`, in bytes.
    pub bytes: u64,
}

/// Takes a database out of the archive `file`, whichever of the three it is, and writes `trivy.db` to
/// `database`.
///
/// # Errors
/// When it is none of them, holds anything else, or is beyond a bound.
pub fn unpack(
    mut file: impl Read + Seek,
    database: &mut dyn Write,
) -> Result<Unpacked, UnpackError> {
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic).map_err(UnpackError::Read)?;
    file.rewind().map_err(UnpackError::Read)?;
    if magic == GZIP_MAGIC {
        return archive::read(GzDecoder::new(BufReader::new(file)), database);
    }
    let mut layout = Tar::index(&mut file)?;
    if layout.has(INDEX_FILE) {
        return layout::read(&mut layout, database);
    }
    file.rewind().map_err(UnpackError::Read)?;
    archive::read(file, database)
}

/// As [`unpack`], from the OCI image layout in a directory.
pub(crate) fn unpack_layout(
    directory: &Path,
    database: &mut dyn Write,
) -> Result<Unpacked, UnpackError> {
    layout::read(&mut Directory(directory), database)
}

/// As [`unpack`], from the two files in a directory.
pub(crate) fn unpack_files(
    directory: &Path,
    database: &mut dyn Write,
) -> Result<Unpacked, UnpackError> {
    let open = |name: &str, limit| layout::regular(&directory.join(name), name, limit);
    let (metadata, length) = open(METADATA_FILE, METADATA_BYTES_MAX)?;
    let mut bytes = Vec::new();
    copy(metadata, METADATA_FILE, length, &mut bytes)?;
    let (file, length) = open(DATABASE_FILE, DATABASE_BYTES_MAX)?;
    let sha256 = copy(file, DATABASE_FILE, length, database)?;
    Ok(Unpacked { metadata: bytes, sha256, bytes: length })
}

/// Whether a directory is an OCI image layout.
pub(crate) fn is_layout(directory: &Path) -> bool {
    directory.join(INDEX_FILE).is_file()
}
