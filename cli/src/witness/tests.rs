//! The witness over sockets and over disks that fail.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use ed25519_dalek::SigningKey;
use merkle::{
    Checkpoint, CosignerKey, SignedCheckpoint, Tree, VerifierKey, checkpoint::sign, leaf_hash,
};
use rpc::CancellationToken;
use web::{Answer, Client, ClientOptions, Server, ServerOptions, StatusCode, WebLimits};
use witness::{Logs, MAX_REQUEST_BYTES, SIZE_MEDIA_TYPE, State, request_body};

use super::{
    config::Config,
    engine::{Engine, system_clock},
    evidence::{Evidence, EvidenceKind, Kept},
    serve::run,
    store::{Disk, Store},
};

const ORIGIN: &str = "log.test/ledger";
const NAME: &str = "witness.test/w1";

fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn cosigner() -> (::keys::FileKey, CosignerKey) {
    let key = ::keys::FileKey::from_pem(&::keys::generate_ed25519(&[2; 32]).unwrap()).unwrap();
    let public = super::config::public(&key, NAME).unwrap();
    (key, public)
}

fn logs() -> Logs {
    Logs::new().with(VerifierKey::new(ORIGIN, log_key().verifying_key()).unwrap())
}

/// Twenty leaves; the branches differ from the sixth on.
fn tree(branch: u8) -> Tree {
    let leaf = |index: u8| if index < 5 { [0, index] } else { [branch, index] };
    (0..20).map(|index| leaf_hash(&leaf(index))).collect()
}

fn note(branch: u8, size: u64) -> String {
    let root = tree(branch).root_at(size).unwrap();
    sign(&Checkpoint { origin: ORIGIN.into(), size, root }, &log_key(), ORIGIN).unwrap()
}

/// The same where the branches differ from the first leaf on.
fn other(branch: u8, size: u64) -> String {
    let tree: Tree = (0..20).map(|index| leaf_hash(&[branch, 0, index])).collect();
    let root = if branch == 0 { self::tree(0).root_at(size) } else { tree.root_at(size) };
    let root = root.unwrap();
    sign(&Checkpoint { origin: ORIGIN.into(), size, root }, &log_key(), ORIGIN).unwrap()
}

fn body(branch: u8, old: u64, size: u64) -> String {
    request_body(old, &tree(branch).consistency(old, size).unwrap(), &note(branch, size))
}

/// Whether `answer` is a cosignature over that checkpoint.
fn cosigned(answer: &[u8], branch: u8, size: u64) -> bool {
    let whole = note(branch, size) + std::str::from_utf8(answer).unwrap();
    SignedCheckpoint::parse(&whole).is_ok_and(|note| note.cosigned(&cosigner().1).is_ok())
}

/// A disk that remembers what it was given, and may refuse to.
#[derive(Clone, Default)]
struct FakeDisk {
    kept: Arc<Mutex<Vec<State>>>,
    full: Arc<Mutex<bool>>,
}

impl Disk for FakeDisk {
    fn keep(&mut self, state: &State) -> std::io::Result<()> {
        if *self.full.lock().unwrap() {
            return Err(std::io::Error::other("no space left"));
        }
        self.kept.lock().unwrap().push(state.clone());
        Ok(())
    }

    fn evidence(&mut self, _: EvidenceKind, _: &str, _: &str) -> std::io::Result<Kept> {
        Ok(Kept::Full)
    }
}

#[test]
fn a_cosignature_leaves_only_when_the_disk_has_it() {
    let disk = FakeDisk::default();
    let engine = Engine::new(logs(), cosigner(), (disk.clone(), State::new()), || 1_700_000_000);
    let answer = engine.add_checkpoint(body(0, 0, 5).as_bytes());
    assert!(cosigned(answer.body(), 0, 5));
    let kept = disk.kept.lock().unwrap().last().cloned().unwrap();
    let line = std::str::from_utf8(answer.body()).unwrap();
    assert!(kept.remembered().any(|known| known.note.ends_with(line)), "exactly what left");
    *disk.full.lock().unwrap() = true;
    let refused = engine.add_checkpoint(body(0, 5, 9).as_bytes());
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!cosigned(refused.body(), 0, 9));
    *disk.full.lock().unwrap() = false;
    let after = engine.add_checkpoint(body(0, 5, 9).as_bytes());
    assert_eq!(after.status(), StatusCode::SERVICE_UNAVAILABLE, "only a restart knows the disk");
    assert_eq!(disk.kept.lock().unwrap().len(), 1);
}

