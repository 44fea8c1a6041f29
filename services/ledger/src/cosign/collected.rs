//! The cosignatures of the newest checkpoint, and what a witness said that stops the ledger.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::CosignError;

#[derive(Debug, Default)]
struct Newest {
    round: u64,
    size: u64,
    note: String,
    /// A line, with its newline, for each witness that cosigned.
    lines: Vec<Option<String>>,
    alarm: Option<CosignError>,
}

/// What the workers bring together.
#[derive(Debug)]
pub(super) struct Collected {
    witnesses: usize,
    newest: Mutex<Newest>,
}

impl Newest {
    fn whole(&self) -> String {
        self.lines.iter().flatten().fold(self.note.clone(), |note, line| note + line)
    }
}

impl Collected {
    pub(super) fn new(witnesses: usize) -> Self {
        Self { witnesses, newest: Mutex::default() }
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with another checkpoint; gives the number that its cosignatures come with.
    pub(super) fn begin(&self, note: &str, size: u64) -> Result<u64, CosignError> {
        let mut newest = self.newest();
        if let Some(alarm) = &newest.alarm {
            return Err(alarm.clone());
        }
        newest.round += 1;
        newest.size = size;
        note.clone_into(&mut newest.note);
        newest.lines = vec![None; self.witnesses];
        Ok(newest.round)
    }

    /// Adds a cosignature, if it is of the newest checkpoint.
    pub(super) fn add(&self, round: u64, index: usize, line: &str) {
        let mut newest = self.newest();
        if newest.round == round
            && let Some(slot) = newest.lines.get_mut(index)
        {
            *slot = Some(line.to_owned());
        }
    }

    /// Keeps the first reason to stop.
    pub(super) fn stop(&self, alarm: CosignError) {
        self.newest().alarm.get_or_insert(alarm);
    }

    pub(super) fn alarm(&self) -> Option<CosignError> {
        self.newest().alarm.clone()
    }

    pub(super) fn note(&self, round: u64) -> Option<String> {
        let newest = self.newest();
        (newest.round == round).then(|| newest.whole())
    }

    pub(super) fn note_of(&self, size: u64) -> Option<String> {
        let newest = self.newest();
        (newest.round > 0 && newest.size == size).then(|| newest.whole())
    }
}
