//! The process that is killed: the real log, writer, second stage and publisher under load, over a
//! disk that loses what is not synced.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, SystemTime},
};

use bundle::{TAG_BYTES, Tag};
use ids::{Sha256Digest, Timestamp};
use keys::FileKey;
use ledger::{Core, Leaf, NotCosigned, Parts, Proofs, SignKey, TABLES, Witnessing};
use merkle::{VerifierKey, checkpoint, verify_consistency};
use rpc::CancellationToken;
use store::Durable;

use crate::fault::{FaultyFile, Random, SYNC_FAILED, Syncs};

pub(crate) const ORIGIN: &str = "mesh.test/ledger";
/// Ends an acknowledgement: without it the kill came first.
pub(crate) const END: &str = ".";
/// Tasks that append, one entry at a time each.
const CALLERS: u64 = 32;

pub(crate) fn key() -> SignKey {
    let pem = keys::generate_ed25519(&[1; 32]).unwrap();
    SignKey::new(FileKey::from_pem(&pem).unwrap(), ORIGIN).unwrap()
}

pub(crate) fn verifier() -> VerifierKey {
    key().verifier().clone()
}

pub(crate) fn leaf(commitment: Sha256Digest) -> Leaf {
    Leaf { commitment, tag: Tag::from_bytes([7; TAG_BYTES]) }
}

/// What the parent tells the child, in one environment variable.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    pub(crate) directory: PathBuf,
    pub(crate) seed: u64,
    pub(crate) fails_once_in: u64,
    pub(crate) syncs: Syncs,
    pub(crate) witnessed: bool,
}

impl Orders {
    pub(crate) fn to_text(&self) -> String {
        let Self { directory, seed, fails_once_in, syncs, witnessed } = self;
        format!("{seed} {fails_once_in} {syncs:?} {witnessed} {}", directory.display())
    }

    fn parse(text: &str) -> Self {
        let mut words = text.splitn(5, ' ');
        let mut word = || words.next().unwrap();
        Self {
            seed: word().parse().unwrap(),
            fails_once_in: word().parse().unwrap(),
            syncs: match word() {
                "Honest" => Syncs::Honest,
                "Lie" => Syncs::Lie,
                _ => Syncs::Late,
            },
            witnessed: word().parse().unwrap(),
            directory: word().into(),
        }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.directory.join("ledger.redb")
    }

    pub(crate) fn tiles(&self) -> PathBuf {
        self.directory.join("tiles")
    }

    pub(crate) fn witness(&self) -> PathBuf {
        self.directory.join("witness")
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// A witness whose state is a file that the kill does not touch. It signs nothing; it checks.
#[derive(Debug)]
struct StubWitness {
    path: PathBuf,
    last: Mutex<Option<checkpoint::SignedCheckpoint>>,
}

impl StubWitness {
    fn open(path: &Path) -> Self {
        let last = std::fs::read_to_string(path).ok();
        let last = last.map(|note| checkpoint::SignedCheckpoint::parse(&note).unwrap());
        Self { path: path.to_owned(), last: Mutex::new(last) }
    }
}

#[tonic::async_trait]
impl Witnessing for StubWitness {
    async fn cosign(&self, note: &str, size: u64, proof: &Proofs) -> Result<String, NotCosigned> {
        let mut last = self.last.lock().unwrap();
        let signed = checkpoint::SignedCheckpoint::parse(note).unwrap();
        if let Some(last) = last.as_ref() {
            let (old, new) = (last.unverified(), signed.unverified());
            let proof = if old.size > 0 { proof(old.size) } else { Some(Vec::new()) };
            let consistent = proof.is_some_and(|proof| {
                verify_consistency(old.size, &old.root, size, &new.root, &proof).is_ok()
            });
            if !consistent {
                say("FORK");
                return Err(NotCosigned::Diverged("the witness has seen another log".into()));
            }
        }
        // Replaced in one step before the answer leaves.
        let new = self.path.with_extension("new");
        std::fs::write(&new, note).unwrap();
        std::fs::rename(&new, &self.path).unwrap();
        *last = Some(signed);
        Ok(note.to_owned())
    }

    async fn first(
        &self,
        note: &str,
        size: u64,
        proof: &Proofs,
    ) -> Result<Option<String>, NotCosigned> {
        self.cosign(note, size, proof).await.map(Some)
    }

    fn has_quorum(&self, _note: &str) -> bool {
        true
    }

    fn collected(&self, _size: u64) -> Option<String> {
        None
    }
}

/// Runs until it is killed, or its disk fails.
pub(crate) fn run(orders: &str) {
    let orders = Orders::parse(orders);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(serve(orders));
}

async fn serve(orders: Orders) {
    let disk = FaultyFile::open(&orders.state(), orders.syncs, orders.fails_once_in, orders.seed);
    let store = match Durable::open_on(disk, orders.state(), TABLES) {
        Ok(store) => store,
        Err(error) => return unopened(&error.into()),
    };
    let broken = store.clone();
    let witness = StubWitness::open(&orders.witness());
    let parts = Parts {
        store,
        state: orders.directory.clone(),
        key: key(),
        witnesses: orders.witnessed.then(|| Arc::new(witness) as Arc<dyn Witnessing>),
        tiles: Some(orders.tiles().to_string_lossy().into_owned()),
        publish_every: Duration::from_millis(1),
        cosign_every: Duration::from_millis(20),
    };
    let clock = Arc::new(|| Timestamp::from(SystemTime::now()));
    let core = match Core::start(parts, clock, CancellationToken::new()).await {
        Ok(core) => Arc::new(core),
        Err(error) => return unopened(&error.into()),
    };
    say("ready");
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(call(Arc::clone(&core), broken.clone(), orders.seed, caller));
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    let _late = tokio::time::timeout(HALTS, core.log().halting().cancelled()).await;
    say(&format!("ended {}", core.log().halted().unwrap_or("without a reason")));
}

/// How long a log that refuses appends may take to say why.
const HALTS: Duration = Duration::from_secs(20);

/// It did not start; whether a sync had failed, and why.
fn unopened(error: &anyhow::Error) {
    let failed = SYNC_FAILED.load(Ordering::SeqCst);
    say(&format!("unopened {failed} {}", format!("{error:#}").replace('\n', " ")));
}

/// Appends and tells what was acknowledged, and whether it was asked for too late: a new entry after
/// a sync had failed, a known one (which was durable before) after the store had heard of that.
async fn call(core: Arc<Core>, store: Durable, seed: u64, caller: u64) {
    let mut random = Random::new(seed ^ caller << 32);
    let mut mine = Vec::new();
    for number in 0_u64.. {
        let known = !mine.is_empty() && random.once_in(8);
        let commitment = if known {
            let place = random.next() % mine.len() as u64;
            mine[usize::try_from(place).unwrap()]
        } else {
            Sha256Digest::of(format!("{seed} {caller} {number}").as_bytes())
        };
        let late =
            if known { store.broken().is_cancelled() } else { SYNC_FAILED.load(Ordering::SeqCst) };
        let Ok(appended) = core.appender().append(leaf(commitment), None).await else { return };
        mine.push(commitment);
        let index = appended.proof.index;
        let (entry, proof) = (hex::encode(&appended.entry), appended.proof.to_string());
        say(&format!("ack {late} {index} {commitment} {entry} {} {END}", hex::encode(proof)));
    }
}
