//! The process that kills, remembers every acknowledgement, and looks at what is left.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, SystemTime},
};

use ids::{Sha256Digest, Timestamp};
use ledger::{Core, Log, Parts, Shows, TABLES};
use merkle::{Checkpoint, TlogProof, checkpoint, leaf_hash, verify_inclusion};
use rpc::CancellationToken;
use store::Durable;
use tiles::{Reader, TileStore};

use crate::{
    ORDERS,
    child::{Orders, key, leaf, verifier},
    fault::{Random, Syncs},
};

/// After so many rounds a new log is begun, so that looking at all of it stays quick.
const ROUNDS_OF_A_LOG: u64 = 20;
/// The longest time from `ready` to the kill.
const LIFE_US_MAX: u64 = 60_000;

/// What happened in all rounds.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) acknowledged: u64,
    pub(crate) killed: u64,
    pub(crate) syncs_failed: u64,
    unopened: u64,
    entries_at_most: u64,
    /// Rounds after which there was an entry that nobody had heard of: durable, not yet answered.
    unheard: u64,
}

/// One log after another, each killed again and again.
pub(crate) struct Campaign {
    syncs: Syncs,
    directory: tempfile::TempDir,
    entries: BTreeMap<u64, (Sha256Digest, Vec<u8>)>,
    checkpoints: BTreeMap<u64, Checkpoint>,
}

/// What one child said.
#[derive(Default)]
struct Heard {
    acknowledged: Vec<String>,
    ready: bool,
    unopened: Option<String>,
    ended: bool,
    fork: bool,
}

/// A directory whose syncs cost nothing, where there is one: the disk under test is a simulated one.
fn directory() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("ledger-crash").tempdir_in(place).unwrap()
}

impl Campaign {
    pub(crate) fn new(syncs: Syncs) -> Self {
        let directory = directory();
        // `Durable` gives a store its name once it is whole (libs/store); the faults come after.
        drop(Durable::open(directory.path().join("ledger.redb"), TABLES).unwrap());
        Self { syncs, directory, entries: BTreeMap::new(), checkpoints: BTreeMap::new() }
    }

    /// Starts a child, kills it, and checks what it left. `Err` says what was lost.
    pub(crate) fn round(&mut self, round: u64, all: &mut Findings) -> Result<(), String> {
        if round.is_multiple_of(ROUNDS_OF_A_LOG) {
            *self = Self::new(self.syncs);
        }
        let seed = round + (u64::from(std::process::id()) << 20);
        let orders = Orders {
            directory: self.directory.path().to_owned(),
            seed,
            // Every third child has a disk whose syncs fail, sooner or later.
            fails_once_in: if round % 3 == 2 { 8 } else { 0 },
            syncs: self.syncs,
            witnessed: (round / ROUNDS_OF_A_LOG) % 2 == 1,
        };
        let heard = run_and_kill(&orders, Random::new(seed).next() % LIFE_US_MAX);
        if heard.fork {
            return Err("a witness saw a fork".to_owned());
        }
        if let Some(reason) = &heard.unopened {
            all.unopened += 1;
            if orders.fails_once_in == 0 {
                return Err(format!("it did not start again: {reason}"));
            }
        }
        all.killed += u64::from(heard.ready && !heard.ended);
        all.syncs_failed += u64::from(heard.ended);
        all.acknowledged += heard.acknowledged.len() as u64;
        for line in &heard.acknowledged {
            self.remember(line)?;
        }
        let size = self.check(&orders)?;
        all.entries_at_most = all.entries_at_most.max(size);
        let told = self.entries.last_key_value().map_or(0, |(index, _)| index + 1);
        all.unheard += u64::from(size > told);
        Ok(())
    }

    /// Takes an acknowledgement in; two of one place, or of one commitment, must agree.
    fn remember(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<_> = line.split(' ').collect();
        // A line that the kill cut short was not heard by anybody.
        let [_, late, index, commitment, entry, proof] = words[..] else { return Ok(()) };
        let Some(proof) = hex::decode(proof).ok().and_then(|b| String::from_utf8(b).ok()) else {
            return Ok(());
        };
        let Ok(proof) = TlogProof::parse(&proof) else { return Ok(()) };
        let index: u64 = index.parse().unwrap();
        if late == "true" {
            return Err(format!(
                "entry {index} was asked for after a failed sync, and acknowledged"
            ));
        }
        let (commitment, entry) = (commitment.parse().unwrap(), hex::decode(entry).unwrap());
        let head = checkpoint::verify(&proof.checkpoint, &verifier()).map_err(|e| e.to_string())?;
        verify_inclusion(&leaf_hash(&entry), index, head.size, &proof.hashes, &head.root)
            .map_err(|error| format!("entry {index}: {error}"))?;
        if let Some(known) = self.checkpoints.insert(head.size, head.clone())
            && known != head
        {
            return Err(format!("two checkpoints of {} entries", head.size));
        }
        let new = (commitment, entry);
        match self.entries.insert(index, new.clone()) {
            Some(known) if known != new => Err(format!("two entries at {index}")),
            Some(_) | None => Ok(()),
        }
    }

    /// Looks at a copy of what is left, so that the next child recovers from the original.
    fn check(&self, orders: &Orders) -> Result<u64, String> {
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
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            self.check_published(orders).await?;
            self.check_repeats(store, orders).await
        })?;
        Ok(size)
    }

    /// What is published is whole, and of the log that was acknowledged.
    async fn check_published(&self, orders: &Orders) -> Result<(), String> {
        let Ok(store) = TileStore::open(&orders.tiles().to_string_lossy()) else { return Ok(()) };
        let reader = Reader::new(Arc::new(store));
        let Some(note) = reader.note().await.map_err(|error| error.to_string())? else {
            return Ok(());
        };
        let head = checkpoint::verify(&note, &verifier()).map_err(|e| format!("published: {e}"))?;
        let report = tiles::fsck(&reader, &head, |_| ()).await.map_err(|e| e.to_string())?;
        if !report.faults.is_empty() {
            return Err(format!("fsck: {:?}", report.faults));
        }
        match self.checkpoints.get(&head.size) {
            Some(known) if known.root != head.root => Err("another root is published".to_owned()),
            Some(_) | None => Ok(()),
        }
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

/// Runs a child for so long after it is ready.
fn run_and_kill(orders: &Orders, life_us: u64) -> Heard {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_process", "--ignored", "--nocapture"])
        .env(ORDERS, orders.to_text())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (ready, is_ready) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut heard = Heard::default();
        for line in lines.map_while(Result::ok) {
            match line.split(' ').next() {
                Some("ready") => {
                    heard.ready = true;
                    let _nobody = ready.send(());
                }
                Some("ack") => heard.acknowledged.push(line),
                Some("unopened") => heard.unopened = Some(line),
                Some("ended") => heard.ended = true,
                Some("FORK") => heard.fork = true,
                _ => {}
            }
        }
        heard
    });
    // A child that does not get so far has closed its output.
    if is_ready.recv_timeout(Duration::from_secs(60)).is_ok() {
        std::thread::sleep(Duration::from_micros(life_us));
    }
    let _ended_by_itself = child.kill();
    child.wait().unwrap();
    reader.join().unwrap()
}
