//! What every entry must be: canonical, of this ledger's schema, new, and not earlier than the last.

use std::collections::HashSet;

use bundle::LedgerEntry;
use ids::{Sha256Digest, Timestamp};
use merkle::tile::EntryBundle;

use super::report::{FaultKind, Report};

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Entries {
    commitments: HashSet<Sha256Digest>,
    newest: Option<Timestamp>,
}

impl Entries {
    /// Looks at entry `index` of the log, which follows the last one.
    pub(super) fn check(
        &mut self,
        bundle: EntryBundle,
        index: u64,
        bytes: &[u8],
        report: &mut Report,
    ) {
        let mut fault = |kind, detail: String| report.fault(kind, &bundle, Some(index), detail);
        let entry = match LedgerEntry::parse(bytes) {
            Ok(entry) => entry,
            Err(detail) => return fault(FaultKind::NotAnEntry, detail),
        };
        if !self.commitments.insert(entry.commitment) {
            fault(FaultKind::Twice, format!("{} is in the log before", entry.commitment));
        }
        if let Some(newest) = self.newest.filter(|newest| entry.logged_at < *newest) {
            let detail = format!("logged at {}, the one before at {newest}", entry.logged_at);
            fault(FaultKind::TimeWentBack, detail);
        }
        self.newest = self.newest.max(Some(entry.logged_at));
    }
}
