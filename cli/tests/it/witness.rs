//! `aibom witness` as its operator runs it: made, served, killed at any instant, shown.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use ed25519_dalek::SigningKey;
use merkle::{
    Checkpoint, CosignerKey, SignedCheckpoint, Tree, VerifierKey, checkpoint::sign, leaf_hash,
};
use witness::request_body;

const ORIGIN: &str = "log.test/ledger";
/// How often the witness is killed.
const KILLS: u64 = 24;

fn aibom(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_aibom");
    Command::new(program).args(["witness"]).args(arguments).output().unwrap()
}

fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn tree(branch: u64, size: u64) -> Tree {
    (0..size).map(|index| leaf_hash(format!("{branch} {index}").as_bytes())).collect()
}

fn note(tree: &Tree, size: u64) -> String {
    let root = tree.root_at(size).unwrap();
    sign(&Checkpoint { origin: ORIGIN.into(), size, root }, &log_key(), ORIGIN).unwrap()
}

/// A witness in a directory of its own.
struct Witness {
    directory: tempfile::TempDir,
    key: CosignerKey,
}

struct Process {
    child: Child,
    address: String,
}

impl Witness {
    fn init() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let dir = directory.path().to_str().unwrap();
        let made = aibom(&["init", "--dir", dir, "--name", "witness.test/w1", "--format", "json"]);
        assert!(made.status.success(), "{made:?}");
        let said: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        let key = said["key"].as_str().unwrap().parse().unwrap();
        let witness = Self { directory, key };
        let config = witness.path("witness.toml");
        let text =
            std::fs::read_to_string(&config).unwrap().replace("127.0.0.1:7413", "127.0.0.1:0");
        let log = VerifierKey::new(ORIGIN, log_key().verifying_key()).unwrap();
        std::fs::write(&config, format!("{text}\n[[log]]\nkey = \"{log}\"\n")).unwrap();
        witness
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn start(&self) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_aibom"))
            .args(["witness", "serve", "--config", &self.path("witness.toml")])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains(" serves on http://"));
        let address = line.unwrap().rsplit("http://").next().unwrap().to_owned();
        // A pipe that nobody reads would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Process { child, address }
    }

    /// The size that it says it cosigned last.
    fn shown(&self) -> u64 {
        let shown = aibom(&["show", "--config", &self.path("witness.toml"), "--format", "json"]);
        assert!(shown.status.success(), "{shown:?}");
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
        shown["cosigned"].get(0).map_or(0, |known| known["size"].as_u64().unwrap())
    }

    fn cosigned(&self, answer: &[u8], note: &str) -> bool {
        let answer = String::from_utf8_lossy(answer);
        let Some((_, line)) = answer.split_once("\r\n\r\n") else { return false };
        SignedCheckpoint::parse(&format!("{note}{line}"))
            .is_ok_and(|note| note.cosigned(&self.key).is_ok())
    }
}

impl Process {
    fn send(&self, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        stream
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn inode(path: &str) -> u64 {
    std::fs::metadata(Path::new(path)).unwrap().ino()
}

fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    // A connection that the kill reset has said all that it will.
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn no_cosignature_outlives_its_state_whenever_the_witness_is_killed() {
    let witness = Witness::init();
    let state = witness.path("state.json");
    let (ours, forked) = (tree(0, KILLS + 1), tree(1, KILLS + 1));
    let (mut known, mut received) = (0, 0);
    for size in 1..=KILLS {
        let process = witness.start();
        let note = note(&ours, size);
        let body = request_body(known, &ours.consistency(known, size).unwrap(), &note);
        let before = inode(&state);
        let stream = process.send(&body);
        let answer = match size % 3 {
            // As the request arrives.
            0 => {
                process.kill();
                rest(stream)
            }
            // As soon as the new state is there, which is before the answer, or while it leaves.
            1 => {
                while inode(&state) == before {
                    std::thread::yield_now();
                }
                process.kill();
                rest(stream)
            }
            // After the answer.
            _ => {
                let answer = rest(stream);
                process.kill();
                assert!(witness.cosigned(&answer, &note));
                answer
            }
        };
        let shown = witness.shown();
        assert!(shown == known || shown == size, "neither the old state nor the new one");
        if witness.cosigned(&answer, &note) {
            received += 1;
            assert_eq!(shown, size, "a cosignature left that is not remembered");
        }
        known = shown;
    }
    assert!(received >= KILLS / 3 && known >= KILLS - 2);
    let process = witness.start();
    let note = note(&forked, KILLS + 1);
    let body = request_body(known, &forked.consistency(known, KILLS + 1).unwrap(), &note);
    let answer = rest(process.send(&body));
    assert!(answer.starts_with(b"HTTP/1.1 422 "), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_new_witness_is_secret_whole_and_alone() {
    let witness = Witness::init();
    let mode = |name: &str| std::fs::metadata(witness.path(name)).unwrap().mode() & 0o777;
    assert_eq!((mode("witness.key.pem"), mode("state.json")), (0o600, 0o600));
    let vkey = std::fs::read_to_string(witness.path("witness.vkey")).unwrap();
    assert_eq!(vkey.trim().parse::<CosignerKey>().unwrap(), witness.key);
    let again = aibom(&["init", "--dir", &witness.path(""), "--name", "other"]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    assert_eq!(witness.shown(), 0);
    let process = witness.start();
    let second = aibom(&["serve", "--config", &witness.path("witness.toml")]);
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("already"), "{second:?}");
    assert_eq!(witness.shown(), 0, "a running witness can be looked at");
    process.kill();
    std::fs::remove_file(witness.path("state.json")).unwrap();
    let without = aibom(&["serve", "--config", &witness.path("witness.toml")]);
    assert!(String::from_utf8_lossy(&without.stderr).contains("state.json"), "{without:?}");
}

#[test]
fn a_client_that_stops_half_way_keeps_nobody_waiting() {
    let witness = Witness::init();
    let process = witness.start();
    let mut slow = TcpStream::connect(&process.address).unwrap();
    slow.write_all(b"POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: 500\r\n\r\nold")
        .unwrap();
    let tree = tree(0, 3);
    let note = note(&tree, 3);
    let answer = rest(process.send(&request_body(0, &[], &note)));
    assert!(witness.cosigned(&answer, &note));
    slow.shutdown(Shutdown::Write).unwrap();
    assert!(!witness.cosigned(&rest(slow), &note));
}
