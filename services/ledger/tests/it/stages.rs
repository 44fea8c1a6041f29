//! Witnesses and publication: what is answered when, and whom a ledger gives way to.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use bundle::{TAG_BYTES, Tag};
use ids::{Sha256Digest, Timestamp};
use keys::FileKey;
use ledger::{
    AppendError, Appended, Core, Leaf, NotCosigned, Parts, Proofs, SignKey, StartError, TABLES,
    Witnessing,
};
use merkle::{SignedCheckpoint, VerifierKey, checkpoint};
use rpc::CancellationToken;
use store::Durable;
use tiles::TileStore;

const ORIGIN: &str = "mesh.test/ledger";

fn key() -> SignKey {
    let pem = keys::generate_ed25519(&[1; 32]).unwrap();
    SignKey::new(FileKey::from_pem(&pem).unwrap(), ORIGIN).unwrap()
}

fn verifier() -> VerifierKey {
    key().verifier().clone()
}

fn leaf(number: u64) -> Leaf {
    let commitment = Sha256Digest::of(&number.to_be_bytes());
    Leaf { commitment, tag: Tag::from_bytes([7; TAG_BYTES]) }
}

/// A witness in memory. Its line is no signature: nothing here looks at it.
#[derive(Debug, Default)]
pub(crate) struct StubWitness {
    pub(crate) away: AtomicBool,
    seen: Mutex<Vec<u64>>,
    ahead: AtomicBool,
    panics: AtomicBool,
    /// The note that is to be cosigned, as the collection of every line so far.
    collected: Mutex<Option<(u64, String)>>,
}

#[tonic::async_trait]
impl Witnessing for StubWitness {
    async fn cosign(&self, note: &str, size: u64, proof: &Proofs) -> Result<String, NotCosigned> {
        *self.collected.lock().unwrap() = Some((size, note.to_owned()));
        assert!(!self.panics.load(Ordering::Relaxed), "as it was told");
        if self.ahead.load(Ordering::Relaxed) {
            return Err(NotCosigned::Diverged("the witness w knows more entries".into()));
        }
        if self.away.load(Ordering::Relaxed) {
            return Err(NotCosigned::Later("nobody answers".into()));
        }
        let mut seen = self.seen.lock().unwrap();
        let old = seen.last().copied().unwrap_or(0);
        assert!(old <= size && proof(old).is_some() && proof(size + 1).is_none());
        seen.push(size);
        let cosigned = format!("{note}{LINE}");
        *self.collected.lock().unwrap() = Some((size, format!("{cosigned}{MORE}")));
        Ok(cosigned)
    }

    async fn first(
        &self,
        note: &str,
        size: u64,
        proof: &Proofs,
    ) -> Result<Option<String>, NotCosigned> {
        match self.cosign(note, size, proof).await {
            Err(NotCosigned::Later(_)) => Ok(None),
            cosigned => cosigned.map(Some),
        }
    }

    fn has_quorum(&self, note: &str) -> bool {
        note.contains(LINE)
    }

    fn collected(&self, size: u64) -> Option<String> {
        let collected = self.collected.lock().unwrap().clone();
        collected.filter(|(of, _)| *of == size).map(|(_, note)| note)
    }

    fn missing(&self) -> Vec<String> {
        let away = self.away.load(Ordering::Relaxed);
        away.then(|| "w.example".to_owned()).into_iter().collect()
    }
}

/// The line of the witness, and that of one who is slow.
pub(crate) const LINE: &str = "\u{2014} w AAAAAAAA\n";
const MORE: &str = "\u{2014} slow AAAAAAAA\n";

pub(crate) struct Running {
    pub(crate) core: Core,
    stop: CancellationToken,
}

impl Running {
    pub(crate) async fn append(
        &self,
        number: u64,
        within_ms: u64,
    ) -> Result<Appended, AppendError> {
        let until = Instant::now() + Duration::from_millis(within_ms);
        self.core.appender().append(leaf(number), Some(until)).await
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.core.stopped().await;
    }
}

pub(crate) fn parts(state: &Path, tiles: &Path, witness: Option<&Arc<StubWitness>>) -> Parts {
    std::fs::create_dir_all(state).unwrap();
    Parts {
        store: Durable::open_with_reserve(state.join("ledger.redb"), TABLES, 0).unwrap(),
        state: state.to_owned(),
        key: key(),
        witnesses: witness.map(|witness| Arc::clone(witness) as Arc<dyn Witnessing>),
        tiles: Some(tiles.to_string_lossy().into_owned()),
        publish_every: Duration::from_millis(1),
        cosign_every: Duration::from_millis(50),
    }
}