/// The time that a line of a note says.
fn time(answer: &[u8], size: u64) -> u64 {
    let whole = note(0, size) + std::str::from_utf8(answer).unwrap();
    SignedCheckpoint::parse(&whole).unwrap().cosigned(&cosigner().1).unwrap()
}

static CLOCK: AtomicU64 = AtomicU64::new(0);
/// A year ahead.
static CLOCK_THAT_RAN_AHEAD: AtomicU64 = AtomicU64::new(1_700_000_000 + 365 * 86_400);

#[test]
fn the_time_of_cosignatures_never_goes_back_and_a_head_is_written_once_a_minute() {
    let disk = FakeDisk::default();
    let clock = || CLOCK.load(Ordering::SeqCst);
    let engine = Engine::new(logs(), cosigner(), (disk.clone(), State::new()), clock);
    let ask = |now, old, size| {
        CLOCK.store(now, Ordering::SeqCst);
        engine.add_checkpoint(body(0, old, size).as_bytes())
    };
    let before_the_epoch = ask(0, 0, 5);
    assert_eq!(before_the_epoch.status(), StatusCode::SERVICE_UNAVAILABLE);
    let begun = 1_700_000_000;
    let first = ask(begun, 0, 5);
    assert_eq!(time(first.body(), 5), begun);
    assert_eq!(ask(begun + 59, 5, 5).body(), first.body(), "the same line once more");
    assert_eq!(disk.kept.lock().unwrap().len(), 1, "and nothing is written");
    assert_eq!(time(ask(begun + 60, 5, 5).body(), 5), begun + 60);
    assert_eq!(time(ask(begun, 5, 9).body(), 9), begun + 60, "the clock was set back a little");
    let far = ask(begun - 3_600, 9, 12);
    assert_eq!(far.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(disk.kept.lock().unwrap().len(), 3);
}

#[test]
fn both_notes_of_a_fork_are_kept() {
    let directory = fresh();
    let (store, state) = Store::open(directory.path(), &cosigner().1).unwrap();
    let engine = Engine::new(logs(), cosigner(), (store, state), || 1_700_000_000);
    let ask = |branch, old, size| engine.add_checkpoint(body(branch, old, size).as_bytes());
    assert_eq!(ask(0, 0, 9).status(), StatusCode::OK);
    assert_eq!(ask(1, 9, 9).status(), StatusCode::CONFLICT);
    let evidence = Evidence::of(directory.path());
    let kept = evidence.files();
    assert!(kept.len() == 1 && kept[0].starts_with("fork-"), "{kept:?}");
    let notes = std::fs::read_to_string(directory.path().join("evidence").join(&kept[0])).unwrap();
    assert!(notes.contains(&note(0, 9)) && notes.contains(&note(1, 9)), "{notes}");
    assert_eq!(ask(1, 9, 20).status(), StatusCode::UNPROCESSABLE_ENTITY, "a fork that grew");
    assert_eq!(evidence.files().len(), 2);
    // What anybody can send does not push out, or fill the room of, what proves a fork.
    for number in 0..40 {
        let kept = evidence.keep(EvidenceKind::Unproved, "ours", &number.to_string()).unwrap();
        // One is there already.
        assert_eq!(kept, if number < 15 { Kept::Newly } else { Kept::Full }, "{number}");
    }
    evidence.keep(EvidenceKind::Fork, "ours", "another").unwrap();
    assert_eq!(evidence.files().len(), 2 + 16);
}

#[test]
fn lines_that_anybody_can_add_make_no_new_evidence() {
    let directory = fresh();
    let (store, state) = Store::open(directory.path(), &cosigner().1).unwrap();
    let engine = Engine::new(logs(), cosigner(), (store, state), || 1_700_000_000);
    assert_eq!(engine.add_checkpoint(body(0, 0, 5).as_bytes()).status(), StatusCode::OK);
    for (junk, kind) in (0..8).flat_map(|junk| [(junk, "fork-"), (junk, "unproved-")]) {
        let line = format!("\u{2014} junk{junk} AAAAAAAA\n");
        let (branch, old, size) = if kind == "fork-" { (1, 5, 5) } else { (0, 5, 9) };
        // Another tree of this size; and a proof that somebody spoilt.
        let bad = [leaf_hash(b"spoilt")];
        let proof: &[_] = if kind == "fork-" { &[] } else { &bad };
        let sent = request_body(old, proof, &(other(branch, size) + &line));
        assert!(engine.add_checkpoint(sent.as_bytes()).status().is_client_error());
    }
    let kept = Evidence::of(directory.path()).files();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept[0].starts_with("fork-") && kept[1].starts_with("unproved-"), "{kept:?}");
}

