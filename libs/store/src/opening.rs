//! Opening the database file: owner-only, locked, checked from end to end, or refused.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase as _, StorageBackend, StorageError,
    TableDefinition, TableError,
};

/// How much of the file redb keeps in memory, in bytes.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// How long another holder of the file is waited for.
const LOCK_WAIT: Duration = Duration::from_millis(1_500);
/// How often the file is tried meanwhile.
const LOCK_LOOK: Duration = Duration::from_millis(25);

/// Owner may read and write; nobody else may do anything.
const FILE_MODE: u32 = 0o600;

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its directory could not be used.
    #[error("cannot open the store {}", path.display())]
    Io {
        /// The database file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Another process (or another handle of this one) has the store open.
    #[error("the store {} is in use by another process; stop that one first", path.display())]
    Locked {
        /// The database file.
        path: PathBuf,
    },
    /// The file is not a store, or its bytes changed behind its back. Restore it from a backup.
    #[error("the store {} is damaged and is left as it is: {detail}", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What the check found.
        detail: String,
    },
    /// The file was written by another version of the file format.
    #[error("the store {} has file format {version}, which this build does not read", path.display())]
    Version {
        /// The database file.
        path: PathBuf,
        /// The format version found.
        version: u8,
    },
}

/// Opens or creates the file, checks every page of it and makes sure that the tables exist.
///
/// A process that was just stopped may still be letting go of the file: this waits for it a little.
pub(crate) fn open_file(path: &Path, tables: &[&'static str]) -> Result<Database, OpenError> {
    let begun = Instant::now();
    loop {
        match try_open_file(path, tables) {
            Err(OpenError::Locked { .. }) if begun.elapsed() < LOCK_WAIT => {
                std::thread::sleep(LOCK_LOOK);
            }
            other => return other,
        }
    }
}

fn try_open_file(path: &Path, tables: &[&'static str]) -> Result<Database, OpenError> {
    let begun = Instant::now();
    let failed = |source| OpenError::Io { path: path.into(), source };
    if !path.try_exists().map_err(failed)? {
        return create_whole(path, tables);
    }
    let file = private_file(path).map_err(failed)?;
    let database = whole(path, tables, |builder| builder.create_file(file))?;
    let elapsed_ms = begun.elapsed().as_millis();
    tracing::info!(path = %path.display(), elapsed_ms, "store opened, every page checked");
    Ok(database)
}

/// A new store, under its name once it is whole: redb does not open a file whose making was cut short.
fn create_whole(path: &Path, tables: &[&'static str]) -> Result<Database, OpenError> {
    let failed = |source| OpenError::Io { path: path.into(), source };
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let file = private_file(&new).map_err(failed)?;
    let database = whole(path, tables, |builder| builder.create_file(file))?;
    // A link, for it takes no other file's place: whoever was first has the name.
    match std::fs::hard_link(&new, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(OpenError::Locked { path: path.into() });
        }
        linked => linked.map_err(failed)?,
    }
    std::fs::remove_file(&new).map_err(failed)?;
    File::open(directory_of(path)).and_then(|directory| directory.sync_all()).map_err(failed)?;
    tracing::info!(path = %path.display(), "store made");
    Ok(database)
}

/// [`open_file`] over something else than a file of its own.
pub(crate) fn open_backend(
    backend: impl StorageBackend,
    path: &Path,
    tables: &[&'static str],
) -> Result<Database, OpenError> {
    whole(path, tables, |builder| builder.create_with_backend(backend))
}

/// What `open` opens, checked from end to end.
fn whole(
    path: &Path,
    tables: &[&'static str],
    open: impl FnOnce(&Builder) -> Result<Database, DatabaseError>,
) -> Result<Database, OpenError> {
    // redb asserts in places where a damaged file leads it; that too must name the path.
    let opened = catch_unwind(AssertUnwindSafe(|| {
        checked(open(Builder::new().set_cache_size(CACHE_BYTES))?, tables)
    }));
    match opened {
        Ok(result) => result.map_err(|error| refusal(path, error)),
        Err(_) => Err(damaged(path, "redb gave up while reading it".to_owned())),
    }
}

/// Creates the tables, so that readers find them, and verifies the checksum of every page.
pub(crate) fn checked(
    mut database: Database,
    tables: &[&'static str],
) -> Result<Database, DatabaseError> {
    if !database.check_integrity()? {
        tracing::warn!("the store's free-page map was rebuilt; its records are intact");
    }
    let known = |error: TableError| match error {
        TableError::Storage(error) => DatabaseError::Storage(error),
        other => DatabaseError::Storage(StorageError::Corrupted(other.to_string())),
    };
    let missing = {
        let read = database.begin_read().map_err(|error| storage(error.into()))?;
        tables.iter().any(|name| {
            let definition = TableDefinition::<&[u8], &[u8]>::new(name);
            matches!(read.open_table(definition), Err(TableError::TableDoesNotExist(_)))
        })
    };
    if missing {
        let write = database.begin_write().map_err(|error| storage(error.into()))?;
        for name in tables {
            write.open_table(TableDefinition::<&[u8], &[u8]>::new(name)).map_err(known)?;
        }
        write.commit().map_err(|error| storage(error.into()))?;
    }
    Ok(database)
}

fn storage(error: redb::Error) -> DatabaseError {
    DatabaseError::Storage(match error {
        redb::Error::Io(error) => StorageError::Io(error),
        other => StorageError::Corrupted(other.to_string()),
    })
}

/// The file, created if need be, readable by its owner only, its name durable in the directory.
fn private_file(path: &Path) -> io::Result<File> {
    let existed = path.try_exists()?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o777 != FILE_MODE {
        tracing::warn!(path = %path.display(), "the store was open to others; now it is not");
        file.set_permissions(std::fs::Permissions::from_mode(FILE_MODE))?;
    }
    if !existed {
        File::open(directory_of(path))?.sync_all()?;
    }
    Ok(file)
}

/// The directory that holds `path`.
pub(crate) fn directory_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or_else(|| Path::new("."))
}

fn damaged(path: &Path, detail: String) -> OpenError {
    OpenError::Damaged { path: path.into(), detail }
}

fn refusal(path: &Path, error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::Locked { path: path.into() },
        DatabaseError::UpgradeRequired(version) => {
            OpenError::Version { path: path.into(), version }
        }
        // redb reports a file that is not one of its own, or is cut short, as these kinds.
        DatabaseError::Storage(StorageError::Io(source))
            if !matches!(
                source.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
        {
            OpenError::Io { path: path.into(), source }
        }
        other => damaged(path, other.to_string()),
    }
}
