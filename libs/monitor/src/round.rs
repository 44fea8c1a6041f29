//! One round: a checkpoint, then the entries that are new under it.

use bundle::LedgerEntry;
use ids::{Sha256Digest, Timestamp};
use merkle::{Checkpoint, LogPolicy, LogPolicyError, Witnessed, leaf_hash, verify_consistency};

use crate::{
    Alert, MAX_FINDINGS, MAX_OWN, Origin, Own, State,
    own::Proved,
    state::{Accepted, OwnEntry, Standing},
};

/// How far a cosignature may be ahead of the monitor's clock and say how old a checkpoint is, in
/// milliseconds.
pub const MAX_AHEAD_MS: i64 = 300_000;

/// How long what may be mended by itself is left alone, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Since the last time at which a quorum had cosigned, before what is shown counts as an old copy.
    pub stale_after_ms: i64,
    /// Since an own entry was logged, before it must be known as mine: my own record of it may come
    /// a little later, and the mesh may be away for a while.
    pub unknown_after_ms: i64,
}

impl Default for Patience {
    /// An hour, and ten minutes.
    fn default() -> Self {
        Self { stale_after_ms: 3_600_000, unknown_after_ms: 600_000 }
    }
}

/// A checkpoint that counts, and is larger than the one before it; made by [`State::judge`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    accepted: Accepted,
    old: u64,
}

impl Grown {
    /// The tree head.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.accepted.checkpoint
    }

    /// The size that a consistency proof is needed from, in entries.
    #[must_use]
    pub const fn old_size(&self) -> u64 {
        self.old
    }
}

/// An entry under my identity of which it is not known who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Its place.
    pub index: u64,
    /// What it names.
    pub commitment: Sha256Digest,
    /// When the ledger took it.
    pub logged_at: Timestamp,
}

/// A place at which a document of mine is proved to be, and was not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Untraced {
    /// The place.
    pub index: u64,
    /// What names the document.
    pub commitment: Sha256Digest,
}

/// What came of asking what an entry stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Something that I asked for.
    Mine,
    /// Something that I did not ask for.
    NotMine(Origin),
    /// Nothing that can be believed; why, for people.
    Nothing(String),
}

/// What a checkpoint is, beside the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// The same tree.
    Same,
    /// A larger one: for [`State::accept`].
    Grown(Box<Grown>),
}

impl State {
    /// Holds the checkpoint `note` against the policy and the one before. `now` is the monitor's time.
    ///
    /// # Errors
    /// [`Alert::Forged`], [`Alert::NotWitnessed`], [`Alert::Stale`], [`Alert::Ahead`],
    /// [`Alert::RolledBack`], [`Alert::Forked`].
    pub fn judge(
        &self,
        note: &str,
        policy: &LogPolicy,
        now: Timestamp,
        patience: Patience,
    ) -> Result<Judged, Box<Alert>> {
        let witnessed = policy.check_published(note).map_err(|error| Box::new(refused(&error)))?;
        let checkpoint = witnessed.checkpoint();
        let empty =
            Checkpoint { origin: checkpoint.origin.clone(), size: 0, root: merkle::empty_root() };
        let (old, ours) = match &self.accepted {
            Some(Accepted { checkpoint, note }) => (checkpoint, note.as_str()),
            None => (&empty, ""),
        };
        let (was, is) = (old.size, checkpoint.size);
        let (ours, theirs) = (ours.to_owned(), note.to_owned());
        if is < was {
            return Err(Box::new(Alert::RolledBack { was, is, ours, theirs }));
        }
        if is == was && checkpoint.root != old.root {
            return Err(Box::new(Alert::Forked { was, is, ours, theirs }));
        }
        if let Some(alert) = aged(&witnessed, policy.quorum(), now, patience) {
            return Err(Box::new(alert));
        }
        if is == was && self.accepted.is_some() {
            return Ok(Judged::Same);
        }
        let accepted = Accepted { checkpoint: checkpoint.clone(), note: note.to_owned() };
        Ok(Judged::Grown(Box::new(Grown { accepted, old: was })))
    }

    /// Takes a checkpoint that grew; `proof` leads from [`Grown::old_size`] to it, under its root.
    ///
    /// # Errors
    /// [`Alert::Forked`] when it does not contain what was there before.
    pub fn accept(&mut self, grown: Grown, proof: &[Sha256Digest]) -> Result<(), Box<Alert>> {
        let Grown { accepted, old } = grown;
        let before = self.accepted.as_ref();
        let root = before.map_or_else(merkle::empty_root, |before| before.checkpoint.root);
        let (is, new_root) = (accepted.checkpoint.size, accepted.checkpoint.root);
        if verify_consistency(old, &root, is, &new_root, proof).is_err() {
            let ours = before.map(|before| before.note.clone()).unwrap_or_default();
            return Err(Box::new(Alert::Forked { was: old, is, ours, theirs: accepted.note }));
        }
        self.accepted = Some(accepted);
        Ok(())
    }

