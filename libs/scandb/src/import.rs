//! Puts a database in the place of another: checked first, then exchanged as a whole directory.
//!
//! A new database is written beside the old one (`DIR/.import`), synced, and exchanged with
//! `DIR/db` in one step of the file system. So a reader never sees the file of one with the metadata of
//! the other, and a crash leaves the old one or the new one. Leftovers go with the next import.

use std::{
    fs::{self, File},
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use ids::{Sha256Digest, Timestamp};
use rustix::{
    fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with},
    io::Errno,
};

use crate::{
    Built, DATABASE_FILE, DB, METADATA_FILE, Metadata, MetadataError, SCHEMA_VERSION, SKEW_MS,
    bolt::{self, Damage},
    found::{digest, look},
    unpack::{self, UnpackError, Unpacked},
};

const STAGE: &str = ".import";
const DOWNLOAD: &str = ".download";
const LOCK: &str = ".lock";

/// What an import asks for.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The time now.
    pub now: Timestamp,
    /// The digest that `trivy.db`, or the archive it comes in, must have.
    pub sha256: Option<Sha256Digest>,
    /// Whether it may replace a younger one.
    pub allow_older: bool,
}

/// What is in place after an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What it says of itself.
    pub metadata: Metadata,
    /// SHA-256 of `trivy.db`.
    pub sha256: Sha256Digest,
    /// The length of `trivy.db`, in bytes.
    pub bytes: u64,
    /// Whether it was in place before: then nothing was exchanged.
    pub unchanged: bool,
}

