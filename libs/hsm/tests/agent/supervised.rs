//! A small supervisor: starts agent processes one after the other and hands them to the store.

use std::{
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use hsm::agent::{AgentStore, hand_over};
use keys::{KeyStore as _, SigningKey};
use testkit::softhsm::SoftHsm;

use crate::faulty;

/// The longest that a test waits for anything, in seconds.
const PATIENCE_S: u64 = 30;

/// Waits until `holds`.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(PATIENCE_S);
    while !holds() {
        assert!(Instant::now() < end, "not within {PATIENCE_S} s: {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// A store, and the supervisor of its agents.
pub(crate) struct Supervised {
    pub(crate) store: AgentStore,
    pub(crate) directory: tempfile::TempDir,
    running: Arc<Running>,
    supervisor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Running {
    child: Mutex<Option<Child>>,
    started: AtomicUsize,
    stopping: AtomicBool,
}

impl Running {
    fn run(&self, process: &str, control: &UnixStream, directory: &Path) {
        while !self.stopping.load(Ordering::SeqCst) {
            let (ours, agents) = UnixStream::pair().unwrap();
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", process, "--ignored", "--nocapture"])
                .env(faulty::DIRECTORY, directory)
                .envs(SoftHsm::at(directory).environment())
                .stdin(Stdio::from(OwnedFd::from(agents)))
                .spawn()
                .unwrap();
            *self.child.lock().unwrap() = Some(child);
            self.started.fetch_add(1, Ordering::SeqCst);
            hand_over(control, ours).unwrap();
            until("the agent ended or the test", || {
                self.stopping.load(Ordering::SeqCst)
                    || self.child.lock().unwrap().as_mut().unwrap().try_wait().unwrap().is_some()
            });
        }
        let mut child = self.child.lock().unwrap().take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Supervised {
    /// A store whose first agent can sign.
    pub(crate) fn start() -> Self {
        Self::start_as("agent_process", tempfile::tempdir().unwrap())
    }

    /// As [`Supervised::start`], with agents that are the test `process`.
    pub(crate) fn start_as(process: &'static str, directory: tempfile::TempDir) -> Self {
        let (control, services) = UnixStream::pair().unwrap();
        let store = AgentStore::connect(services).unwrap();
        assert!(store.ready().unwrap_err().to_string().contains("has not started yet"));
        let running = Arc::new(Running::default());
        let supervisor = {
            let (running, directory) = (Arc::clone(&running), directory.path().to_owned());
            thread::spawn(move || running.run(process, &control, &directory))
        };
        let supervised = Self { store, directory, running, supervisor: Some(supervisor) };
        until("the first agent is ready", || supervised.store.ready().is_ok());
        supervised
    }

    pub(crate) fn key(&self) -> Arc<dyn SigningKey> {
        self.store.find(faulty::key_ids()[0]).unwrap()
    }

    /// Agents that were started, in number.
    pub(crate) fn started(&self) -> usize {
        self.running.started.load(Ordering::SeqCst)
    }

    /// Threads that wait at the gate, in number.
    pub(crate) fn at_the_gate(&self) -> usize {
        let names = std::fs::read_dir(&self.directory).unwrap();
        names
            .filter(|name| name.as_ref().unwrap().path().to_str().unwrap().contains("waiting-"))
            .count()
    }

    pub(crate) fn open_gate(&self) {
        std::fs::write(self.directory.path().join(faulty::GATE), "").unwrap();
    }

    pub(crate) fn say_away(&self, reason: &str) {
        // Renamed into place: the agent never reads half of it.
        let new = self.directory.path().join("new");
        std::fs::write(&new, reason).unwrap();
        std::fs::rename(new, self.directory.path().join(faulty::AWAY)).unwrap();
    }

    pub(crate) fn say_ready(&self) {
        std::fs::remove_file(self.directory.path().join(faulty::AWAY)).unwrap();
    }

    /// Ends supervisor and agent, as when the supervisor is killed.
    pub(crate) fn stop(mut self) -> AgentStore {
        self.end();
        let (_, unused) = UnixStream::pair().unwrap();
        std::mem::replace(&mut self.store, AgentStore::connect(unused).unwrap())
    }

    fn end(&mut self) {
        self.running.stopping.store(true, Ordering::SeqCst);
        if let Some(supervisor) = self.supervisor.take() {
            supervisor.join().unwrap();
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.end();
    }
}