    /// Takes the next entry; `index` is the place that it was served as. Gives what is new.
    ///
    /// # Errors
    /// [`Alert::EntryMissing`] when it is not the next one, or beyond the checkpoint;
    /// [`Alert::Changed`] when it was the last one and the entries do not lead to the root. Then
    /// none of them counts as read: the caller goes back to the state before the round.
    pub fn read(&mut self, index: u64, bytes: &[u8], own: &Own) -> Result<Vec<Alert>, Box<Alert>> {
        let due = self.read.len();
        let size = self.checkpoint().map_or(0, |checkpoint| checkpoint.size);
        if index != due || due >= size {
            return Err(Box::new(Alert::EntryMissing { index: due, got: index }));
        }
        self.read.append(leaf_hash(bytes));
        let whole = self.read.len() == size;
        let root = self.checkpoint().map(|checkpoint| checkpoint.root);
        if whole && root != Some(self.read.root()) {
            return Err(Box::new(Alert::Changed { size }));
        }
        let found = match LedgerEntry::parse(bytes) {
            Ok(entry) => self.entry(index, &entry, own),
            Err(reason) => vec![Alert::Unreadable { index, reason }],
        };
        Ok(self.remember(found))
    }

    fn entry(&mut self, index: u64, entry: &LedgerEntry, own: &Own) -> Vec<Alert> {
        let mut found = Vec::new();
        let is = entry.logged_at;
        if let Some(was) = self.newest.filter(|was| *was > is) {
            found.push(Alert::TimeBackwards { index, was, is });
        }
        self.newest = self.newest.max(Some(is));
        let (tagged, commitment) = (own.is_tagged(entry), entry.commitment);
        if !tagged && !own.knows(&commitment) {
            return found;
        }
        if !tagged && own.has_keys() {
            found.push(Alert::OtherTag { index, commitment });
        }
        if let Some(first) = self.own.get(&commitment).map(|first| first.index) {
            found.push(Alert::Duplicate { first, second: index, commitment });
            return found;
        }
        if self.own.len() >= MAX_OWN {
            let oldest = self.own.iter().min_by_key(|(_, entry)| entry.index);
            if let Some(oldest) = oldest.map(|(commitment, _)| *commitment) {
                self.own.remove(&oldest);
            }
        }
        let standing = Standing::Open;
        self.own.insert(commitment, OwnEntry { index, logged_at: is, standing });
        found
    }

    /// Ends a round in which every entry was read, but for [`Self::untraced`]: what is mine and unknown,
    /// what is proved to be elsewhere or under another tag. Gives what is new.
    pub fn settle(&mut self, own: &Own, now: Timestamp, patience: Patience) -> Vec<Alert> {
        let mut found = Vec::new();
        let open = self.own.iter_mut().filter(|(_, entry)| entry.standing != Standing::Settled);
        for (commitment, entry) in open {
            let OwnEntry { index, logged_at, .. } = *entry;
            let waited = now.since_ms(logged_at) >= patience.unknown_after_ms;
            if own.knows(commitment) {
                entry.standing = Standing::Settled;
            } else if waited && !own.asks() {
                let commitment = *commitment;
                found.push(Alert::NotMine { index, commitment, logged_at, origin: None });
                entry.standing = Standing::Settled;
            }
        }
        for (commitment, Proved { index, tagged }) in own.proofs() {
            if !tagged && own.has_keys() {
                found.push(Alert::OtherTag { index, commitment });
            }
            if self.own.get(&commitment).is_some_and(|entry| entry.index != index) {
                found.push(Alert::Missing { index, commitment });
            }
        }
        self.remember(found)
    }

    /// The places that were read and at which a document of mine is proved to be, without a trace of it:
    /// it is not there, or nothing told it for mine when it was read. Each is for [`Self::trace`].
    #[must_use]
    pub fn untraced(&self, own: &Own) -> Vec<Untraced> {
        // One that was forgotten for want of room was there.
        if self.own.len() >= MAX_OWN {
            return Vec::new();
        }
        let places =
            own.proofs().map(|(commitment, Proved { index, .. })| Untraced { index, commitment });
        let places = places.filter(|Untraced { index, commitment }| {
            let told = Alert::Missing { index: *index, commitment: *commitment };
            *index < self.read.len()
                && !self.own.contains_key(commitment)
                && !self.findings.contains(&told)
        });
        places.collect()
    }

