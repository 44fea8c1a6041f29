//! The process that kills, remembers every acknowledgement, and looks at what is left.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, Instant, SystemTime},
};

use bundle::LedgerEntry;
use ids::{Sha256Digest, Timestamp};
use ledger::{Core, Log, Parts, Shows, TABLES};
use merkle::{Checkpoint, TlogProof, checkpoint, leaf_hash, verify_inclusion};
use rpc::CancellationToken;
use store::Durable;
use tiles::{Reader, TileStore};

use crate::{
    ORDERS,
    child::{END, Orders, key, leaf, verifier},
    fault::{Random, Syncs},
};

/// After so many rounds a new log is begun, so that looking at all of it stays quick.
pub(crate) const ROUNDS_OF_A_LOG: u64 = 20;
/// The longest time from `ready` to the kill.
const LIFE_US_MAX: u64 = 60_000;
/// How much later than `ready` a kill that counts from the start may come.
const AFTER_READY_US: u64 = 10_000;
/// A child that says nothing for so long hangs.
const HANGS: Duration = Duration::from_secs(60);

/// What happened in all rounds.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) acknowledged: u64,
    /// Killed while they served.
    pub(crate) killed: u64,
    /// Killed before they were ready: within recovery, replay, fence or first round.
    pub(crate) killed_early: u64,
    /// Ended by themselves, as a sync failed.
    pub(crate) syncs_failed: u64,
    /// Did not start, as a sync failed.
    pub(crate) unopened: u64,
    entries_at_most: u64,
    /// Rounds after which there was an entry that nobody had heard of: durable, not yet answered.
    unheard: u64,
    /// The last time from the start to `ready`.
    ready_us: u64,
}

/// One log after another, each killed again and again.
pub(crate) struct Campaign {
    syncs: Syncs,
    witnessed: bool,
    directory: tempfile::TempDir,
    entries: BTreeMap<u64, (Sha256Digest, Vec<u8>)>,
    checkpoints: BTreeMap<u64, Checkpoint>,
}

/// When a child is killed, in microseconds.
#[derive(Debug, Clone, Copy)]
enum Kill {
    AfterReady(u64),
    AfterStart(u64),
}

/// How a child ended.
#[derive(Debug, Default)]
enum Ending {
    /// By the kill.
    #[default]
    Killed,
    /// By itself, before.
    Itself(String),
    /// By the kill, after it had said nothing for too long.
    Hung,
}

/// What one child said.
#[derive(Debug, Default)]
struct Heard {
    acknowledged: Vec<String>,
    ready_us: Option<u64>,
    /// Whether a sync had failed, and why it did not start.
    unopened: Option<String>,
    /// Why it ended by itself.
    ended: Option<String>,
    fork: bool,
    ending: Ending,
}

/// A directory whose syncs cost nothing, where there is one: the disk under test is a simulated one.
fn directory() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("ledger-crash").tempdir_in(place).unwrap()
}

impl Campaign {
    pub(crate) fn new(syncs: Syncs, witnessed: bool) -> Self {
        let directory = directory();
        // `Durable` gives a store its name once it is whole (libs/store); the faults come after.
        drop(Durable::open(directory.path().join("ledger.redb"), TABLES).unwrap());
        let (entries, checkpoints) = (BTreeMap::new(), BTreeMap::new());
        Self { syncs, witnessed, directory, entries, checkpoints }
    }

    /// Starts a child, kills it, and checks what it left. `Err` says what was lost, and the seed.
    pub(crate) fn round(&mut self, round: u64, all: &mut Findings) -> Result<(), String> {
        let base = std::env::var("LEDGER_CRASH_SEED").map(|seed| seed.parse().unwrap());
        let base = base.unwrap_or_else(|_| u64::from(std::process::id()));
        let told = self.seeded_round(round, round + (base << 20), all);
        told.map_err(|error| format!("{error} (LEDGER_CRASH_SEED={base}, round {round})"))
    }