async fn start(
    state: &Path,
    tiles: &Path,
    witness: Option<&Arc<StubWitness>>,
) -> Result<Running, StartError> {
    start_with(parts(state, tiles, witness)).await
}

pub(crate) async fn start_with(parts: Parts) -> Result<Running, StartError> {
    let stop = CancellationToken::new();
    let clock = Arc::new(|| Timestamp::from(SystemTime::now()));
    Ok(Running { core: Core::start(parts, clock, stop.clone()).await?, stop })
}

/// Where a ledger is started for the first time.
struct Place {
    directory: tempfile::TempDir,
    state: PathBuf,
    tiles: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (state, tiles) = (directory.path().join("state"), directory.path().join("tiles"));
        Self { directory, state, tiles }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    async fn start(&self, witness: Option<&Arc<StubWitness>>) -> Running {
        start(&self.state, &self.tiles, witness).await.unwrap()
    }

    /// A ledger with a witness, and one entry.
    async fn witnessed(&self) -> (Arc<StubWitness>, Running) {
        let witness = Arc::new(StubWitness::default());
        let running = self.start(Some(&witness)).await;
        running.append(0, 20_000).await.unwrap();
        (witness, running)
    }
}

async fn refusal(state: &Path, tiles: &Path, witness: Option<&Arc<StubWitness>>) -> String {
    let refused = start(state, tiles, witness).await.err().unwrap();
    format!("{:#}", anyhow::Error::from(refused))
}

