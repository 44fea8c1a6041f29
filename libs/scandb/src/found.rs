//! The database in a directory: what it says of itself, and whether scans may rest on it.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read, Seek as _},
    path::Path,
};

use ids::{Sha256Digest, Timestamp};
use rustix::fs::{CWD, Mode, OFlags, openat};
use sha2::{Digest as _, Sha256};

use crate::{
    DATABASE_FILE, DB, METADATA_BYTES_MAX, METADATA_FILE, Metadata, MetadataError, SCHEMA_VERSION,
    SKEW_MS,
    bolt::{self, Damage, Shape, Source, SourcesError},
};

const DAY_MS: i64 = 24 * 3_600_000;
const READ_BYTES: usize = 256 * 1024;
/// How every [`Unusable`] begins.
const NOT_LOOKED_UP: &str = "vulnerabilities were not looked up: ";

/// Why vulnerabilities are not looked up; ends in the evidence, word for word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// None, or not readable.
    #[error("{NOT_LOOKED_UP}no usable database ({0})")]
    Missing(String),
    /// Of another schema.
    #[error("{NOT_LOOKED_UP}the database has schema {0}, expected {SCHEMA_VERSION}")]
    Schema(u32),
    /// Older than allowed.
    #[error(
        "{NOT_LOOKED_UP}the database was last updated {updated_at}, more than {max_age_days} days ago"
    )]
    TooOld {
        /// When it was updated.
        updated_at: Timestamp,
        /// The bound, in days.
        max_age_days: u32,
    },
    /// Updated in the future: a wrong clock, or a false claim.
    #[error("{NOT_LOOKED_UP}the database says that it was updated {0}, which is in the future")]
    InTheFuture(Timestamp),
    /// Not a whole database file.
    #[error("{NOT_LOOKED_UP}the database is damaged ({0})")]
    Damaged(Damage),
}

impl Unusable {
    /// The cause alone.
    #[must_use]
    pub fn cause(&self) -> String {
        let text = self.to_string();
        text.strip_prefix(NOT_LOOKED_UP).map(str::to_owned).unwrap_or(text)
    }
}

/// A database that is there. Both files are of the same one, whatever is put in their place meanwhile.
#[derive(Debug)]
pub struct Found {
    /// What it says of itself.
    pub metadata: Metadata,
    /// `trivy.db`, open; at no particular place.
    pub file: File,
    shape: Result<Shape, Damage>,
}

/// What is in `directory`, whether or not it may be used.
///
/// # Errors
/// [`Unusable::Missing`] when a file is not there or cannot be understood.
pub fn look(directory: &Path) -> Result<Found, Unusable> {
    let missing =
        |what: &str, error: &dyn std::fmt::Display| Unusable::Missing(format!("{what}: {error}"));
    // Through the directory itself: an import exchanges it between two openings.
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let db = openat(CWD, directory.join(DB), flags, Mode::empty())
        .map_err(|error| missing(METADATA_FILE, &io::Error::from(error)))?;
    let open = |name| {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = File::from(openat(&db, name, flags, Mode::empty())?);
        let regular = file.metadata()?.is_file();
        if regular { Ok(file) } else { Err(io::Error::other("not a regular file")) }
    };
    let metadata = open(METADATA_FILE).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(METADATA_BYTES_MAX + 1).read_to_end(&mut bytes).map(|_| bytes)
    });
    let metadata = metadata.map_err(|error| missing(METADATA_FILE, &error))?;
    let metadata = Metadata::parse(&metadata)
        .map_err(|error: MetadataError| Unusable::Missing(error.to_string()))?;
    let unread = |error: io::Error| missing(DATABASE_FILE, &error);
    let mut file = open(DATABASE_FILE).map_err(unread)?;
    let shape = bolt::check(&mut file).map_err(unread)?;
    Ok(Found { metadata, file, shape })
}

impl Found {
    /// How old it is at `now`, in milliseconds; negative when it is from the future.
    #[must_use]
    pub const fn age_ms(&self, now: Timestamp) -> i64 {
        now.since_ms(self.metadata.updated_at)
    }

    /// Whether scans may rest on it at `now`.
    ///
    /// # Errors
    /// When it is of another schema, older than `max_age_days`, from the future, or damaged.
    pub fn usable(&self, now: Timestamp, max_age_days: u32) -> Result<(), Unusable> {
        let Metadata { version, updated_at } = self.metadata;
        if version != SCHEMA_VERSION {
            return Err(Unusable::Schema(version));
        }
        let age_ms = self.age_ms(now);
        if age_ms < -SKEW_MS {
            return Err(Unusable::InTheFuture(updated_at));
        }
        if age_ms > i64::from(max_age_days).saturating_mul(DAY_MS) {
            return Err(Unusable::TooOld { updated_at, max_age_days });
        }
        self.shape.map(drop).map_err(Unusable::Damaged)
    }

    /// SHA-256 of `trivy.db`. Reads all of it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn sha256(&mut self) -> io::Result<Sha256Digest> {
        self.file.rewind()?;
        digest(&mut self.file)
    }

    /// How many advisories it has, by who published them. Reads most of the file: about a second for the
    /// published database.
    ///
    /// # Errors
    /// When the file is damaged or cannot be read.
    pub fn sources(&mut self) -> Result<Vec<Source>, SourcesError> {
        let shape = self.shape.map_err(|_| SourcesError::Page(0))?;
        bolt::sources(&mut self.file, shape)
    }
}

/// SHA-256 of all that is read.
pub(crate) fn digest(from: impl Read) -> io::Result<Sha256Digest> {
    let (mut from, mut hasher) = (BufReader::with_capacity(READ_BYTES, from), Sha256::new());
    loop {
        let bytes = from.fill_buf()?;
        if bytes.is_empty() {
            return Ok(Sha256Digest::from_bytes(hasher.finalize().into()));
        }
        hasher.update(bytes);
        let length = bytes.len();
        from.consume(length);
    }
}
