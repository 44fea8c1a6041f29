//! Checkpoints that a log signed and that do not fit together, kept for whoever has to prove it.

use std::path::{Path, PathBuf};

use ::keys::replace_file;
use ids::Sha256Digest;

/// The directory with them, beside the state.
const EVIDENCE_DIRECTORY: &str = "evidence";
/// The most files of each kind: whoever sends garbage fills one kind only.
const FILES_MAX: usize = 16;

/// How much the two notes prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EvidenceKind {
    /// Two roots of one size, both signed by the log.
    Fork,
    /// No proof joins them; whoever sent the second may have spoilt the proof.
    Unproved,
}

impl EvidenceKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Fork => "fork-",
            Self::Unproved => "unproved-",
        }
    }
}

/// The directory.
#[derive(Debug)]
pub(super) struct Evidence(PathBuf);

impl Evidence {
    pub(super) fn of(state_directory: &Path) -> Self {
        Self(state_directory.join(EVIDENCE_DIRECTORY))
    }

    /// Writes the notes to a file named by their digest, unless it is there or there are enough.
    pub(super) fn keep(&self, kind: EvidenceKind, notes: &str) -> std::io::Result<()> {
        let name = format!("{}{}", kind.prefix(), Sha256Digest::of(notes.as_bytes()).to_hex());
        let there = self.files();
        let of_kind = there.iter().filter(|file| file.starts_with(kind.prefix())).count();
        if there.contains(&name) || of_kind >= FILES_MAX {
            return Ok(());
        }
        std::fs::create_dir_all(&self.0)?;
        replace_file(&self.0.join(name), notes.as_bytes(), 0o600)
    }

    /// The names of the files, in order.
    pub(super) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut names: Vec<_> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }
}
