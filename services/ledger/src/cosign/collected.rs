//! The cosignatures of the newest checkpoint, and which witnesses know another history.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::CosignError;

#[derive(Debug, Default)]
struct Newest {
    round: u64,
    size: u64,
    note: String,
    /// A line, with its newline, for each witness that cosigned.
    lines: Vec<Option<String>>,
    /// What each witness said last, if it was that our history is another one.
    alarms: Vec<Option<CosignError>>,
    /// Set for good once the witnesses without an alarm make no quorum.
    halted: Option<CosignError>,
}

/// What the workers bring together.
#[derive(Debug)]
pub(super) struct Collected {
    witnesses: usize,
    quorum: usize,
    newest: Mutex<Newest>,
}

impl Collected {
    pub(super) fn new(witnesses: usize, quorum: usize) -> Self {
        let newest = Newest {
            lines: vec![None; witnesses],
            alarms: vec![None; witnesses],
            ..Newest::default()
        };
        Self { witnesses, quorum, newest: Mutex::new(newest) }
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with a checkpoint; gives the number that its cosignatures come with. Those that the
    /// very same one has already stay.
    pub(super) fn begin(&self, note: &str, size: u64) -> Result<u64, CosignError> {
        let mut newest = self.newest();
        if let Some(alarm) = &newest.halted {
            return Err(alarm.clone());
        }
        newest.round += 1;
        newest.size = size;
        if newest.note != note {
            note.clone_into(&mut newest.note);
            newest.lines = vec![None; self.witnesses];
        }
        Ok(newest.round)
    }

    /// Adds a cosignature, if it is of the newest checkpoint. Whatever the witness said before, it
    /// knows our history now.
    pub(super) fn add(&self, round: u64, index: usize, line: &str) {
        let mut newest = self.newest();
        if newest.round == round
            && let Some(slot) = newest.lines.get_mut(index)
        {
            *slot = Some(line.to_owned());
        }
        if let Some(alarm) = newest.alarms.get_mut(index) {
            *alarm = None;
        }
        report(&newest);
    }

    /// Keeps what a witness said of our history: once too few are left without such news, for good.
    pub(super) fn alarm(&self, index: usize, alarm: CosignError) {
        let mut newest = self.newest();
        if let Some(slot) = newest.alarms.get_mut(index) {
            *slot = Some(alarm.clone());
        }
        let without = newest.alarms.iter().filter(|alarm| alarm.is_none()).count();
        if without < self.quorum.max(1) {
            newest.halted.get_or_insert(alarm);
        }
        report(&newest);
    }

    /// The alarm that stops the ledger.
    pub(super) fn halted(&self) -> Option<CosignError> {
        self.newest().halted.clone()
    }

    /// The checkpoint of a round, once a quorum cosigned it.
    pub(super) fn note(&self, round: u64) -> Option<String> {
        let newest = self.newest();
        (newest.round == round).then(|| self.cosigned(&newest)).flatten()
    }

    /// The newest checkpoint, if it is of that size and a quorum cosigned it.
    pub(super) fn note_of(&self, size: u64) -> Option<String> {
        let newest = self.newest();
        (newest.round > 0 && newest.size == size).then(|| self.cosigned(&newest)).flatten()
    }

    /// The places of the witnesses that have not cosigned the newest checkpoint.
    pub(super) fn missing(&self) -> Vec<usize> {
        let newest = self.newest();
        let lines = newest.lines.iter().enumerate();
        lines.filter_map(|(index, line)| line.is_none().then_some(index)).collect()
    }

    /// Whoever shows a checkpoint with fewer cosignatures has it refused by every reader.
    fn cosigned(&self, newest: &Newest) -> Option<String> {
        let lines: Vec<_> = newest.lines.iter().flatten().map(String::as_str).collect();
        (lines.len() >= self.quorum).then(|| newest.note.clone() + &lines.concat())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of witnesses")]
fn report(newest: &Newest) {
    let alarmed = newest.alarms.iter().flatten().count();
    metrics::gauge!("ledger_witnesses_alarmed").set(alarmed as f64);
}

#[cfg(test)]
mod tests {
    //! What is given away has a quorum, and one witness alone stops nothing that goes without it.
    use super::*;

    #[test]
    fn a_note_is_given_only_with_its_quorum() {
        let collected = Collected::new(3, 2);
        let round = collected.begin("note\n", 5).unwrap();
        collected.add(round, 2, "c\n");
        assert_eq!((collected.note(round), collected.note_of(5)), (None, None));
        assert_eq!(collected.missing(), [0, 1]);
        collected.add(round, 0, "a\n");
        assert_eq!(collected.note(round).as_deref(), Some("note\na\nc\n"));
        let again = collected.begin("note\n", 5).unwrap();
        assert_eq!(collected.note_of(5).as_deref(), Some("note\na\nc\n"), "lost by asking again");
        collected.add(round, 1, "late\n");
        assert_eq!(collected.note(again).as_deref(), Some("note\na\nc\n"));
        assert_eq!(collected.missing(), [1]);
        collected.begin("longer\n", 6).unwrap();
        assert_eq!((collected.note_of(5), collected.note_of(6)), (None, None));
    }

    #[test]
    fn alarms_stop_the_ledger_once_the_others_make_no_quorum() {
        let collected = Collected::new(3, 2);
        let ahead = |witness: &str| CosignError::Ahead { witness: witness.into(), size: 9 };
        collected.alarm(0, ahead("a"));
        collected.alarm(0, ahead("a"));
        assert!(collected.halted().is_none() && collected.begin("note\n", 5).is_ok());
        collected.add(1, 0, "a\n");
        collected.alarm(1, ahead("b"));
        assert_eq!(collected.halted(), None, "the first one took it back");
        collected.alarm(2, ahead("c"));
        assert_eq!(collected.halted(), Some(ahead("c")));
        collected.add(1, 1, "b\n");
        assert_eq!(collected.begin("note\n", 6), Err(ahead("c")), "for good");
    }
}
