//! The log of a bundle: published, proved, and caught when it lies.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use clap::Parser as _;
use merkle::{VerifierKey, checkpoint, leaf_hash};
use testkit::log::Log;
use tiles::{Source, SourceError, TileStore};

use super::{LedgerCommand, ledger};
use crate::{arguments::Format, failure::Failure, terminal::Terminal};

const ORIGIN: &str = "log.example/aibom";

#[derive(clap::Parser)]
struct Asked {
    #[command(subcommand)]
    command: LedgerCommand,
}

fn signing_key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[5; 32])
}

fn key() -> VerifierKey {
    VerifierKey::new(ORIGIN, signing_key().verifying_key()).unwrap()
}

fn publish(log: &Log, folder: &Path) {
    publish_as(log, folder, &signing_key(), ORIGIN);
}

fn publish_as(log: &Log, folder: &Path, signer: &ed25519_dalek::SigningKey, origin: &str) {
    let publishing = log.publish(folder, log.tree.len(), signer, origin);
    crate::runtime::runtime().unwrap().block_on(publishing);
}

/// Runs the command; gives its exit code and what it complains about.
fn run(arguments: &[&str]) -> (u8, String) {
    let asked = Asked::try_parse_from([&["ledger"], arguments].concat()).unwrap();
    match ledger(&Terminal::new(Format::Json), Path::new("mesh.json"), &asked.command) {
        Ok(exit) => (exit.code(), String::new()),
        Err(failure) => {
            let code = Failure::exit(&failure).code();
            (code, failure.to_string())
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_published_log_is_clean_shown_and_proved() {
    let folder = tempfile::tempdir().unwrap();
    publish(&Log::of(300, 1), folder.path());
    let (source, vkey) = (text(folder.path()), key().to_string());
    assert_eq!(run(&["fsck", source, "--key", &vkey]), (0, String::new()));
    assert_eq!(run(&["tail", source, "--key", &vkey, "--from", "250"]).0, 0);
    assert_eq!(run(&["tail", source, "--key", &vkey, "--from", "9000"]).0, 0);
    let out = folder.path().join("7.tlog-proof");
    let proved = run(&["prove", source, "--key", &vkey, "--index", "7", "--out", text(&out)]);
    assert_eq!(proved, (0, String::new()));
    let proof = merkle::TlogProof::parse(&std::fs::read_to_string(&out).unwrap()).unwrap();
    let head = checkpoint::verify(&proof.checkpoint, &key()).unwrap();
    let leaf = leaf_hash(&Log::of(300, 1).entries[7]);
    let verified = merkle::verify_inclusion(&leaf, 7, head.size, &proof.hashes, &head.root);
    assert_eq!((proof.index, head.size, verified), (7, 300, Ok(())));
}

#[test]
fn what_is_spoilt_is_refused_and_what_is_absent_cannot_be_said() {
    let folder = tempfile::tempdir().unwrap();
    publish(&Log::of(300, 1), folder.path());
    let (source, vkey) = (text(folder.path()), key().to_string());
    let (code, why) = run(&["prove", source, "--key", &vkey, "--index", "300"]);
    assert!(code == 1 && why.contains("300"), "{why}");
    let other = VerifierKey::new("other", signing_key().verifying_key()).unwrap().to_string();
    for command in ["fsck", "tail"] {
        assert_eq!(run(&[command, source, "--key", &other]).0, 1, "{command}");
    }
    let tile = folder.path().join("tile/0/000");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    assert_eq!(run(&["fsck", source, "--key", &vkey]).0, 1);
    let (code, why) = run(&["prove", source, "--key", &vkey, "--index", "7"]);
    assert!(code == 1 && why.contains("tile/0/000"), "{why}");
    let missing: PathBuf = folder.path().join("missing");
    assert_eq!(run(&["fsck", text(&missing), "--key", &vkey]).0, 2);
    std::fs::remove_file(folder.path().join("checkpoint")).unwrap();
    assert_eq!(run(&["tail", source, "--key", &vkey]).0, 2);
}

/// The log that the test bundle is in, grown by some entries, with `rewritten` put in place of entry 1.
fn log_of_the_bundle(inclusion: &bundle::Inclusion, rewritten: Option<&[u8]>) -> Log {
    let first: [&[u8]; 5] = [&[0], rewritten.unwrap_or(&[1]), &inclusion.entry, &[3], &[4]];
    let mut entries: Vec<Vec<u8>> = first.map(<[u8]>::to_vec).into();
    entries.extend(Log::of(295, 1).entries);
    Log::new(entries)
}

#[test]
fn a_bundle_is_proved_in_the_log_that_it_is_in_and_a_rewritten_log_is_caught() {
    let made = crate::verify::tests::made::Made::wine();
    let fixture = testkit::evidence::Fixture::new();
    let (signer, verifier) = (fixture.mesh().ledger_key(), fixture.mesh().ledger_verifier_key());
    let vkey = verifier.to_string();
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle.aibom.json");
    std::fs::write(&bundle, made.bundle.to_bytes().unwrap()).unwrap();
    let prove = |log: &Path, key: &str, out: &Path| {
        run(&["prove", text(log), "--key", key, "--bundle", text(&bundle), "--out", text(out)])
    };
    let (log, out) = (folder.path().join("log"), folder.path().join("fresh.tlog-proof"));
    let publish_ours = |log: &Log, folder: &Path| publish_as(log, folder, &signer, verifier.name());
    publish_ours(&log_of_the_bundle(&made.bundle.inclusion, None), &log);
    assert_eq!(prove(&log, &vkey, &out), (0, String::new()));
    let fresh = merkle::TlogProof::parse(&std::fs::read_to_string(&out).unwrap()).unwrap();
    let head = checkpoint::verify(&fresh.checkpoint, &verifier).unwrap();
    let leaf = leaf_hash(&made.bundle.inclusion.entry);
    let verified = merkle::verify_inclusion(&leaf, 2, head.size, &fresh.hashes, &head.root);
    assert_eq!((fresh.index, head.size, verified), (2, 300, Ok(())));
    // The same key, another history: both checkpoints are signed, and no proof joins them.
    let rewritten = folder.path().join("rewritten");
    publish_ours(&log_of_the_bundle(&made.bundle.inclusion, Some(b"x")), &rewritten);
    let (code, why) = prove(&rewritten, &vkey, &out);
    assert!(code == 1 && why.contains("the log forked"), "{why}");
    // A log that was rolled back.
    let short = folder.path().join("short");
    publish_ours(&Log::of(3, 1), &short);
    let (code, why) = prove(&short, &vkey, &out);
    assert!(code == 1 && why.contains("went back from 5 to 3"), "{why}");
    // Another log, of another key: the bundle's own checkpoint does not count for it.
    let other = folder.path().join("other");
    publish(&Log::of(3, 1), &other);
    let (code, why) = prove(&other, &key().to_string(), &out);
    assert!(code == 1 && why.contains("bundle.aibom.json"), "{why}");
}

#[test]
fn a_stale_checkpoint_of_the_same_log_is_told_from_a_fork() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, log: &Log| {
        let path = folder.path().join(name);
        publish(log, &path);
        tiles::Reader::new(std::sync::Arc::new(TileStore::open(text(&path)).unwrap()))
    };
    let long = of("long", &Log::of(300, 1));
    let (stale, forked) = (of("stale", &Log::of(200, 1)), of("forked", &Log::of(200, 2)));
    crate::runtime::runtime().unwrap().block_on(async {
        let terminal = Terminal::new(Format::Json);
        let view = async |reader: &tiles::Reader| reader.newest(&key()).await.unwrap().0;
        let mut held = view(&long).await;
        super::tail::advance(&terminal, &mut held, view(&stale).await).await.unwrap();
        assert_eq!(held.size(), 300, "the newer one stays");
        let lies = super::tail::advance(&terminal, &mut held, view(&forked).await).await;
        assert_eq!(lies.unwrap_err().exit().code(), 1);
        let mut behind = view(&stale).await;
        super::tail::advance(&terminal, &mut behind, view(&long).await).await.unwrap();
        assert_eq!(behind.size(), 300);
    });
}

/// A log whose entries cannot be read the first times, and whose checkpoint is a lie once they were.
#[derive(Debug)]
struct Flaky {
    inner: TileStore,
    failures: AtomicU32,
    read: AtomicBool,
}

#[async_trait::async_trait]
impl Source for Flaky {
    async fn get(&self, path: &str, max_bytes: usize) -> Result<Option<Bytes>, SourceError> {
        if path == "checkpoint" && self.read.load(Ordering::SeqCst) {
            return Ok(Some(Bytes::from_static(b"a lie")));
        }
        if path.starts_with("tile/entries/") {
            let less = |failures: u32| failures.checked_sub(1);
            if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
                let source = "connection reset".into();
                return Err(SourceError::Read { path: path.to_owned(), source });
            }
            self.read.store(true, Ordering::SeqCst);
        }
        self.inner.get(path, max_bytes).await
    }

    fn place(&self) -> &str {
        self.inner.place()
    }
}

#[test]
fn entries_that_cannot_be_read_are_asked_for_again_by_who_follows() {
    let folder = tempfile::tempdir().unwrap();
    publish(&Log::of(20, 1), folder.path());
    let trust = super::trust::Counts::Log(merkle::LogPolicy::log_only(key()));
    let follow = |every| {
        let inner = TileStore::open(text(folder.path())).unwrap();
        let flaky = Flaky { inner, failures: AtomicU32::new(3), read: AtomicBool::new(false) };
        let flaky = Arc::new(flaky);
        let reader = tiles::Reader::new(Arc::clone(&flaky) as Arc<dyn Source>);
        let terminal = Terminal::new(Format::Json);
        let following = super::tail::follow(&terminal, &reader, &trust, None, every);
        let failure = crate::runtime::runtime().unwrap().block_on(following).unwrap_err();
        (failure.exit().code(), flaky.read.load(Ordering::SeqCst))
    };
    // The log ends it, and not a server that was away; who does not follow is told at once.
    assert_eq!(follow(Some(Duration::from_millis(1))), (1, true));
    assert_eq!(follow(None), (2, false));
}

#[test]
fn one_of_key_and_trust_root_and_one_of_bundle_and_index_is_wanted() {
    let parses =
        |arguments: &[&str]| Asked::try_parse_from([&["ledger"], arguments].concat()).is_ok();
    let vkey = key().to_string();
    assert!(parses(&["fsck", "log", "--key", &vkey]));
    assert!(!parses(&["fsck", "log"]));
    assert!(!parses(&["fsck", "log", "--key", "nonsense"]));
    assert!(!parses(&["fsck", "log", "--key", &vkey, "--trust-root", "r.json"]));
    assert!(!parses(&["prove", "log", "--key", &vkey]));
    assert!(!parses(&["prove", "log", "--key", &vkey, "--index", "1", "--bundle", "b"]));
}
