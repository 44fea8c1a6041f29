//! Go's reference implementation (golang.org/x/mod/sumdb) and Cloudflare's crates (`tlog_tiles`,
//! `signed_note`) read a log that we published, verify proofs from its tiles, and refuse each tampered
//! copy. Go also checks a C2SP tlog-proof of ours.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use ed25519_dalek::SigningKey;
use merkle::{TlogProof, VerifierKey, leaf_hash};
use testkit::log::Log;

const ORIGIN: &str = "log.example/aibom";
const SIZES: [u64; 7] = [1, 2, 255, 256, 257, 600, 70_000];

fn note(log: &Log, size: u64) -> String {
    log.note(size, &signing_key(), ORIGIN)
}

fn proof(log: &Log, index: u64, size: u64) -> String {
    let hashes = log.tree.inclusion(index, size).unwrap();
    TlogProof { extra: None, index, hashes, checkpoint: note(log, size) }.to_string()
}

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn key() -> VerifierKey {
    VerifierKey::new(ORIGIN, signing_key().verifying_key()).unwrap()
}

/// The sources of other people's readers.
fn interop(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/interop").join(name)
}

fn ran(command: &mut Command, remedy: &str) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}: {remedy}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {remedy}\n{said}");
    output
}

/// The reader over Go's reference implementation; each test has its own, for they run side by side.
fn go(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = folder.join(format!("sumdb-{test}"));
    let mut build = Command::new("go");
    build.arg("build").arg("-o").arg(&program).arg("main.go").current_dir(interop("sumdb"));
    // Debian's sources, and nothing from the network.
    build.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode").env("GOFLAGS", "");
    build.env("GOCACHE", folder.join("go-cache"));
    ran(&mut build, "run deploy/setup/go.sh, or 'cargo xtask setup'");
    program
}

/// The reader over Cloudflare's crates.
fn cloudflare() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tlog_tiles");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked", "--manifest-path"]);
    build.arg(interop("tlog_tiles/Cargo.toml")).arg("--target-dir").arg(&target);
    ran(&mut build, "its crates come from the registry, once");
    target.join("debug/tlog-tiles-reader")
}

/// A published log, and an older checkpoint and a proof beside it.
struct Published {
    folder: tempfile::TempDir,
}

impl Published {
    fn new(log: &Log, size: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(log.publish(&folder.path().join("log"), size, &signing_key(), ORIGIN));
        let beside = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        beside("old", note(log, size / 2 + 1));
        beside("proof", proof(log, size / 3, size));
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.path("log").join(name)
    }

    /// Has a reader read it; gives whether it believed, and what it said.
    fn read(&self, reader: &Path, beside: &[&str]) -> (bool, String) {
        let mut command = Command::new(reader);
        command.arg(self.path("log")).arg(key().to_string());
        command.args(beside.iter().map(|name| self.path(name)));
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }
}

/// Changes one byte in the middle of a file for as long as `read` goes on.
fn spoilt<T>(path: &Path, read: impl FnOnce() -> T) -> T {
    let good = fs::read(path).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    fs::write(path, bad).unwrap();
    let outcome = read();
    fs::write(path, good).unwrap();
    outcome
}

fn believes(reader: &Path, beside: &[&str]) {
    let log = Log::of(70_000, 0);
    for size in SIZES {
        let published = Published::new(&log, size);
        let (believed, said) = published.read(reader, beside);
        assert!(believed, "{size}: {said}");
        let facts = format!("size {size}\nentries ");
        assert!(said.starts_with(&facts), "{said}");
        assert!(said.contains(&format!("extends {}\n", size / 2 + 1)), "{said}");
    }
}

/// Each file that the reader needs, spoilt in one byte, is refused.
fn refuses(reader: &Path, beside: &[&str]) {
    let log = Log::of(600, 0);
    let published = Published::new(&log, 600);
    assert!(published.read(reader, beside).0);
    let files = [
        "checkpoint",
        "tile/0/000",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/002.p/88",
    ];
    for path in files.map(|name| published.log(name)) {
        let (believed, said) = spoilt(&path, || published.read(reader, beside));
        assert!(!believed && said.contains("refused: "), "{}: {said}", path.display());
    }
    for path in beside.iter().map(|name| published.path(name)) {
        let (believed, said) = spoilt(&path, || published.read(reader, beside));
        assert!(!believed && said.contains("refused: "), "{}: {said}", path.display());
    }
    // A fork: an older checkpoint of the same key, which the log does not extend.
    let mut forked = Log::of(300, 0);
    forked.tree.append(leaf_hash(b"another entry"));
    fs::write(published.path("old"), note(&forked, 301)).unwrap();
    let (believed, said) = published.read(reader, &beside[..1]);
    assert!(!believed && said.contains("refused: "), "a fork: {said}");
    assert!(published.read(reader, &[]).0, "the files are good again");
}

#[test]
fn gos_reference_implementation_reads_our_log_and_checks_our_proof() {
    let go = go("reads");
    believes(&go, &["old", "proof"]);
    let published = Published::new(&Log::of(600, 0), 600);
    let (_, said) = published.read(&go, &["old", "proof"]);
    assert!(said.ends_with("proof holds\n"), "{said}");
}

#[test]
fn gos_reference_implementation_refuses_each_tampered_file() {
    refuses(&go("refuses"), &["old", "proof"]);
}

#[test]
fn cloudflares_crates_read_our_log() {
    believes(&cloudflare(), &["old"]);
}

#[test]
fn cloudflares_crates_refuse_each_tampered_file() {
    refuses(&cloudflare(), &["old"]);
}