#[test]
fn a_clock_that_is_behind_is_said_with_both_times() {
    let clock = || CLOCK_THAT_RAN_AHEAD.load(Ordering::SeqCst);
    let engine = Engine::new(logs(), cosigner(), (FakeDisk::default(), State::new()), clock);
    assert_eq!(engine.add_checkpoint(body(0, 0, 5).as_bytes()).status(), StatusCode::OK);
    CLOCK_THAT_RAN_AHEAD.store(1_700_000_000, Ordering::SeqCst);
    let refused = engine.add_checkpoint(body(0, 5, 9).as_bytes());
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let said = std::str::from_utf8(refused.body()).unwrap();
    assert!(said.contains("2023-11-14T22:13:20") && said.contains("2024-11-13T22:13:20"), "{said}");
}

#[tokio::test]
async fn a_witness_whose_disk_failed_ends() {
    rpc::install_crypto();
    let disk = FakeDisk::default();
    *disk.full.lock().unwrap() = true;
    let engine = Engine::new(logs(), cosigner(), (disk, State::new()), system_clock);
    let bound = Server::bind(ServerOptions::default()).unwrap();
    let url = format!("{}/add-checkpoint", bound.url());
    let (engine, shutdown) = (Arc::new(engine), CancellationToken::new());
    let serving = tokio::spawn(run(bound, Arc::clone(&engine), shutdown.clone()));
    let client = Client::new(ClientOptions::default()).unwrap();
    let answer = client.post(&url, "text/plain", body(0, 0, 5)).await.unwrap();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    serving.await.unwrap();
    assert!(engine.broken().is_cancelled() && !shutdown.is_cancelled());
}

struct Running {
    url: String,
    client: Client,
    shutdown: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(directory: &Path) -> Self {
        rpc::install_crypto();
        let engine = {
            let opened = Store::open(directory, &cosigner().1).unwrap();
            Engine::new(logs(), cosigner(), opened, system_clock)
        };
        let limits = WebLimits { max_body_bytes: MAX_REQUEST_BYTES, ..WebLimits::default() };
        let bound = Server::bind(ServerOptions { limits, ..ServerOptions::default() }).unwrap();
        let url = format!("{}/add-checkpoint", bound.url());
        let shutdown = CancellationToken::new();
        let ended = tokio::spawn(run(bound, Arc::new(engine), shutdown.clone()));
        let client = Client::new(ClientOptions::default()).unwrap();
        Self { url, client, shutdown, ended }
    }

    async fn ask(&self, body: impl Into<String>) -> Answer {
        self.client.post(&self.url, "text/plain", body.into()).await.unwrap()
    }

    async fn status(&self, body: impl Into<String>) -> u16 {
        self.ask(body).await.status.as_u16()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.ended.await.unwrap();
    }
}

fn fresh() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    Store::create(directory.path(), &cosigner().1).unwrap();
    directory
}

#[tokio::test]
async fn a_log_that_grows_is_cosigned_also_after_a_restart_and_no_other_is() {
    let directory = fresh();
    let witness = Running::start(directory.path());
    assert!(cosigned(&witness.ask(body(0, 0, 5)).await.body, 0, 5));
    let conflict = witness.ask(body(0, 0, 9)).await;
    assert_eq!((conflict.status.as_u16(), conflict.media_type()), (409, SIZE_MEDIA_TYPE));
    assert_eq!(&conflict.body[..], b"5\n");
    assert!(cosigned(&witness.ask(body(0, 5, 9)).await.body, 0, 9), "asked again from 5");
    witness.stop().await;
    let witness = Running::start(directory.path());
    assert_eq!(witness.status(body(0, 5, 7)).await, 409, "a rollback");
    assert_eq!(witness.status(body(1, 9, 9)).await, 409, "a fork of that size");
    assert_eq!(witness.status(body(1, 9, 20)).await, 422, "a fork that grew");
    assert!(cosigned(&witness.ask(body(0, 9, 9)).await.body, 0, 9), "the same once more");
    assert!(cosigned(&witness.ask(body(0, 9, 20)).await.body, 0, 20));
}