    fn seeded_round(&mut self, round: u64, seed: u64, all: &mut Findings) -> Result<(), String> {
        let orders = Orders {
            directory: self.directory.path().to_owned(),
            seed,
            // Every third child has a disk whose syncs fail, sooner or later.
            fails_once_in: if round % 3 == 2 { 8 } else { 0 },
            syncs: self.syncs,
            witnessed: self.witnessed,
        };
        let mut random = Random::new(seed);
        // Every other one may be killed while it still recovers from the last kill.
        let kill = match all.ready_us {
            us if round % 2 == 1 && us > 0 => {
                Kill::AfterStart(random.next() % (us + AFTER_READY_US))
            }
            _ => Kill::AfterReady(random.next() % LIFE_US_MAX),
        };
        let heard = run_and_kill(&orders, kill);
        judge(&heard, orders.fails_once_in > 0, all)?;
        let last = heard.acknowledged.len().saturating_sub(1);
        for (number, line) in heard.acknowledged.iter().enumerate() {
            self.remember(line, number == last)?;
        }
        let size = self.check(&orders)?;
        all.entries_at_most = all.entries_at_most.max(size);
        let told = self.entries.last_key_value().map_or(0, |(index, _)| index + 1);
        all.unheard += u64::from(size > told);
        Ok(())
    }

    /// Takes an acknowledgement in; two of one place, or of one commitment, must agree.
    fn remember(&mut self, line: &str, last: bool) -> Result<(), String> {
        let words: Vec<_> = line.split(' ').collect();
        let [_, late, index, commitment, entry, proof, END] = words[..] else {
            // One that the kill cut short was not heard by anybody; there is none after it.
            return if last { Ok(()) } else { Err(format!("cut short in the middle: {line}")) };
        };
        let proof = String::from_utf8(hex::decode(proof).unwrap()).unwrap();
        let proof = TlogProof::parse(&proof).map_err(|error| format!("the proof: {error}"))?;
        let index: u64 = index.parse().unwrap();
        if late == "true" {
            return Err(format!(
                "entry {index} was asked for after a failed sync, and acknowledged"
            ));
        }
        let (commitment, entry) = (commitment.parse().unwrap(), hex::decode(entry).unwrap());
        if LedgerEntry::parse(&entry)?.commitment != commitment {
            return Err(format!("the answer at {index} is somebody else's: not of {commitment}"));
        }
        let head = checkpoint::verify(&proof.checkpoint, &verifier()).map_err(|e| e.to_string())?;
        verify_inclusion(&leaf_hash(&entry), index, head.size, &proof.hashes, &head.root)
            .map_err(|error| format!("entry {index}: {error}"))?;
        self.seen(&head)?;
        let new = (commitment, entry);
        match self.entries.insert(index, new.clone()) {
            Some(known) if known != new => Err(format!("two entries at {index}")),
            Some(_) | None => Ok(()),
        }
    }

    /// Somebody has this checkpoint: from now on the log has to lead on from it.
    fn seen(&mut self, head: &Checkpoint) -> Result<(), String> {
        let size = head.size;
        match self.checkpoints.insert(size, head.clone()) {
            Some(known) if known != *head => Err(format!("two checkpoints of {size} entries")),
            Some(_) | None => Ok(()),
        }
    }

    /// Looks at a copy of what is left, so that the next child recovers from the original.
    fn check(&mut self, orders: &Orders) -> Result<u64, String> {
        let copy = directory();
        let path = copy.path().join("ledger.redb");
        if std::fs::copy(orders.state(), &path).is_err() {
            return Ok(0);
        }
        let store = Durable::open(&path, TABLES).map_err(|error| format!("opening: {error}"))?;
        let shows = if orders.witnessed { Shows::Cosigned } else { Shows::Committed };
        let log =
            Log::replay(store.clone(), key(), shows).map_err(|error| format!("replay: {error}"))?;
        let size = log.committed().size;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        if let Some(published) = runtime.block_on(published(orders))? {
            // It goes before nothing that is durable, now or later.
            self.seen(&published)?;
        }
        for (old, head) in &self.checkpoints {
            let root = log.root_at(*old).map_err(|error| format!("rolled back: {error}"))?;
            if root != head.root {
                return Err(format!("forked: another root at {old}"));
            }
            // What was shown is shown.
            if log.shown().size < *old {
                return Err(format!("{old} entries were shown, now {}", log.shown().size));
            }
        }
        for (index, (_, entry)) in &self.entries {
            let found = log.inclusion(*index, 0).map_err(|error| format!("{index}: {error}"))?;
            if found.entry != *entry {
                return Err(format!("entry {index} is another one"));
            }
        }
        drop(log);
        runtime.block_on(self.check_repeats(store, orders))?;
        Ok(size)
    }