async fn fsck(tiles: &Path) -> u64 {
    let reader = tiles::Reader::new(Arc::new(TileStore::open(tiles.to_str().unwrap()).unwrap()));
    let note = reader.note().await.unwrap().unwrap();
    let head = checkpoint::verify(&note, &verifier()).unwrap();
    let report = tiles::fsck(&reader, &head, |_| ()).await.unwrap();
    assert_eq!(report.faults, []);
    head.size
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::copy(from.join("ledger.redb"), to.join("ledger.redb")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_is_published_and_fsck_is_clean() {
    let place = Place::new();
    for round in 1..=3 {
        let running = place.start(None).await;
        for number in 0..100 * round {
            running.append(number, 20_000).await.unwrap();
        }
        running.stop().await;
        assert_eq!(fsck(&place.tiles).await, 100 * round);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_under_a_cosigned_checkpoint() {
    let place = Place::new();
    let witness = Arc::new(StubWitness::default());
    let running = place.start(Some(&witness)).await;
    for number in 0..20 {
        let appended = running.append(number, 20_000).await.unwrap();
        let note = SignedCheckpoint::parse(&appended.proof.checkpoint).unwrap();
        assert_eq!(note.signatures()[1].name, "w");
        assert!(note.unverified().size > number);
    }
    let shown = running.core.log().shown();
    running.stop().await;
    let published = std::fs::read_to_string(place.tiles.join("checkpoint")).unwrap();
    assert_eq!(published, format!("{}{MORE}", shown.note), "every line there is");
    // Nobody answers after a restart: what was published stays as it was.
    witness.away.store(true, Ordering::Relaxed);
    place.start(Some(&witness)).await.stop().await;
    let still = std::fs::read_to_string(place.tiles.join("checkpoint")).unwrap();
    assert_eq!(still, published);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_without_witnesses_is_answered_once_they_cosigned_it() {
    let place = Place::new();
    let running = place.start(None).await;
    running.append(0, 20_000).await.unwrap();
    running.stop().await;
    // From now on there is a witness, at first away.
    let witness = Arc::new(StubWitness::default());
    witness.away.store(true, Ordering::Relaxed);
    let running = place.start(Some(&witness)).await;
    let refused = running.append(0, 300).await;
    assert!(matches!(refused, Err(AppendError::WitnessesAway { .. })), "{refused:?}");
    // It comes back, and nothing new is logged.
    witness.away.store(false, Ordering::Relaxed);
    let again = running.append(0, 20_000).await.unwrap();
    assert!(again.proof.checkpoint.ends_with(LINE), "{}", again.proof.checkpoint);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_log_hears_of_a_witness_that_knows_another_history() {
    let place = Place::new();
    let (witness, running) = place.witnessed().await;
    witness.ahead.store(true, Ordering::Relaxed);
    halts(&running, "knows more").await;
    running.stop().await;
}

/// Waits until it halts, for that reason.
async fn halts(running: &Running, reason: &str) {
    let halting = running.core.log().halting();
    tokio::time::timeout(Duration::from_secs(60), halting.cancelled()).await.unwrap();
    let halted = running.core.log().halted().unwrap();
    assert!(halted.contains(reason), "{halted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_or_a_writer_that_panics_halts_the_log() {
    let place = Place::new();
    let (witness, running) = place.witnessed().await;
    witness.panics.store(true, Ordering::Relaxed);
    let refused = running.append(1, 20_000).await;
    assert!(refused.unwrap_err().to_string().contains("halted: the witnessing panicked"));
    halts(&running, "the witnessing panicked").await;
    running.stop().await;

    let stop = CancellationToken::new();
    let parts = parts(&place.path("other"), &place.path("more"), None);
    let clock = Arc::new(|| panic!("a clock that stands still"));
    let running = Running { core: Core::start(parts, clock, stop.clone()).await.unwrap(), stop };
    let refused = running.append(0, 20_000).await;
    assert!(refused.unwrap_err().to_string().contains("halted: the writer panicked"));
    halts(&running, "the writer panicked").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_witnesses_are_away_entries_are_durable_and_wait() {
    let place = Place::new();
    let (witness, running) = place.witnessed().await;
    witness.away.store(true, Ordering::Relaxed);
    let refused = running.append(1, 300).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("too few witnesses") && refused.contains("w.example"), "{refused}");
    assert_eq!((running.core.log().committed().size, running.core.log().shown().size), (2, 1));
    // What was shown before is still served, also after a restart without witnesses at hand.
    running.stop().await;
    let running = place.start(Some(&witness)).await;
    assert_eq!(running.core.log().shown().size, 1);
    running.append(0, 20_000).await.unwrap();
    witness.away.store(false, Ordering::Relaxed);
    let again = running.append(1, 20_000).await.unwrap();
    assert_eq!((again.proof.index, running.core.log().committed().size), (1, 2));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_is_ahead_halts_the_ledger_for_good() {
    let place = Place::new();
    let (witness, running) = place.witnessed().await;
    witness.ahead.store(true, Ordering::Relaxed);
    let refused = running.append(1, 20_000).await;
    assert!(refused.unwrap_err().to_string().contains("halted: the witness w knows more"));
    assert!(running.core.log().halted().unwrap().contains("knows more"));
    let refused = running.append(0, 20_000).await;
    assert!(refused.unwrap_err().to_string().contains("halted: the witness w knows more"));
    running.stop().await;
    let refused = refusal(&place.state, &place.tiles, Some(&witness)).await;
    assert!(refused.contains("knows more"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_from_a_backup_or_an_empty_one_refuses_to_serve() {
    let place = Place::new();
    let running = place.start(None).await;
    running.append(0, 20_000).await.unwrap();
    running.stop().await;
    copy(&place.state, &place.path("backup"));
    let running = place.start(None).await;
    running.append(1, 20_000).await.unwrap();
    running.stop().await;
    for old in ["backup", "empty"] {
        let refused = refusal(&place.path(old), &place.tiles, None).await;
        assert!(refused.contains("older than what was published"), "{refused}");
        assert!(refused.contains(old) && refused.contains("2 entries are published"), "{refused}");
    }
    // The backup goes on by itself elsewhere: another history of the same size.
    let running = start(&place.path("backup"), &place.path("elsewhere"), None).await.unwrap();
    running.append(2, 20_000).await.unwrap();
    running.append(3, 20_000).await.unwrap();
    running.stop().await;
    let refused = refusal(&place.path("backup"), &place.tiles, None).await;
    assert!(refused.contains("the first 2 entries have root"), "{refused}");
    assert_eq!(fsck(&place.tiles).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ledger_on_the_same_tiles_is_refused_and_told_who_has_them() {
    let place = Place::new();
    let running = place.start(None).await;
    let refused = refusal(&place.path("other"), &place.tiles, None).await;
    assert!(refused.contains("aibom-ledger, process"), "{refused}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_finds_another_history_published_halts() {
    let place = Place::new();
    let running = place.start(None).await;
    // Somebody writes another whole tile where the next one belongs.
    std::fs::create_dir_all(place.tiles.join("tile/0/000.p")).unwrap();
    std::fs::write(place.tiles.join("tile/0/000.p/1"), [7; 32]).unwrap();
    running.append(0, 20_000).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), running.core.log().halting().cancelled())
        .await
        .unwrap();
    assert!(running.core.log().halted().unwrap().contains("has other bytes"));
    running.stop().await;
}