#[tokio::test]
async fn of_requests_at_once_one_is_cosigned_and_the_others_are_told() {
    let directory = fresh();
    let witness = Running::start(directory.path());
    for (old, size) in [(0, 5), (5, 6), (6, 20)] {
        let all = (0..16).map(|_| witness.ask(body(0, old, size)));
        let mut answers = Vec::new();
        for answer in futures(all).await {
            let word = if answer.status.is_success() { "cosigned" } else { "told" };
            assert!(word == "cosigned" || answer.body == format!("{size}\n"), "{answer:?}");
            answers.push(word);
        }
        assert_eq!(answers.iter().filter(|word| **word == "cosigned").count(), 1);
    }
}

/// Runs all of them at once.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, slot) in all.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *slot = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn everything_else_has_the_status_of_the_specification() {
    let directory = fresh();
    let witness = Running::start(directory.path());
    assert_eq!(witness.status("old 0\n").await, 400);
    assert_eq!(witness.status(request_body(9, &[], &note(0, 5))).await, 400);
    assert_eq!(witness.status(body(0, 0, 5).replace(ORIGIN, "log.test/other")).await, 404);
    assert_eq!(witness.status(body(0, 0, 5).replace("\n5\n", "\n6\n")).await, 403);
    assert_eq!(witness.status("x".repeat(MAX_REQUEST_BYTES + 1)).await, 413);
    let get = witness.client.get(&witness.url).await.unwrap();
    assert_eq!(get.status.as_u16(), 405);
    let other = witness.url.replace("add-checkpoint", "metrics");
    assert_eq!(witness.client.get(&other).await.unwrap().status.as_u16(), 404);
    assert!(cosigned(&witness.ask(body(0, 0, 5)).await.body, 0, 5), "none of it left a trace");
}

#[tokio::test]
async fn a_state_that_is_damaged_missing_or_in_use_starts_nothing() {
    let directory = fresh();
    let path = directory.path();
    let refused = |what: &str| {
        let failure = Store::open(path, &cosigner().1).unwrap_err().to_string();
        assert!(
            failure.contains(what) && failure.contains(&path.display().to_string()),
            "{failure}"
        );
        failure
    };
    let witness = Running::start(path);
    assert!(refused("already").contains("stop that one"));
    assert_eq!(witness.status(body(0, 0, 5)).await, 200);
    witness.stop().await;
    let file = path.join("state.json");
    let good = std::fs::read(&file).unwrap();
    for at in [2, good.len() / 2, good.len() - 2] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&file, bad).unwrap();
        assert!(refused("damaged").contains("state.json"));
    }
    std::fs::write(&file, &good[..good.len() / 2]).unwrap();
    refused("damaged");
    std::fs::remove_file(&file).unwrap();
    assert!(refused("state.json").contains("aibom witness init"));
    std::fs::write(&file, &good).unwrap();
    let (_store, state) = Store::open(path, &cosigner().1).unwrap();
    assert_eq!(state.remembered().map(|known| known.checkpoint.size).collect::<Vec<_>>(), [5]);
    assert!(Store::create(path, &cosigner().1).is_err(), "a state is never overwritten");
}

#[test]
fn a_configuration_names_what_is_wrong_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("witness.toml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    };
    let example = include_str!("../../witness.example.toml");
    let config = read(example).unwrap();
    assert_eq!(config.state_dir, directory.path().join("."));
    let none = config.logs().unwrap_err().to_string();
    assert!(none.contains("0 logs") && none.contains("[[log]]"), "{none}");
    let log = VerifierKey::new(ORIGIN, log_key().verifying_key()).unwrap();
    let with = |key: &str| read(&format!("{example}\n[[log]]\nkey = \"{key}\"\n")).unwrap().logs();
    assert_eq!(with(&log.to_string()).unwrap().origins().collect::<Vec<_>>(), [ORIGIN]);
    assert!(with(&cosigner().1.to_string()).unwrap_err().to_string().contains(NAME));
    let typo = read(&example.replace("state_dir", "state_directory")).unwrap_err().to_string();
    assert!(typo.contains("state_directory"), "{typo}");
}
