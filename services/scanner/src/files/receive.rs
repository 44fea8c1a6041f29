//! Takes the bytes of files off a stream into the scratch directory, and lets through only what was
//! announced.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use ids::Sha256Digest;
use sha2::{Digest as _, Sha256};
use tokio::{fs::File, io::AsyncWriteExt as _, sync::OwnedSemaphorePermit};

use super::{Files, WantedFile, doubled};

/// The most files of one scan, as the rules of evidence take them.
const FILES_MAX: usize = 64;
/// The longest piece, in bytes.
const PIECE_MAX: usize = 1024 * 1024;
/// The longest name, in characters.
const NAME_MAX: usize = 128;

/// How many streams of files are received at a time.
pub(crate) const STREAMS_MAX: usize = 8;
/// How long the next piece may take.
const PIECE_WAIT: Duration = Duration::from_secs(30);

/// Why files were not scanned.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// None, or too many.
    #[error("{0} files were announced, 1 to {FILES_MAX} are scanned at once")]
    Count(usize),
    /// A name that is no label, or is there twice.
    #[error("the file name {0:?} is empty, too long, has control characters, or is there twice")]
    Name(String),
    /// Too long together.
    #[error("the files have {got} bytes together, at most {limit} are looked into")]
    TooLarge {
        /// Their announced length.
        got: u64,
        /// The bound (`files.max_total_bytes`).
        limit: u64,
    },
    /// A piece longer than allowed, or empty.
    #[error("a piece has {0} bytes, 1 to {PIECE_MAX} are taken")]
    Piece(usize),
    /// Bytes behind the last file.
    #[error("more bytes came than the files have")]
    Surplus,
    /// The stream ended early.
    #[error("the bytes of {name:?} ended after {got} of {size}")]
    Short {
        /// Which file.
        name: String,
        /// How many came.
        got: u64,
        /// How many were announced.
        size: u64,
    },
    /// The stream stands still.
    #[error("no bytes of the files came for {} s", .0.as_secs())]
    Stalled(Duration),
    /// Other bytes than announced.
    #[error("the bytes of {name:?} have the SHA-256 {got}, {wanted} was announced")]
    Digest {
        /// Which file.
        name: String,
        /// What came.
        got: Sha256Digest,
        /// What was announced.
        wanted: Sha256Digest,
    },
    /// The scratch directory failed.
    #[error("cannot keep the files while they are looked into")]
    Scratch(#[source] io::Error),
    /// A file cannot be looked into.
    #[error("cannot look into {name:?}: {reason}")]
    Look {
        /// Which file.
        name: String,
        /// Why.
        reason: String,
    },
    /// The cache lost the raw report at once.
    #[error("the raw report was not kept; is the cache directory full?")]
    ReportLost,
}

/// Checks what is announced, before any byte is taken.
pub(super) fn bounded(files: &Files, limit: u64) -> Result<(), FilesError> {
    let count = files.files.len();
    if !(1..=FILES_MAX).contains(&count) {
        return Err(FilesError::Count(count));
    }
    let bad = |file: &&WantedFile| {
        let length = file.name.chars().count();
        !(1..=NAME_MAX).contains(&length) || file.name.chars().any(char::is_control)
    };
    if let Some(file) = files.files.iter().find(bad) {
        return Err(FilesError::Name(file.name.chars().take(NAME_MAX).collect()));
    }
    if let Some(name) = doubled(&files.files) {
        return Err(FilesError::Name(name.to_owned()));
    }
    let got = files.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size));
    if got > limit { Err(FilesError::TooLarge { got, limit }) } else { Ok(()) }
}

/// What `next` gives, when that does not take too long.
///
/// # Errors
/// When the stream stands still.
pub(crate) async fn in_time<T>(next: impl Future<Output = T>) -> Result<T, FilesError> {
    within(PIECE_WAIT, next).await
}

