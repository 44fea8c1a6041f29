//! The supervisor over real processes: this test binary, started again in each role.

use std::{
    path::{Path, PathBuf},
    process::Command as Process,
    sync::Arc,
    thread,
};

use hsm::agent::AgentStore;
use keys::{FileKey, FindKeyError, KeyId, KeyStore, PublicKey, SignError, SigningKey};

use super::*;

/// Names the directory in which the processes leave each other signs.
const DIRECTORY: &str = "SUPERVISE_DIRECTORY";
/// The longest that a test waits for anything, in seconds.
const PATIENCE_S: u64 = 30;

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(PATIENCE_S);
    while !holds() {
        assert!(Instant::now() < end, "not within {PATIENCE_S} s: {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn directory() -> PathBuf {
    PathBuf::from(std::env::var_os(DIRECTORY).unwrap())
}

/// Leaves the process id of this process, and checks who started it.
fn enter(role: &str) {
    die_with(getppid().unwrap().as_raw_nonzero().get()).unwrap();
    std::fs::write(directory().join(role), std::process::id().to_string()).unwrap();
}

fn pid_of(directory: &Path, role: &str) -> Option<Pid> {
    let text = std::fs::read_to_string(directory.join(role)).ok()?;
    Pid::from_raw(text.parse().ok()?)
}

fn key() -> FileKey {
    FileKey::from_pem(&keys::generate_ed25519(&[7; 32]).unwrap()).unwrap()
}

#[derive(Debug)]
struct OneKey;

#[derive(Debug)]
struct CrashingKey(FileKey);

impl KeyStore for OneKey {
    fn find(&self, _: KeyId) -> Result<Arc<dyn SigningKey>, FindKeyError> {
        Ok(Arc::new(CrashingKey(key())))
    }

    fn ready(&self) -> Result<(), FindKeyError> {
        Ok(())
    }
}

impl SigningKey for CrashingKey {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if message == b"crash" {
            std::process::abort();
        }
        self.0.sign(message)
    }
}

#[test]
#[ignore = "a role that the other tests start"]
fn agent_role() {
    enter("agent");
    let _ = hsm::agent::serve(hsm::agent::inherited().unwrap(), || Ok(Arc::new(OneKey)));
    hsm::agent::end_process();
}

/// Signs, crashes its agent, signs again with the same key.
#[test]
#[ignore = "a role that the other tests start"]
fn signing_role() {
    enter("server");
    let store = AgentStore::connect(hsm::agent::inherited().unwrap()).unwrap();
    let key_id = key().public_key().key_id();
    until("the first agent", || store.find(key_id).is_ok());
    let key = store.find(key_id).unwrap();
    for _ in 0..3 {
        until("it signs", || key.sign(b"message").is_ok());
        assert!(key.sign(b"crash").unwrap_err().reason.contains("the key agent ended"));
    }
    std::fs::write(directory().join("signed"), "").unwrap();
}

/// Serves until it is told to end.
#[test]
#[ignore = "a role that the other tests start"]
fn serving_role() {
    enter("server");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).unwrap();
        std::fs::write(directory().join("serving"), "").unwrap();
        terminate.recv().await;
    });
    std::fs::write(directory().join("drained"), "").unwrap();
}

#[test]
#[ignore = "a role that the other tests start"]
fn failing_role() {
    enter("server");
    panic!("as it should");
}

fn arguments(role: &str) -> Vec<OsString> {
    let name = format!("supervise::tests::{role}_role");
    ["--exact", &name, "--ignored", "--nocapture"].map(OsString::from).into()
}

/// The supervisor in a process of its own; it ends with the status of the service.
#[test]
#[ignore = "a role that the other tests start"]
fn supervisor_role() {
    let server = std::env::var("SUPERVISE_SERVER").unwrap();
    let program = std::env::current_exe().unwrap();
    let roles = Roles { program, server: arguments(&server), agent: arguments("agent") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let status = runtime.block_on(run(&roles)).unwrap();
    std::fs::write(directory().join("status"), status.to_string()).unwrap();
}

fn supervise(directory: &Path, server: &str) -> std::process::Child {
    Process::new(std::env::current_exe().unwrap())
        .args(arguments("supervisor"))
        .env(DIRECTORY, directory)
        .env("SUPERVISE_SERVER", server)
        .spawn()
        .unwrap()
}

fn ended(pid: Pid) -> bool {
    // A process that nobody waited for yet has ended, too.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

#[test]
fn an_agent_that_crashes_is_started_again_and_the_same_key_signs() {
    let directory = tempfile::tempdir().unwrap();
    let mut supervisor = supervise(directory.path(), "signing");
    assert!(supervisor.wait().unwrap().success());
    assert!(directory.path().join("signed").exists());
    assert_eq!(std::fs::read_to_string(directory.path().join("status")).unwrap(), "0");
    let agent = pid_of(directory.path(), "agent").unwrap();
    until("the agent ends with the service", || ended(agent));
}

#[test]
fn the_supervisor_ends_with_the_status_of_the_service() {
    let directory = tempfile::tempdir().unwrap();
    supervise(directory.path(), "failing").wait().unwrap();
    assert_eq!(std::fs::read_to_string(directory.path().join("status")).unwrap(), "101");
}

#[test]
fn signals_reach_the_service_which_drains() {
    for signal in [Signal::TERM, Signal::INT] {
        let directory = tempfile::tempdir().unwrap();
        let mut supervisor = supervise(directory.path(), "serving");
        until("it serves", || directory.path().join("serving").exists());
        kill_process(Pid::from_child(&supervisor), signal).unwrap();
        assert!(supervisor.wait().unwrap().success());
        assert!(directory.path().join("drained").exists());
        assert_eq!(std::fs::read_to_string(directory.path().join("status")).unwrap(), "0");
    }
}

#[test]
fn nothing_outlives_a_supervisor_that_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut supervisor = supervise(directory.path(), "serving");
    let role = |role| pid_of(directory.path(), role);
    until("both run", || role("server").is_some() && role("agent").is_some());
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    for name in ["server", "agent"] {
        let pid = role(name).unwrap();
        until(name, || ended(pid));
    }
}

#[test]
fn a_role_that_something_else_started_refuses() {
    let error = die_with(1_000_000_000).unwrap_err();
    assert!(error.to_string().contains("not by the supervisor 1000000000"), "{error}");
    set_parent_process_death_signal(None).unwrap();
}
