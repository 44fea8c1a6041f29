//! The command: what it exits with, what it keeps, and what it says of logs that lie.

use std::path::Path;

use ::monitor::State;
use clap::Parser as _;
use ids::Sha256Digest;
use merkle::{Checkpoint, checkpoint};
use testkit::{
    log::Log,
    lying_log::{Lie, LyingLog, MONITOR_KEY, SEEN, Shown, WHOLE},
    mesh::Mesh,
};

use crate::{
    arguments::Format,
    certs::now,
    failure::Failure,
    ledger::{LedgerCommand, ledger},
    terminal::Terminal,
};

#[derive(clap::Parser)]
struct Asked {
    #[command(subcommand)]
    command: LedgerCommand,
}

/// A mesh whose log may lie, the monitor's state, and what is known to be one's own.
struct Place {
    directory: tempfile::TempDir,
    mesh: Mesh,
}

impl Place {
    fn new() -> Self {
        let place =
            Self { directory: tempfile::tempdir().unwrap(), mesh: Mesh::new("mesh", now()) };
        place.write("trust-root.json", &place.mesh.seal_root(&place.mesh.trust_root()));
        place
    }

    fn log(&self) -> LyingLog<'_> {
        LyingLog::new(&self.mesh, b"mine", 2, now().plus_ms(-20_000))
    }

    fn text(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.text(name), bytes).unwrap();
    }

    /// Publishes what is shown as a log of its own, and looks at it once.
    fn look(&self, shown: &Shown, more: &[&str]) -> (u8, String) {
        let published = tempfile::tempdir().unwrap();
        publish(shown, published.path(), &self.mesh);
        let (source, root) = (published.path().to_str().unwrap(), self.text("trust-root.json"));
        let state = self.text("state.json");
        let all = ["ledger", "monitor", source, "--trust-root", &root, "--state", &state, "--once"];
        run(&[&all, more].concat())
    }

    fn state(&self) -> State {
        let policy = self.mesh.trust_root().log_policy().unwrap();
        State::parse(&std::fs::read(self.text("state.json")).unwrap(), &policy).unwrap()
    }
}

fn publish(shown: &Shown, folder: &Path, mesh: &Mesh) {
    // A writer takes only what the log's key signed over what it publishes: a checkpoint that is not so
    // is put in its place afterwards.
    let log = Log { entries: shown.entries.clone(), tree: shown.tree.clone() };
    let (signer, verifier) = (mesh.ledger_key(), mesh.ledger_verifier_key());
    let publishing = log.publish(folder, shown.tree.len(), &signer, verifier.name());
    crate::runtime::runtime().unwrap().block_on(publishing);
    std::fs::write(folder.join("checkpoint"), &shown.note).unwrap();
}

fn run(arguments: &[&str]) -> (u8, String) {
    let asked = Asked::try_parse_from(arguments).unwrap();
    match ledger(&Terminal::new(Format::Json), Path::new("/nowhere/mesh.json"), &asked.command) {
        Ok(exit) => (exit.code(), String::new()),
        Err(failure) => (Failure::exit(&failure).code(), failure.to_string()),
    }
}

#[test]
fn an_honest_log_is_followed_and_the_state_is_kept() {
    let place = Place::new();
    let log = place.log();
    for size in [3, SEEN, SEEN, WHOLE] {
        assert_eq!(place.look(&log.honest(size), &[]), (0, String::new()));
        assert_eq!(place.state().entries_read(), size);
    }
}

#[test]
fn a_log_that_lies_ends_it_with_1_and_leaves_the_state_as_it_was() {
    let lies = Lie::ALL.into_iter().filter(|lie| *lie != Lie::Stale);
    for lie in lies {
        let (place, seen) = (Place::new(), SEEN);
        let log = place.log();
        assert_eq!(place.look(&log.honest(seen), &[]).0, 0);
        let before = place.state();
        let shown = log.tell(lie, true);
        assert_eq!(place.look(&shown, &[]), (1, String::new()), "{lie:?}");
        assert_eq!(place.state(), before, "{lie:?}");
        assert_eq!(place.look(&log.honest(WHOLE), &[]).0, 0, "{lie:?}: all is well again");
    }
}

#[test]
fn what_is_mine_and_unknown_is_told_once() {
    let place = Place::new();
    let old = LyingLog::new(&place.mesh, b"mine", 2, now().plus_ms(-1_000_000));
    place.write("keys", format!("{}\n", Sha256Digest::from_bytes(MONITOR_KEY)).as_bytes());
    let keys = place.text("keys");
    let arguments = ["--monitor-key", &keys, "--stale-after", "86400"];
    assert_eq!(place.look(&old.honest(WHOLE), &arguments).0, 1);
    let found = place.state().findings().to_vec();
    assert_eq!(found.len() as u64, WHOLE);
    assert!(found.iter().all(|alert| alert.word() == "not-mine"), "{found:?}");
    assert_eq!(place.look(&old.honest(WHOLE), &arguments).0, 0, "each is told once");
    // Whoever knows them hears nothing.
    let known: String = found
        .iter()
        .map(|alert| match alert {
            ::monitor::Alert::NotMine { commitment, .. } => format!("{commitment}\n"),
            other => unreachable!("{other}"),
        })
        .collect();
    let knowing = Place::new();
    knowing.write("keys", &std::fs::read(&keys).unwrap());
    knowing.write("known", known.as_bytes());
    let (keys, known) = (knowing.text("keys"), knowing.text("known"));
    let arguments = ["--monitor-key", &keys, "--known", &known, "--stale-after", "86400"];
    assert_eq!(knowing.look(&old.honest(WHOLE), &arguments).0, 0);
}

