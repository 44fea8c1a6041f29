//! Collecting cosignatures: every witness is asked at once (C2SP tlog-witness), and a checkpoint
//! goes on its way when a quorum has cosigned it.
//!
//! A worker for each witness asks for the newest checkpoint only: a slow or absent witness holds
//! nobody up, and is not asked for what is old. What an answer means is decided in `libs/witness`.

mod collected;
mod config;
mod worker;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ids::Sha256Digest;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};
use witness::{Answered, request_body};

use collected::Collected;
pub use config::{CosignConfig, CosignConfigError, WitnessConfig};
use worker::{Ask, News, Worker};

/// How often one witness may name another size before it is given up for a checkpoint.
const MAX_SIZES: u32 = 4;
/// News that wait to be read, for each witness.
const NEWS: usize = 8;

/// Why a checkpoint may not be shown to anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignError {
    /// A witness cosigned more of this log than there is here. The ledger must not serve.
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
    /// A witness cosigned another tree of that size. The ledger must not serve.
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
    name: String,
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

/// How far a round has come.
struct Round {
    cosigned: BTreeSet<usize>,
    causes: BTreeMap<String, String>,
    sizes_named: BTreeMap<usize, u32>,
}

impl Cosigners {
    /// Starts a worker for each witness; they end with this value. Runs inside a tokio runtime.
    ///
    /// # Errors
    /// When a key, an address, a CA file or the quorum cannot be used.
    pub fn new(config: &CosignConfig) -> Result<Self, CosignConfigError> {
        let witnesses = config.witnesses()?;
        let quorum = config.quorum(witnesses.len())?;
        let collected = Arc::new(Collected::new(witnesses.len()));
        let (mut workers, mut asking) = (JoinSet::new(), Vec::new());
        for (index, witness) in witnesses.into_iter().enumerate() {
            let (asks, newest) = watch::channel(None);
            let name = witness.key.name().to_owned();
            let collected = Arc::clone(&collected);
            let known = Arc::new(AtomicU64::new(0));
            let worker = Worker { index, witness, collected, known: Arc::clone(&known) };
            workers.spawn(worker.run(newest));
            asking.push(Asking { name, asks, known });
        }
        let deadline = Duration::from_millis(config.deadline_ms);
        Ok(Self { quorum, deadline, witnesses: asking, collected, _workers: workers })
    }

    /// How many witnesses must cosign before a checkpoint counts.
    #[must_use]
    pub const fn quorum(&self) -> usize {
        self.quorum
    }

    /// The newest checkpoint that was to be cosigned, if it has `size` leaves, with every
    /// cosignature that has come since: more may come after [`Self::cosign`] returned.
    #[must_use]
    pub fn collected(&self, size: u64) -> Option<String> {
        self.collected.note_of(size)
    }

    /// The `note` (a checkpoint of `size` leaves, signed by the log) with the cosignatures of a
    /// quorum, in the order of the configuration. `proof` makes the consistency proof from an old
    /// size to this one. One caller at a time: a later call takes the place of an earlier one.
    ///
    /// The entries of the checkpoint are durable before this is called: a witness that has cosigned
    /// entries which a crash took away stops the ledger. Call it at start with the newest stored
    /// checkpoint, before anybody is served: then a state that was rolled back is found out.
    ///
    /// # Errors
    /// When too few cosigned in time, or a witness knows another history: that is kept in mind, and
    /// every later call fails with it.
    pub async fn cosign(
        &self,
        note: &str,
        size: u64,
        proof: &Proofs,
    ) -> Result<String, CosignError> {
        let until = Instant::now() + self.deadline;
        let (sender, mut news) = mpsc::channel(NEWS * self.witnesses.len().max(1));
        let round = self.collected.begin(note, size)?;
        let ask = Ask {
            round,
            note: note.into(),
            size,
            old: 0,
            body: String::new().into(),
            until,
            news: sender,
        };
        self.ask_all(&ask, proof)?;
        let mut state = Round {
            cosigned: BTreeSet::new(),
            causes: BTreeMap::new(),
            sizes_named: BTreeMap::new(),
        };
        while state.cosigned.len() < self.quorum {
            match tokio::time::timeout_at(until, news.recv()).await {
                Ok(Some(told)) => self.hear(told, &ask, proof, &mut state)?,
                Ok(None) | Err(_) => return Err(self.too_few(state)),
            }
        }
        self.collected.note(round).ok_or_else(|| self.too_few(state))
    }

    fn too_few(&self, mut state: Round) -> CosignError {
        for (index, witness) in self.witnesses.iter().enumerate() {
            if !state.cosigned.contains(&index) {
                let cause = state.causes.entry(witness.name.clone());
                cause.or_insert_with(|| "no answer in time".to_owned());
            }
        }
        let (wanted, got) = (self.quorum, state.cosigned.len());
        CosignError::Quorum { wanted, got, causes: state.causes }
    }

    fn ask_all(&self, ask: &Ask, proof: &Proofs) -> Result<(), CosignError> {
        for witness in &self.witnesses {
            // A witness that knows more than we have says so itself.
            let known = witness.known.load(Ordering::Relaxed);
            let old = if known > ask.size { 0 } else { known };
            witness.asks.send_replace(Some(ask.from(old, proof)?));
        }
        Ok(())
    }

    /// Takes what a witness said into account.
    fn hear(
        &self,
        told: News,
        ask: &Ask,
        proof: &Proofs,
        state: &mut Round,
    ) -> Result<(), CosignError> {
        let Some(witness) = self.witnesses.get(told.index) else { return Ok(()) };
        match told.answered {
            Answered::Cosigned(_) => {
                state.cosigned.insert(told.index);
                state.causes.remove(&witness.name);
            }
            Answered::AskFrom(size) => {
                let named = state.sizes_named.entry(told.index).or_insert(0);
                *named += 1;
                if *named > MAX_SIZES {
                    let why = format!("it names another size each time, now {size}");
                    state.causes.insert(witness.name.clone(), why);
                    return Ok(());
                }
                let again = ask.from(size, proof)?;
                witness.asks.send_replace(Some(again));
            }
            Answered::Ahead(_) | Answered::Forked(_) => {
                self.collected.alarm().map_or(Ok(()), Err)?;
            }
            Answered::Refused(why) => {
                state.causes.insert(witness.name.clone(), why);
            }
        }
        Ok(())
    }
}

impl Ask {
    /// The same, asked from `old`.
    fn from(&self, old: u64, proof: &Proofs) -> Result<Self, CosignError> {
        let size = self.size;
        let empty = old == 0 || old == size;
        let proof = if empty { Some(Vec::new()) } else { proof(old) };
        let proof = proof.ok_or(CosignError::Proof { old, size })?;
        let body = request_body(old, &proof, &self.note).into();
        Ok(Self { old, body, ..self.clone() })
    }
}

#[cfg(test)]
mod tests;
