//! Saves an image's export to a scratch file and hashes every entry while the bytes pass; then
//! `binding` checks that the entries are the image that was asked for.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufWriter, Read, Write as _},
    path::{Path, PathBuf},
};

use bytes::{Buf as _, Bytes};
use futures::{Stream, StreamExt as _};
use ids::Sha256Digest;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::engine::EngineError;

mod binding;

pub use binding::BindingError;

/// Pieces of an export between the engine and the disk; each is at most what one read gives.
const PIECES_MAX: usize = 16;
/// The largest entry whose bytes are kept for reading, in bytes: configurations and manifests.
const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// All kept entries together, in bytes.
const DOCUMENTS_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most entries in an export: a few per layer.
const ENTRIES_MAX: usize = 4_096;
/// What a tar archive ends with: that many zero bytes.
const END_BYTES: usize = 1_024;

/// Why an image could not be saved.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The engine ended the export with an error.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The export is larger than allowed.
    #[error("the image is larger than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: u64,
    },
    /// The scratch file could not be written.
    #[error(
        "cannot save the image to {} ({cause}); make room there, or name another \
         scan.scratch_directory", path.display())]
    Save {
        /// The scratch file.
        path: PathBuf,
        /// What went wrong.
        cause: io::Error,
    },
    /// The export is no tar archive, or was cut off.
    #[error(
        "the engine's export is no whole image archive ({cause}); see whether the image is \
         still there, and the engine's log"
    )]
    Broken {
        /// What went wrong.
        cause: io::Error,
    },
    /// The export is not the image that was asked for.
    #[error(transparent)]
    Binding(#[from] BindingError),
}

/// The entries of an export by name: digests of all, targets of links, bytes of small documents.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    digests: HashMap<String, Sha256Digest>,
    links: HashMap<String, String>,
    documents: HashMap<String, Vec<u8>>,
}

/// Saves `export` to `path` and checks that it is the image `id`; gives the digest of the image's
/// configuration, by which Trivy names it.
///
/// # Errors
/// When the export fails, is too large, or is another image.
pub(crate) async fn save(
    mut export: impl Stream<Item = Result<Bytes, EngineError>> + Unpin,
    path: &Path,
    limit: u64,
    id: Sha256Digest,
) -> Result<Sha256Digest, ArchiveError> {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    let target = path.to_owned();
    let reader = tokio::task::spawn_blocking(move || read(receiver, &target));
    let mut length: u64 = 0;
    while let Some(piece) = export.next().await {
        let piece = piece?;
        length = length.saturating_add(piece.len() as u64);
        if length > limit {
            return Err(ArchiveError::TooLarge { limit });
        }
        // The reader ended early: it has the reason.
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    drop(sender);
    let entries =
        reader.await.map_err(|e| ArchiveError::Broken { cause: io::Error::other(e) })??;
    Ok(binding::check(&entries, id)?)
}

fn read(receiver: mpsc::Receiver<Bytes>, path: &Path) -> Result<Entries, ArchiveError> {
    let unsaved = |cause| ArchiveError::Save { path: path.to_owned(), cause };
    let file = BufWriter::with_capacity(1 << 20, File::create_new(path).map_err(unsaved)?);
    let mut tee = Tee { receiver, piece: Bytes::new(), file, unsaved: None, zeros: 0 };
    let read = entries(&mut tee);
    if let Some(cause) = tee.unsaved {
        return Err(unsaved(cause));
    }
    let entries = read.map_err(|cause| ArchiveError::Broken { cause })?;
    // One that was cut between two entries reads well all the same.
    if tee.zeros < END_BYTES {
        let cause = io::Error::new(io::ErrorKind::UnexpectedEof, "it has no end");
        return Err(ArchiveError::Broken { cause });
    }
    tee.file.flush().map_err(unsaved)?;
    Ok(entries)
}

fn entries(tee: &mut Tee) -> io::Result<Entries> {
    let mut archive = tar::Archive::new(&mut *tee);
    let mut entries = Entries::default();
    for entry in archive.entries()? {
        entries.add(entry?)?;
    }
    // What follows the last entry is padding, and belongs into the file too.
    io::copy(tee, &mut io::sink())?;
    Ok(entries)
}

/// Reads from the channel and writes everything that it gives to the file.
struct Tee {
    receiver: mpsc::Receiver<Bytes>,
    piece: Bytes,
    file: BufWriter<File>,
    /// Why the file could not be written, when it could not.
    unsaved: Option<io::Error>,
    /// How many zero bytes the last piece ended with, and those before it.
    zeros: usize,
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let Some(piece) = self.receiver.blocking_recv() else { return Ok(0) };
            if let Err(error) = self.file.write_all(&piece) {
                self.unsaved = Some(error);
                return Err(io::Error::other("the file cannot be written"));
            }
            let zeros = piece.iter().rev().take_while(|byte| **byte == 0).count();
            self.zeros =
                if zeros == piece.len() { self.zeros.saturating_add(zeros) } else { zeros };
            self.piece = piece;
        }
        // As much as fits, in one copy.
        (&mut self.piece).reader().read(buffer)
    }
}

impl Entries {
    fn add(&mut self, mut entry: tar::Entry<'_, &mut Tee>) -> io::Result<()> {
        if self.digests.len() + self.links.len() >= ENTRIES_MAX {
            return Err(io::Error::other(format!("more than {ENTRIES_MAX} entries")));
        }
        let name = utf8(&entry.path_bytes())?;
        let kind = entry.header().entry_type();
        if let (true, Some(target)) =
            (kind.is_symlink() || kind.is_hard_link(), entry.link_name_bytes())
        {
            let target = utf8(&target)?;
            self.links.insert(name, target);
            return Ok(());
        }
        if !kind.is_file() {
            return Ok(());
        }
        let kept: usize = self.documents.values().map(Vec::len).sum();
        let keep = !name.ends_with(".tar")
            && entry.size() <= DOCUMENT_BYTES_MAX
            && kept < DOCUMENTS_BYTES_MAX;
        let mut document = Vec::new();
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = entry.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
            hasher.update(bytes);
            if keep {
                document.extend_from_slice(bytes);
            }
        }
        let digest = Sha256Digest::from_bytes(hasher.finalize().into());
        if self.digests.insert(name.clone(), digest).is_some() {
            return Err(io::Error::other(format!("the entry {name:?} is there twice")));
        }
        if keep {
            self.documents.insert(name, document);
        }
        Ok(())
    }
}

fn utf8(bytes: &[u8]) -> io::Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
