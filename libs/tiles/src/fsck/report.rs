//! What a check found.

use std::fmt::Display;

use ids::Sha256Digest;
use merkle::Checkpoint;
use serde::Serialize;

use crate::{ReadError, SourceError};

/// The most faults that are listed; the others are counted.
pub const FAULTS_MAX: usize = 1000;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// The file is not there.
    Missing,
    /// The file is not of its form: longer, shorter, cut.
    Malformed,
    /// The file has something else than what was logged.
    Changed,
    /// Two files differ, and nothing says which is at fault.
    Differs,
    /// An entry is not one of this ledger, or not in its one spelling.
    NotAnEntry,
    /// A commitment is there twice.
    Twice,
    /// An entry was logged before the one in front of it.
    TimeWentBack,
    /// Everything together does not lead to the checkpoint.
    Root,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// The file, below the log's prefix.
    pub file: String,
    /// The entry, or the hash within the tile, from 0; the whole file where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<u64>,
    /// What exactly.
    pub detail: String,
}

/// What was read, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The log.
    pub origin: String,
    /// Entries under the checkpoint.
    pub size: u64,
    /// The checkpoint's root.
    pub root: Sha256Digest,
    /// Entries that were read.
    pub entries: u64,
    /// Entry bundles that were read.
    pub bundles: u64,
    /// Tiles that were read.
    pub tiles: u64,
    /// What is wrong: the first [`FAULTS_MAX`].
    pub faults: Vec<Fault>,
    /// How many faults there are.
    pub faults_total: u64,
    /// Whether so many files could not be used that the rest was left unread.
    pub stopped: bool,
    /// How many files could not be used.
    #[serde(skip)]
    unusable: usize,
}

impl Report {
    pub(super) fn new(checkpoint: &Checkpoint) -> Self {
        Self {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: checkpoint.root,
            entries: 0,
            bundles: 0,
            tiles: 0,
            faults: Vec::new(),
            faults_total: 0,
            stopped: false,
            unusable: 0,
        }
    }

    /// Whether everything is as it was logged.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.faults_total == 0
    }

    /// Notes that the rest is left unread once [`FAULTS_MAX`] files are missing or malformed: the
    /// size of a checkpoint is only what somebody signed.
    pub(super) const fn stops(&mut self) -> bool {
        self.stopped = self.unusable >= FAULTS_MAX;
        self.stopped
    }

    pub(super) fn fault(
        &mut self,
        kind: FaultKind,
        file: &impl Display,
        place: Option<u64>,
        detail: impl Into<String>,
    ) {
        self.faults_total += 1;
        if matches!(kind, FaultKind::Missing | FaultKind::Malformed) {
            self.unusable += 1;
        }
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { kind, file: file.to_string(), place, detail: detail.into() });
        }
    }

    pub(super) fn missing<T>(&mut self, file: &impl Display) -> Option<T> {
        self.fault(FaultKind::Missing, file, None, "the file is not there");
        None
    }

    pub(super) fn spoilt<T>(&mut self, file: &impl Display, error: &ReadError) -> Option<T> {
        self.fault(FaultKind::Malformed, file, None, error.to_string());
        None
    }

    /// A file that is too long is a fault; one that cannot be read is none.
    pub(super) fn too_long<T>(
        &mut self,
        file: &impl Display,
        error: SourceError,
    ) -> Result<Option<T>, SourceError> {
        match error {
            SourceError::TooLong { .. } => {
                self.fault(FaultKind::Malformed, file, None, error.to_string());
                Ok(None)
            }
            SourceError::Read { .. } | SourceError::Denied { .. } => Err(error),
        }
    }
}