#[test]
fn what_cannot_be_said_ends_it_with_2() {
    let place = Place::new();
    let log = place.log();
    let honest = log.honest(SEEN);
    place.write("keys", b"not a key\n");
    let keys = place.text("keys");
    assert_eq!(place.look(&honest, &["--monitor-key", &keys]).0, 2);
    place.write("state.json", b"{}");
    let (code, why) = place.look(&honest, &[]);
    assert!(code == 2 && why.contains("begin anew"), "{why}");
    let (root, state) = (place.text("trust-root.json"), place.text("other.json"));
    let missing = place.text("missing");
    let all = ["ledger", "monitor", &missing, "--trust-root", &root, "--state", &state, "--once"];
    assert_eq!(run(&all).0, 2);
}

#[test]
fn a_new_witness_of_the_log_is_no_alert_to_whom_it_is_not_named() {
    let place = Place::new();
    let log = place.log();
    let mut shown = log.honest(SEEN);
    let stranger = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    let head = Checkpoint {
        origin: place.mesh.ledger_verifier_key().name().to_owned(),
        size: SEEN,
        root: shown.tree.root(),
    };
    shown.note += &checkpoint::cosign(&head, &stranger, "new.example", 1_700_000_000).unwrap();
    assert_eq!(place.look(&shown, &[]), (0, String::new()));
    // It makes no quorum either.
    let (text, lines) = shown.note.split_once("\n\n").unwrap();
    let lines = lines.split_inclusive('\n').filter(|line| !line.contains(" witness.mesh.test "));
    shown.note = format!("{text}\n\n{}", lines.collect::<String>());
    assert_eq!(place.look(&shown, &[]).0, 1);
}

#[test]
fn a_bundle_that_is_named_later_is_looked_for_where_it_was_read() {
    let fixture = testkit::evidence::Fixture::new();
    let mut bundle = testkit::bundle::bundle(&fixture);
    let directory = tempfile::tempdir().unwrap();
    let mesh = Mesh::new("mesh", now());
    let place = Place { directory, mesh };
    place.write("trust-root.json", &place.mesh.seal_root(&place.mesh.trust_root()));
    let log = LyingLog::new(&place.mesh, &bundle.attestation, 2, now().plus_ms(-20_000));
    assert_eq!(place.look(&log.honest(SEEN), &[]), (0, String::new()));
    bundle.inclusion = log.inclusion(&log.honest(SEEN), 2);
    place.write("bundle.json", &bundle.to_bytes().unwrap());
    let named = place.text("bundle.json");
    for size in [SEEN, SEEN, WHOLE] {
        assert_eq!(place.look(&log.honest(size), &["--bundle", &named]), (0, String::new()));
    }
    // Another history, of which it was never seen that the bundle is not there.
    let other = Place { directory: tempfile::tempdir().unwrap(), mesh: place.mesh };
    other.write("trust-root.json", &other.mesh.seal_root(&other.mesh.trust_root()));
    let log = LyingLog::new(&other.mesh, b"another", 2, now().plus_ms(-20_000));
    assert_eq!(other.look(&log.honest(SEEN), &[]).0, 0);
    assert_eq!(other.look(&log.honest(SEEN), &["--bundle", &named]), (1, String::new()));
    assert_eq!(other.state().findings()[0].word(), "missing");
    assert_eq!(other.look(&log.honest(SEEN), &["--bundle", &named]).0, 0, "it is told once");
}

#[test]
fn another_monitor_key_of_the_mesh_is_told_and_kept() {
    let place = Place::new();
    let policy = place.mesh.trust_root().log_policy().unwrap();
    let told = |key: [u8; 32]| {
        let file = super::StateFile::open(Path::new(&place.text("state.json"))).unwrap();
        let mut state = file.read(&policy).unwrap();
        super::hold_key(&Terminal::new(Format::Json), &file, &mut state, &key).unwrap()
    };
    let keys = [MONITOR_KEY, MONITOR_KEY, [1; 32], [1; 32], MONITOR_KEY];
    assert_eq!(keys.map(told), [false, false, true, false, true]);
}

#[test]
fn what_is_mine_is_asked_of_a_mesh_that_must_be_there() {
    let place = Place::new();
    let (code, why) = place.look(&place.log().honest(SEEN), &["--mine"]);
    assert!(code == 2 && why.contains("no mesh to talk to"), "{code} {why}");
}
