//! Collecting cosignatures: every witness is asked at once (C2SP tlog-witness), and a checkpoint
//! goes on its way when a quorum has cosigned it.
//!
//! A worker for each witness asks for the newest checkpoint only: a slow or absent witness holds
//! nobody up, and is not asked for what is old. What an answer means is decided in `libs/witness`.
//! A ledger that starts waits for more of them ([`Cosigners::first`]): they know what is newest.

mod collected;
mod config;
mod round;
mod worker;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ids::Sha256Digest;
use merkle::{CosignerKey, SignedCheckpoint};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};
use witness::Answered;

use collected::Collected;
pub use config::{CosignConfig, CosignConfigError, WitnessConfig};
use round::Round;
use worker::{Ask, News, Worker};

/// How often one witness may name another size before it is given up for a checkpoint.
const MAX_SIZES: u32 = 4;
/// News that wait to be read, for each witness.
const NEWS: usize = 8;

/// Why a checkpoint may not be shown to anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignError {
    /// A witness cosigned more of this log than there is here.
    #[error(
        "the witness {witness} has cosigned {size} entries of this log, more than there are here: \
         the state was rolled back, or another ledger writes this log; restore the newest state"
    )]
    Ahead {
        /// Which witness.
        witness: String,
        /// What it cosigned, in leaves.
        size: u64,
    },
    /// A witness cosigned another tree of that size.
    #[error(
        "the witness {witness} has cosigned other entries among the first {size} of this log: \
         another ledger writes it, or the state was rolled back and went on; stop both"
    )]
    Forked {
        /// Which witness.
        witness: String,
        /// The size at which the trees differ already, in leaves.
        size: u64,
    },
    /// Too few witnesses cosigned in time; asking again may help.
    #[error("{got} of {wanted} witnesses cosigned in time: {}", of(.causes))]
    Quorum {
        /// How many must.
        wanted: usize,
        /// How many did.
        got: usize,
        /// Witness to why it did not.
        causes: BTreeMap<String, String>,
    },
    /// This ledger cannot make the proof that a witness asks for.
    #[error(
        "there is no consistency proof from size {old} to {size}: the log's own state is wrong"
    )]
    Proof {
        /// From which size, in leaves.
        old: u64,
        /// To which size, in leaves.
        size: u64,
    },
}

impl CosignError {
    /// Whether the ledger must not serve any more: its history is not the one that was cosigned.
    #[must_use]
    pub const fn stops_the_ledger(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::Forked { .. })
    }
}

fn of(causes: &BTreeMap<String, String>) -> String {
    let causes: Vec<_> = causes.iter().map(|(who, why)| format!("{who}: {why}")).collect();
    causes.join("; ")
}

/// What makes consistency proofs from an old size to the one that is to be cosigned; `None` when
/// there never was such a size.
pub type Proofs = dyn Fn(u64) -> Option<Vec<Sha256Digest>> + Send + Sync;

/// A witness, as the one who asks sees it.
#[derive(Debug)]
struct Asking {
    key: CosignerKey,
    asks: watch::Sender<Option<Ask>>,
    /// The size that it cosigned last, as far as its worker knows, in leaves.
    known: Arc<AtomicU64>,
}

/// The witnesses of a log.
#[derive(Debug)]
pub struct Cosigners {
    quorum: usize,
    deadline: Duration,
    witnesses: Vec<Asking>,
    collected: Arc<Collected>,
    _workers: JoinSet<()>,
}

impl Cosigners {
    /// Starts a worker for each witness; they end with this value. Runs inside a tokio runtime.
    ///
    /// # Errors
    /// When a key, an address, a CA file or the quorum cannot be used.
    pub fn new(config: &CosignConfig) -> Result<Self, CosignConfigError> {
        let witnesses = config.witnesses()?;
        let quorum = config.quorum(witnesses.len())?;
        let collected = Arc::new(Collected::new(witnesses.len(), quorum));
        let (mut workers, mut asking) = (JoinSet::new(), Vec::new());
        for (index, witness) in witnesses.into_iter().enumerate() {
            let (asks, newest) = watch::channel(None);
            let key = witness.key.clone();
            let collected = Arc::clone(&collected);
            let known = Arc::new(AtomicU64::new(0));
            let worker = Worker { index, witness, collected, known: Arc::clone(&known) };
            workers.spawn(worker.run(newest));
            asking.push(Asking { key, asks, known });
        }
        let deadline = Duration::from_millis(config.deadline_ms);
        Ok(Self { quorum, deadline, witnesses: asking, collected, _workers: workers })
    }

