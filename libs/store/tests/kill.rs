//! A process is killed while it acknowledges commits; whatever it acknowledged is there afterwards.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use store::{Batch, Durable, Span};

const TABLES: &[&str] = &["jobs"];
const PATH: &str = "STORE_KILL_TEST_PATH";
const ROUNDS: u64 = 20;

/// The child: eight writers, each printing a key once its commit was acknowledged.
#[test]
#[ignore = "only the parent test runs it"]
fn child() {
    let Some(path) = std::env::var_os(PATH) else {
        return;
    };
    let store = Durable::open(path, TABLES).unwrap();
    println!("ready");
    std::thread::scope(|scope| {
        for writer in 0_u32..8 {
            let store = &store;
            scope.spawn(move || {
                for number in 0_u32.. {
                    let key = format!("{}-{writer}-{number}", std::process::id());
                    let batch = Batch::new().create("jobs", key.clone(), format!("value of {key}"));
                    store.commit_blocking(batch).unwrap();
                    let mut out = std::io::stdout().lock();
                    out.write_all(format!("ack {key}\n").as_bytes()).unwrap();
                    out.flush().unwrap();
                }
            });
        }
    });
}

/// Runs the child for `life` and returns what it acknowledged.
fn run_and_kill(path: &Path, life: Duration) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.by_ref().map(Result::unwrap).any(|line| line.ends_with("ready"));
    assert!(ready, "the child did not start");
    let reader = std::thread::spawn(move || {
        lines
            .map_while(Result::ok)
            .filter_map(|line| Some(line.strip_prefix("ack ")?.to_owned()))
            .collect()
    });
    std::thread::sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn what_was_acknowledged_survives_sigkill() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..ROUNDS {
        // A hash of the round and of the process id: another moment in every run.
        let seed = (round + u64::from(std::process::id())).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut acks = run_and_kill(&path, Duration::from_micros((seed >> 40) % 60_000));
        // The last line may be cut short by the kill; a whole one ends in its own number.
        acknowledged.append(&mut acks);
        let store = Durable::open(&path, TABLES).unwrap();
        for key in &acknowledged {
            let value = store.get("jobs", key.as_bytes()).unwrap();
            assert_eq!(value, Some(format!("value of {key}").into_bytes()), "round {round}: {key}");
        }
        for (key, value) in store.scan("jobs", &Span::all(), usize::MAX).unwrap() {
            assert_eq!(value, [b"value of ", &key[..]].concat());
        }
    }
    println!("{} commits acknowledged over {ROUNDS} kills", acknowledged.len());
    assert!(acknowledged.len() > 100);
}
