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

/// The file's name: by the text that the log signed, as anybody can put more signature lines below it.
pub(super) fn name(kind: EvidenceKind, sent: &str) -> String {
    let text = sent.rsplit_once("\n\n").map_or(sent, |(text, _)| text);
    format!("{}{}", kind.prefix(), Sha256Digest::of(text.as_bytes()).to_hex())
}

/// What became of two notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// They are in a new file.
    Newly,
    /// What the log signed is in a file already.
    Before,
    /// There are so many files of that kind that they are in none.
    Full,
}

/// The directory.
#[derive(Debug)]
pub(super) struct Evidence(PathBuf);

impl Evidence {
    pub(super) fn of(state_directory: &Path) -> Self {
        Self(state_directory.join(EVIDENCE_DIRECTORY))
    }

    /// Writes the note that was cosigned and the one that was sent to a file.
    pub(super) fn keep(
        &self,
        kind: EvidenceKind,
        cosigned: &str,
        sent: &str,
    ) -> std::io::Result<Kept> {
        let name = name(kind, sent);
        let there = self.files();
        if there.contains(&name) {
            return Ok(Kept::Before);
        }
        let of_kind = there.iter().filter(|file| file.starts_with(kind.prefix())).count();
        if of_kind >= FILES_MAX {
            return Ok(Kept::Full);
        }
        std::fs::create_dir_all(&self.0)?;
        replace_file(&self.0.join(name), format!("{cosigned}\n{sent}").as_bytes(), 0o600)?;
        Ok(Kept::Newly)
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