    /// How many witnesses must cosign before a checkpoint counts.
    #[must_use]
    pub const fn quorum(&self) -> usize {
        self.quorum
    }

    /// Whether a quorum of these witnesses has cosigned `note`.
    #[must_use]
    pub fn has_quorum(&self, note: &str) -> bool {
        let Ok(note) = SignedCheckpoint::parse(note) else { return false };
        let cosigned = |witness: &&Asking| note.cosigned(&witness.key).is_ok();
        self.witnesses.iter().filter(cosigned).count() >= self.quorum
    }

    /// The newest checkpoint that was to be cosigned, if it has `size` leaves and a quorum cosigned
    /// it, with every cosignature that has come since: more may come after [`Self::cosign`] returned.
    #[must_use]
    pub fn collected(&self, size: u64) -> Option<String> {
        self.collected.note_of(size)
    }

    /// The names of the witnesses that have not cosigned the newest checkpoint that was to be cosigned.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let name = |index: usize| Some(self.witnesses.get(index)?.key.name().to_owned());
        self.collected.missing().into_iter().filter_map(name).collect()
    }

    /// The same as [`Self::cosign`] for a ledger that starts, before it serves or signs anything:
    /// every witness is waited for, within the deadline, and one alone that knows another history
    /// stops the start. `None`: enough answered, too few for a quorum; ask on with [`Self::cosign`].
    ///
    /// Of `n` witnesses of which `k` make the quorum, `n - k + 1` must have found the checkpoint to
    /// extend what they cosigned: of any `k` that ever cosigned what was shown, one is then among
    /// them, so a state that was restored from an old backup, or is empty, is found out. What fewer
    /// than `k` of these `n` cosigned, under a smaller quorum or with other witnesses, may be missed
    /// (docs/runbooks/witness-away.md says how to change them). While fewer answer, this asks again
    /// and says so; it ends only when enough did, or when it is dropped.
    ///
    /// # Errors
    /// When a witness knows another history, or no proof that they ask for can be made.
    pub async fn first(
        &self,
        note: &str,
        size: u64,
        proof: &Proofs,
    ) -> Result<Option<String>, CosignError> {
        loop {
            match self.first_once(note, size, proof).await {
                Err(error @ CosignError::Quorum { .. }) => {
                    metrics::counter!("ledger_cosign_failures_total").increment(1);
                    tracing::warn!(
                        %error,
                        "waiting for the witnesses: too few can say that the state here is the newest"
                    );
                }
                ended => return ended,
            }
        }
    }

    async fn first_once(
        &self,
        note: &str,
        size: u64,
        proof: &Proofs,
    ) -> Result<Option<String>, CosignError> {
        let mut round = self.begin(note, size, proof)?;
        let all = self.witnesses.len();
        while round.cosigned.len() < all && self.listen(&mut round).await? {
            if let Some(alarm) = round.alarm {
                return Err(alarm);
            }
        }
        let wanted = if self.quorum == 0 { 0 } else { all.saturating_sub(self.quorum) + 1 };
        if round.cosigned.len() < wanted {
            return Err(self.too_few(round, wanted));
        }
        Ok(self.collected.note(round.ask.round))
    }

    /// The `note` (a checkpoint of `size` leaves, signed by the log) with the cosignatures of a
    /// quorum, in the order of the configuration. `proof` makes the consistency proof from an old
    /// size to this one. One caller at a time: a later call takes the place of an earlier one.
    ///
    /// The entries of the checkpoint are durable before this is called: a witness that has cosigned
    /// entries which a crash took away raises an alarm. A ledger that starts calls [`Self::first`].
    ///
    /// # Errors
    /// When too few cosigned in time; or when so many witnesses know another history that the others
    /// make no quorum: that is kept in mind, and every later call fails with it. Fewer of them are
    /// logged, and count as not cosigning: a faulty witness is no switch to put the ledger off with.
    pub async fn cosign(
        &self,
        note: &str,
        size: u64,
        proof: &Proofs,
    ) -> Result<String, CosignError> {
        let mut round = self.begin(note, size, proof)?;
        while round.cosigned.len() < self.quorum {
            if !self.listen(&mut round).await? {
                return Err(self.too_few(round, self.quorum));
            }
            self.collected.halted().map_or(Ok(()), Err)?;
        }
        let note = self.collected.note(round.ask.round);
        note.ok_or_else(|| self.too_few(round, self.quorum))
    }

    /// Asks every witness.
    fn begin<'a>(
        &self,
        note: &str,
        size: u64,
        proof: &'a Proofs,
    ) -> Result<Round<'a>, CosignError> {
        let until = Instant::now() + self.deadline;
        let (news, heard) = mpsc::channel(NEWS * self.witnesses.len().max(1));
        let round = self.collected.begin(note, size)?;
        let body = String::new().into();
        let ask = Ask { round, note: note.into(), size, old: 0, body, until, news };
        let mut round = Round::new(ask, heard, proof);
        for (index, witness) in self.witnesses.iter().enumerate() {
            // A witness that knows more than we have says so itself.
            let known = witness.known.load(Ordering::Relaxed);
            let old = if known > size { 0 } else { known };
            self.ask(&mut round, index, old)?;
        }
        Ok(round)
    }

    /// Asks one witness from `old`, if there is a proof from there.
    fn ask(&self, round: &mut Round<'_>, index: usize, old: u64) -> Result<(), CosignError> {
        let Some(witness) = self.witnesses.get(index) else { return Ok(()) };
        let error = match round.ask.from(old, round.proof) {
            Ok(ask) => {
                witness.asks.send_replace(Some(ask));
                return Ok(());
            }
            Err(error) => error,
        };
        round.causes.insert(witness.key.name().to_owned(), error.to_string());
        round.without_proof.insert(index);
        // One that names a size which never was here is alone; all of them cannot be.
        if round.without_proof.len() == self.witnesses.len() { Err(error) } else { Ok(()) }
    }

    /// Takes in what the next witness says; `false` when the time is over.
    async fn listen(&self, round: &mut Round<'_>) -> Result<bool, CosignError> {
        let told = tokio::time::timeout_at(round.ask.until, round.heard.recv()).await;
        let Ok(Some(News { index, answered })) = told else { return Ok(false) };
        let Some(witness) = self.witnesses.get(index) else { return Ok(true) };
        let name = witness.key.name();
        match answered {
            Answered::Cosigned(_) => {
                round.cosigned.insert(index);
                round.causes.remove(name);
            }
            Answered::AskFrom(size) => {
                let named = round.sizes_named.entry(index).or_insert(0);
                *named += 1;
                if *named > MAX_SIZES {
                    let why = format!("it names another size each time, now {size}");
                    round.causes.insert(name.to_owned(), why);
                } else {
                    self.ask(round, index, size)?;
                }
            }
            Answered::Ahead(size) => {
                round.alarm(CosignError::Ahead { witness: name.to_owned(), size }, name);
            }
            Answered::Forked(size) => {
                round.alarm(CosignError::Forked { witness: name.to_owned(), size }, name);
            }
            Answered::Refused(why) => {
                round.causes.insert(name.to_owned(), why);
            }
        }
        Ok(true)
    }

    fn too_few(&self, mut round: Round<'_>, wanted: usize) -> CosignError {
        for (index, witness) in self.witnesses.iter().enumerate() {
            if !round.cosigned.contains(&index) {
                let cause = round.causes.entry(witness.key.name().to_owned());
                cause.or_insert_with(|| "no answer in time".to_owned());
            }
        }
        CosignError::Quorum { wanted, got: round.cosigned.len(), causes: round.causes }
    }
}

#[cfg(test)]
mod tests;