async fn within<T>(wait: Duration, next: impl Future<Output = T>) -> Result<T, FilesError> {
    tokio::time::timeout(wait, next).await.map_err(|_| FilesError::Stalled(wait))
}

/// A file that is being written.
#[derive(Debug)]
struct Open {
    wanted: WantedFile,
    file: File,
    hasher: Sha256,
    got: u64,
}

impl Open {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        self.hasher.update(bytes);
        self.got = self.got.saturating_add(bytes.len() as u64);
        self.file.write_all(bytes).await.map_err(FilesError::Scratch)
    }

    async fn close(mut self) -> Result<(), FilesError> {
        self.file.flush().await.map_err(FilesError::Scratch)?;
        let got = Sha256Digest::from_bytes(self.hasher.finalize().into());
        let WantedFile { name, sha256: wanted, .. } = self.wanted;
        if got == wanted { Ok(()) } else { Err(FilesError::Digest { name, got, wanted }) }
    }
}

/// Files on their way into the scratch directory. When it is dropped, they are gone.
#[derive(Debug)]
pub struct Receiving {
    scratch: tempfile::TempDir,
    files: PathBuf,
    /// What is still to come, the next last, each with what it is called meanwhile.
    rest: Vec<(WantedFile, String)>,
    open: Option<Open>,
    _stream: Option<OwnedSemaphorePermit>,
}

impl Receiving {
    pub(super) async fn new(
        scratch: tempfile::TempDir,
        mut wanted: Vec<(WantedFile, String)>,
        stream: Option<OwnedSemaphorePermit>,
    ) -> Result<Self, FilesError> {
        let files = scratch.path().join("files");
        tokio::fs::create_dir(&files).await.map_err(FilesError::Scratch)?;
        wanted.reverse();
        let mut this = Self { scratch, files, rest: wanted, open: None, _stream: stream };
        this.advance().await?;
        Ok(this)
    }

    /// Ends files that are whole, and begins the next that has bytes to come.
    async fn advance(&mut self) -> Result<(), FilesError> {
        loop {
            match self.open.take() {
                Some(open) if open.got < open.wanted.size => {
                    self.open = Some(open);
                    return Ok(());
                }
                Some(open) => open.close().await?,
                None => {}
            }
            let Some((wanted, alias)) = self.rest.pop() else { return Ok(()) };
            // The same bytes under another name are written again.
            let file = File::create(self.files.join(alias)).await.map_err(FilesError::Scratch)?;
            self.open = Some(Open { wanted, file, hasher: Sha256::new(), got: 0 });
        }
    }

    /// Takes the next piece; it may go over the end of a file into the next.
    ///
    /// # Errors
    /// When it is too long, or the bytes are not those that were announced.
    pub async fn push(&mut self, mut piece: &[u8]) -> Result<(), FilesError> {
        if piece.is_empty() || piece.len() > PIECE_MAX {
            return Err(FilesError::Piece(piece.len()));
        }
        while !piece.is_empty() {
            let open = self.open.as_mut().ok_or(FilesError::Surplus)?;
            let room = open.wanted.size.saturating_sub(open.got);
            let length = usize::try_from(room).unwrap_or(usize::MAX).min(piece.len());
            let (mine, rest) = piece.split_at(length);
            open.write(mine).await?;
            piece = rest;
            self.advance().await?;
        }
        Ok(())
    }

    /// Whether every byte has come.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.open.is_none()
    }

    /// The same, when every byte has come.
    pub(super) fn whole(self) -> Result<Self, FilesError> {
        match &self.open {
            None => Ok(self),
            Some(Open { wanted, got, .. }) => {
                let (name, size) = (wanted.name.clone(), wanted.size);
                Err(FilesError::Short { name, got: *got, size })
            }
        }
    }

    /// The directory that holds the files and nothing else.
    pub(super) fn files(&self) -> &Path {
        &self.files
    }

    pub(super) fn scratch(&self) -> &Path {
        self.scratch.path()
    }
}

#[cfg(test)]
mod tests;