    /// Asking again gives the same place.
    async fn check_repeats(&self, store: Durable, orders: &Orders) -> Result<(), String> {
        let parts = Parts {
            store,
            state: orders.directory.clone(),
            key: key(),
            witnesses: None,
            tiles: None,
            publish_every: Duration::from_secs(1),
            cosign_every: Duration::from_secs(60),
        };
        let clock = Arc::new(|| Timestamp::from(SystemTime::now()));
        let stop = CancellationToken::new();
        let core = Core::start(parts, clock, stop.clone()).await.map_err(|e| e.to_string())?;
        for (index, (commitment, entry)) in self.entries.iter().step_by(7) {
            let again = core.appender().append(leaf(*commitment), None).await;
            let again = again.map_err(|error| error.to_string())?;
            if again.proof.index != *index || again.entry != *entry {
                return Err(format!("entry {index} came again at {}", again.proof.index));
            }
        }
        stop.cancel();
        core.stopped().await;
        Ok(())
    }
}

/// Counts how a child ended; `Err` when it had no reason to end so.
fn judge(heard: &Heard, syncs_fail: bool, all: &mut Findings) -> Result<(), String> {
    if heard.fork {
        return Err("a witness saw a fork".to_owned());
    }
    all.acknowledged += heard.acknowledged.len() as u64;
    all.ready_us = heard.ready_us.unwrap_or(all.ready_us);
    match (&heard.unopened, &heard.ended) {
        (Some(reason), _) => {
            let of_a_sync = reason.starts_with("true ")
                && ["the sync failed", "broke"].iter().any(|word| reason.contains(word));
            if !syncs_fail || !of_a_sync {
                return Err(format!("it did not start again: {reason}"));
            }
            all.unopened += 1;
        }
        (None, Some(reason)) => {
            if !syncs_fail || !reason.contains("the store broke") {
                return Err(format!("it halted by itself: {reason}"));
            }
            all.syncs_failed += 1;
        }
        (None, None) => match &heard.ending {
            Ending::Killed if heard.ready_us.is_some() => all.killed += 1,
            Ending::Killed => all.killed_early += 1,
            Ending::Itself(how) => return Err(format!("it ended without a word: {how}")),
            Ending::Hung => return Err("it hung before it was ready".to_owned()),
        },
    }
    Ok(())
}

/// What is published, if anything is: it must be whole.
async fn published(orders: &Orders) -> Result<Option<Checkpoint>, String> {
    let Ok(store) = TileStore::open(&orders.tiles().to_string_lossy()) else { return Ok(None) };
    let reader = Reader::new(Arc::new(store));
    let Some(note) = reader.note().await.map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    let head = checkpoint::verify(&note, &verifier()).map_err(|e| format!("published: {e}"))?;
    let report = tiles::fsck(&reader, &head, |_| ()).await.map_err(|e| e.to_string())?;
    if !report.faults.is_empty() {
        return Err(format!("fsck: {:?}", report.faults));
    }
    Ok(Some(head))
}

/// Runs a child until it is killed, or ends by itself.
fn run_and_kill(orders: &Orders, kill: Kill) -> Heard {
    let complaints = orders.directory.join("stderr");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_process", "--ignored", "--nocapture"])
        .env(ORDERS, orders.to_text())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&complaints).unwrap())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (ready, is_ready) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut heard = Heard::default();
        for line in lines.map_while(Result::ok) {
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "ready" => {
                    heard.ready_us = u64::try_from(started.elapsed().as_micros()).ok();
                    let _nobody = ready.send(());
                }
                "ack" => heard.acknowledged.push(line),
                "unopened" => heard.unopened = Some(rest.to_owned()),
                "ended" => heard.ended = Some(rest.to_owned()),
                "FORK" => heard.fork = true,
                _ => {}
            }
        }
        heard
    });
    let mut hung = false;
    match kill {
        Kill::AfterStart(us) => std::thread::sleep(Duration::from_micros(us)),
        Kill::AfterReady(us) => match is_ready.recv_timeout(HANGS) {
            Ok(()) => std::thread::sleep(Duration::from_micros(us)),
            Err(mpsc::RecvTimeoutError::Timeout) => hung = true,
            // It does not get so far, and has closed its output.
            Err(mpsc::RecvTimeoutError::Disconnected) => {}
        },
    }
    let _ended_by_itself = child.kill();
    let status = child.wait().unwrap();
    let mut heard = reader.join().unwrap();
    heard.ending = match status.signal() {
        Some(_) if hung => Ending::Hung,
        Some(_) => Ending::Killed,
        None => {
            let text = std::fs::read_to_string(&complaints).unwrap_or_default();
            Ending::Itself(format!("{status}: {text}"))
        }
    };
    heard
}