    /// Takes the entry at the place of `untraced`, which leads to the checkpoint's root. Gives an alert
    /// when it is about something else.
    pub fn trace(&mut self, untraced: Untraced, bytes: &[u8]) -> Vec<Alert> {
        let Untraced { index, commitment } = untraced;
        let entry = LedgerEntry::parse(bytes).ok();
        let Some(entry) = entry.filter(|entry| entry.commitment == commitment) else {
            return self.remember(vec![Alert::Missing { index, commitment }]);
        };
        let (logged_at, standing) = (entry.logged_at, Standing::Settled);
        self.own.insert(commitment, OwnEntry { index, logged_at, standing });
        Vec::new()
    }

    /// Takes note of the monitor key that the mesh gives. Gives an alert where it is another than the
    /// last time: what is tagged under that one is found no more.
    pub fn hold_key(&mut self, key: &[u8; 32]) -> Option<Alert> {
        let is = Sha256Digest::of(key);
        let was = self.monitor_key.replace(is).filter(|was| *was != is)?;
        Some(Alert::KeyChanged { was, is })
    }

    /// The entries under my identity of which it is not known who made them, oldest first.
    #[must_use]
    pub fn open(&self, own: &Own) -> Vec<Open> {
        let open = self.own.iter().filter(|(commitment, entry)| {
            entry.standing != Standing::Settled && !own.knows(commitment)
        });
        let open = open.map(|(commitment, entry)| {
            let OwnEntry { index, logged_at, .. } = *entry;
            Open { index, commitment: *commitment, logged_at }
        });
        let mut open: Vec<_> = open.collect();
        open.sort_unstable_by_key(|open| open.index);
        open
    }

    /// Takes what came of asking what an open entry stands for. Gives an alert when I did not make it,
    /// and one, once, when nobody has told for longer than `patience`: it stays open then.
    pub fn tell(
        &mut self,
        open: &Open,
        told: Told,
        now: Timestamp,
        patience: Patience,
    ) -> Vec<Alert> {
        let Open { index, commitment, logged_at } = *open;
        let found = match (self.own.get_mut(&commitment), told) {
            (None, _) | (Some(OwnEntry { standing: Standing::Settled, .. }), _) => None,
            (Some(entry), Told::Mine) => {
                entry.standing = Standing::Settled;
                None
            }
            (Some(entry), Told::NotMine(origin)) => {
                entry.standing = Standing::Settled;
                let origin = Some(origin);
                Some(Alert::NotMine { index, commitment, logged_at, origin })
            }
            (Some(entry), Told::Nothing(reason)) => {
                let waited = now.since_ms(logged_at) >= patience.unknown_after_ms;
                let first = waited && entry.standing == Standing::Open;
                first.then(|| {
                    entry.standing = Standing::Unexplained;
                    Alert::Unexplained { index, commitment, logged_at, reason }
                })
            }
        };
        self.remember(found.into_iter().collect())
    }

    /// Those that were not raised before.
    fn remember(&mut self, found: Vec<Alert>) -> Vec<Alert> {
        let mut new = Vec::new();
        for alert in found {
            if self.findings.contains(&alert) {
                continue;
            }
            if self.findings.len() >= MAX_FINDINGS {
                self.findings.remove(0);
            }
            self.findings.push(alert.clone());
            new.push(alert);
        }
        new
    }
}

/// Whether it is too long ago that a quorum of those that count had cosigned, or cannot be said. Fewer
/// may lie about the time: whoever shows an old copy has no more of them on its side.
fn aged(witnessed: &Witnessed, quorum: usize, now: Timestamp, patience: Patience) -> Option<Alert> {
    let counting = witnessed.cosigned().iter().filter(|cosigned| cosigned.counts);
    let timed = counting.map(|cosigned| {
        let ms = i64::try_from(cosigned.time).unwrap_or(i64::MAX).saturating_mul(1_000);
        (Timestamp::from_unix_ms(ms), cosigned.witness.as_str())
    });
    let (ahead, mut past): (Vec<_>, Vec<_>) =
        timed.partition(|(time, _)| time.since_ms(now) > MAX_AHEAD_MS);
    past.sort_unstable_by(|one, other| other.cmp(one));
    match past.get(quorum.saturating_sub(1)) {
        Some((since, _)) => (now.since_ms(*since) > patience.stale_after_ms)
            .then_some(Alert::Stale { since: *since }),
        None => ahead
            .first()
            .map(|(time, witness)| Alert::Ahead { witness: (*witness).to_owned(), time: *time }),
    }
}

fn refused(error: &LogPolicyError) -> Alert {
    let reason = error.to_string();
    match error {
        LogPolicyError::Log(_) | LogPolicyError::Origin { .. } => Alert::Forged { reason },
        // Too few, twice or bad: the witnesses' part is not whole. Lines that nobody knows are ignored.
        LogPolicyError::Unknown(..)
        | LogPolicyError::Twice(_)
        | LogPolicyError::Cosignature(_)
        | LogPolicyError::Quorum { .. } => Alert::NotWitnessed { reason },
    }
}