/// Why a database was not imported; the one in place is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The source cannot be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No database can be taken out of the source.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// Its `metadata.json` is not understood.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// Of another schema.
    #[error("the database has schema {0}, expected {SCHEMA_VERSION}")]
    Schema(u32),
    /// Updated in the future.
    #[error("the database says that it was updated {0}, which is in the future")]
    InTheFuture(Timestamp),
    /// Not a whole database file.
    #[error("the database is damaged: {0}")]
    Damaged(#[from] Damage),
    /// Another one than was asked for.
    #[error("{DATABASE_FILE} has the SHA-256 {got}, expected {expected}")]
    Sha256 {
        /// What was asked for.
        expected: Sha256Digest,
        /// What is there.
        got: Sha256Digest,
    },
    /// Older than the one in place.
    #[error("it was updated {updated_at}, and the one in place {in_place}")]
    Older {
        /// When it was updated.
        updated_at: Timestamp,
        /// When the one in place was.
        in_place: Timestamp,
    },
    /// Somebody else imports right now.
    #[error("another import into {} is under way", .0.display())]
    Busy(PathBuf),
    /// The file system does not exchange directories.
    #[error("the file system of {} cannot exchange two directories in one step", .0.display())]
    NoExchange(PathBuf),
    /// The new database cannot be written or put in place.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The only one that changes the database in a directory, as long as it lives.
#[derive(Debug)]
pub struct Installer {
    directory: PathBuf,
    /// Locked until it is closed.
    _lock: File,
}

impl Drop for Installer {
    fn drop(&mut self) {
        // The next one removes what this one cannot.
        let _ = remove(&self.directory.join(STAGE));
        let _ = remove(&self.directory.join(DOWNLOAD));
    }
}

impl Installer {
    /// Makes the directory when it is not there, and keeps others from changing its database.
    ///
    /// # Errors
    /// When another does so already, or the directory cannot be written.
    pub fn lock(directory: &Path) -> Result<Self, ImportError> {
        let path = directory.join(LOCK);
        let cannot = |source| ImportError::Write { path: path.clone(), source };
        fs::create_dir_all(directory).map_err(cannot)?;
        let lock = File::options().create(true).append(true).open(&path).map_err(cannot)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { directory: directory.to_owned(), _lock: lock }),
            Err(Errno::WOULDBLOCK) => Err(ImportError::Busy(directory.to_owned())),
            Err(error) => Err(cannot(error.into())),
        }
    }

    /// An empty directory for a download, on the same file system; gone with the installer.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn download_directory(&self) -> Result<PathBuf, ImportError> {
        let path = self.directory.join(DOWNLOAD);
        let made = remove(&path).and_then(|()| fs::create_dir(&path));
        let made = made.and_then(|()| std::path::absolute(&path));
        made.map_err(|source| ImportError::Write { path, source })
    }

    /// Imports what is at `source`: a directory with the two files (or with `db/`), a `.tar` or
    /// `.tar.gz` of them, or an OCI image layout with such a layer, as a directory or a `.tar`.
    ///
    /// # Errors
    /// When it is refused; then the database in place is as it was.
    pub fn import(&self, source: &Path, options: &Options) -> Result<Imported, ImportError> {
        let open = |error| ImportError::Open { path: source.to_owned(), source: error };
        let is_directory = fs::metadata(source).map_err(open)?.is_dir();
        let (mut stage, staged) = self.stage()?;
        let unpacked = if !is_directory {
            unpack::unpack(File::open(source).map_err(open)?, &mut stage)?
        } else if unpack::is_layout(source) {
            unpack::unpack_layout(source, &mut stage)?
        } else {
            let inner = source.join(DB);
            let files = if inner.is_dir() { &inner } else { source };
            unpack::unpack_files(files, &mut stage)?
        };
        if let Some(expected) = options.sha256.filter(|expected| *expected != unpacked.sha256) {
            let archive = if is_directory {
                None
            } else {
                Some(File::open(source).and_then(digest).map_err(open)?)
            };
            if archive != Some(expected) {
                return Err(ImportError::Sha256 { expected, got: unpacked.sha256 });
            }
        }
        self.finish(stage, &staged, &unpacked, Some(options))
    }

    /// Puts a database in place that was built here, whatever is there and whatever the time is.
    ///
    /// # Errors
    /// When it cannot be put in place.
    pub fn put(&self, built: &Built) -> Result<Imported, ImportError> {
        let (mut stage, staged) = self.stage()?;
        let sha256 = Sha256Digest::of(&built.database);
        stage
            .write_all(&built.database)
            .map_err(|source| ImportError::Write { path: staged.clone(), source })?;
        let bytes = built.database.len() as u64;
        let unpacked = Unpacked { metadata: built.metadata.clone(), sha256, bytes };
        self.finish(stage, &staged, &unpacked, None)
    }

    fn stage(&self) -> Result<(File, PathBuf), ImportError> {
        let path = self.directory.join(STAGE);
        let made = remove(&path).and_then(|()| fs::create_dir(&path)).and_then(|()| {
            File::options().read(true).write(true).create_new(true).open(path.join(DATABASE_FILE))
        });
        match made {
            Ok(file) => Ok((file, path)),
            Err(source) => Err(ImportError::Write { path, source }),
        }
    }

    fn finish(
        &self,
        mut database: File,
        staged: &Path,
        unpacked: &Unpacked,
        options: Option<&Options>,
    ) -> Result<Imported, ImportError> {
        let cannot = |source| ImportError::Write { path: staged.to_owned(), source };
        let metadata = Metadata::parse(&unpacked.metadata)?;
        if metadata.version != SCHEMA_VERSION {
            return Err(ImportError::Schema(metadata.version));
        }
        database.rewind().map_err(cannot)?;
        bolt::check(&mut database).map_err(cannot)??;
        let Unpacked { sha256, bytes, .. } = *unpacked;
        if let Some(options) = options {
            self.admit(metadata, options)?;
        }
        let unchanged = options.is_some() && self.has(metadata, sha256);
        if !unchanged {
            let written = database
                .sync_all()
                .and_then(|()| write_synced(&staged.join(METADATA_FILE), &unpacked.metadata))
                .and_then(|()| File::open(staged)?.sync_all());
            written.map_err(cannot)?;
            self.exchange(staged)?;
        }
        Ok(Imported { metadata, sha256, bytes, unchanged })
    }

    /// Whether a database of that age may be imported.
    fn admit(&self, metadata: Metadata, options: &Options) -> Result<(), ImportError> {
        let updated_at = metadata.updated_at;
        if options.now.since_ms(updated_at) < -SKEW_MS {
            return Err(ImportError::InTheFuture(updated_at));
        }
        let Ok(found) = look(&self.directory) else { return Ok(()) };
        let in_place = found.metadata.updated_at;
        // One that scans would not use at any age is no loss.
        let counts = found.usable(options.now, u32::MAX).is_ok();
        if updated_at < in_place && counts && !options.allow_older {
            return Err(ImportError::Older { updated_at, in_place });
        }
        Ok(())
    }

    /// Whether it is the one in place.
    fn has(&self, metadata: Metadata, sha256: Sha256Digest) -> bool {
        let Ok(mut found) = look(&self.directory) else { return false };
        found.metadata == metadata && found.sha256().is_ok_and(|digest| digest == sha256)
    }

    fn exchange(&self, staged: &Path) -> Result<(), ImportError> {
        let target = self.directory.join(DB);
        let exchanged = renameat_with(CWD, staged, CWD, &target, RenameFlags::EXCHANGE);
        let exchanged = match exchanged {
            // The first one.
            Err(Errno::NOENT) => renameat_with(CWD, staged, CWD, &target, RenameFlags::NOREPLACE),
            other => other,
        };
        match exchanged {
            Ok(()) => {}
            Err(Errno::INVAL | Errno::NOSYS) => {
                return Err(ImportError::NoExchange(self.directory.clone()));
            }
            Err(error) => return Err(ImportError::Write { path: target, source: error.into() }),
        }
        let synced = File::open(&self.directory).and_then(|directory| directory.sync_all());
        synced.map_err(|source| ImportError::Write { path: target, source })
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Removes a directory, or whatever else has its name.
fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
