//! The journal of own submissions: what was asked for under this identity on this machine, written
//! down before it is sent. A monitor tells by it "made by me" from "made under my name".
//!
//! JSON Lines, one submission each, only ever appended to. A line that a crash cut off was never
//! sent: the next writer removes it, and readers pass over it.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use ids::{Sha256Digest, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest journal that is read, in bytes.
pub const MAX_SUBMISSIONS_BYTES: u64 = 256 * 1024 * 1024;

/// One submission, as it is written down before it is sent. The job's id is not known by then: the
/// scheduler gives it, and every signed document of the job names the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SubmissionEntry {
    /// SHA-256 of the request's envelope.
    pub request: Sha256Digest,
    /// The request's idempotency key.
    pub idempotency_key: Uuid,
    /// When, by this machine's clock.
    pub at: Timestamp,
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SubmissionsError {
    /// Nothing says where the user's state is kept.
    #[error("neither XDG_STATE_HOME nor HOME is an absolute path")]
    NoPlace,
    /// The file or its directory cannot be used.
    #[error("cannot use the journal of submissions {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is longer than the bound.
    #[error("the journal of submissions {path} is longer than {MAX_SUBMISSIONS_BYTES} bytes")]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
    /// A whole line that is no submission: the file was damaged or edited.
    #[error(
        "line {line} of the journal of submissions {path} is no submission: restore the file from a \
         backup, or remove that line and take every entry that is then unknown for one to look into"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// The journal, as it was when it was opened and as it was added to since.
#[derive(Debug)]
pub struct Submissions {
    path: PathBuf,
    made: HashSet<Sha256Digest>,
}

/// The journal's place for a trust domain: `$XDG_STATE_HOME/aibom/<domain>/submissions.jsonl`, or
/// the same under `$HOME/.local/state` (XDG Base Directory Specification). `variable` gives the
/// environment's variables.
///
/// # Errors
/// When neither is an absolute path.
pub fn submissions_path(
    trust_domain: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, SubmissionsError> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .ok_or(SubmissionsError::NoPlace)?;
    // A profile is trusted, but a domain is never more than one name here.
    let domain: String = trust_domain
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '_' })
        .collect();
    let domain = if domain.starts_with('.') { format!("_{domain}") } else { domain };
    Ok(state.join("aibom").join(domain).join("submissions.jsonl"))
}

/// The whole lines of a journal, and how many bytes they take.
fn whole(bytes: &[u8]) -> &[u8] {
    let end =
        bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last.saturating_add(1));
    bytes.get(..end).unwrap_or_default()
}

impl Submissions {
    /// Reads the journal at `path`; there need not be one.
    ///
    /// # Errors
    /// When it cannot be read, is too long, or a whole line is no submission.
    pub fn open(path: &Path) -> Result<Self, SubmissionsError> {
        let mut made = HashSet::new();
        let bytes = read(path)?;
        for (index, line) in whole(&bytes).split_inclusive(|byte| *byte == b'\n').enumerate() {
            let damaged = |source| {
                let line = index.saturating_add(1);
                SubmissionsError::Damaged { path: path.to_owned(), line, source }
            };
            let entry: SubmissionEntry = serde_json::from_slice(line).map_err(damaged)?;
            made.insert(entry.request);
        }
        Ok(Self { path: path.to_owned(), made })
    }

    /// Writes a submission down; it is on disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written: then nothing may be sent.
    pub fn add(&mut self, entry: &SubmissionEntry) -> Result<(), SubmissionsError> {
        Self::append(&self.path, entry)?;
        self.made.insert(entry.request);
        Ok(())
    }

    /// The same without reading the journal.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn append(path: &Path, entry: &SubmissionEntry) -> Result<(), SubmissionsError> {
        let io = |source| SubmissionsError::Io { path: path.to_owned(), source };
        let mut line = serde_json::to_vec(entry).map_err(|error| io(error.into()))?;
        line.push(b'\n');
        append(path, &line).map_err(io)
    }

    /// Whether the request was submitted from here.
    #[must_use]
    pub fn contains(&self, request: &Sha256Digest) -> bool {
        self.made.contains(request)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SubmissionsError> {
    let io = |source| SubmissionsError::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_SUBMISSIONS_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_SUBMISSIONS_BYTES {
        return Err(SubmissionsError::TooLong { path: path.to_owned() });
    }
    Ok(bytes)
}

/// Makes a directory and those above it; each name is on disk when this returns.
fn create(directory: &Path) -> std::io::Result<()> {
    let missing = directory.ancestors().take_while(|path| !path.is_dir());
    let missing: Vec<&Path> = missing.filter(|path| !path.as_os_str().is_empty()).collect();
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    for made in missing {
        let above = made.parent().filter(|above| !above.as_os_str().is_empty());
        File::open(above.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Appends a line, one writer at a time, and waits for the disk.
fn append(path: &Path, line: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    create(directory)?;
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    // Held until the file is closed.
    file.lock()?;
    let length = file.metadata()?.len();
    let kept = whole_length(&mut file, length)?;
    if kept < length {
        file.set_len(kept)?;
    }
    file.write_all(line)?;
    file.sync_all()?;
    File::open(directory)?.sync_all()
}

/// How much of the file is whole lines: looks back for the last line's end.
fn whole_length(file: &mut File, length: u64) -> std::io::Result<u64> {
    const BLOCK: u64 = 4_096;
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        let mut block = Vec::new();
        std::io::Read::take(&mut *file, end.saturating_sub(start)).read_to_end(&mut block)?;
        let kept = whole(&block).len() as u64;
        if kept > 0 {
            return Ok(start.saturating_add(kept));
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
