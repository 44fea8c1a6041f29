//! Which records pause after a failure, each by itself: one that always fails keeps no other waiting.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use schedule::Backoff;

/// The pauses of records, by their keys; forgotten with the process.
#[derive(Debug, Default)]
pub(super) struct Pauses(HashMap<Vec<u8>, (Backoff, Instant)>);

impl Pauses {
    /// Whether a record may be tried at `at`.
    pub(super) fn is_over(&self, key: &[u8], at: Instant) -> bool {
        self.0.get(key).is_none_or(|(_, until)| *until <= at)
    }

    /// A record failed at `at`.
    pub(super) fn failed(&mut self, key: Vec<u8>, at: Instant) {
        let (backoff, until) = self.0.entry(key).or_insert_with(|| (Backoff::default(), at));
        let pause_ms = backoff.failed(getrandom::u32().unwrap_or_default());
        *until = at.checked_add(Duration::from_millis(pause_ms)).unwrap_or(at);
    }

    /// A record is logged, or pauses otherwise.
    pub(super) fn end(&mut self, key: &[u8]) {
        self.0.remove(key);
    }

    /// How long after `at` the next pause ends.
    pub(super) fn next(&self, at: Instant) -> Option<Duration> {
        self.0.values().map(|(_, until)| until.saturating_duration_since(at)).min()
    }
}
