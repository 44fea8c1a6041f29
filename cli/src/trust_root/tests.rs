//! A trust root is signed for what it follows, and pinned only in the place of an older one.

use std::path::PathBuf;

use clap::Parser as _;
use evidence::{Environment, TrustRoot};
use ids::canonical;
use testkit::mesh::Mesh;

use evidence::Revocation;

use super::{show::Shown, *};
use crate::arguments::Arguments;

mod cosigners;

const DAY_MS: i64 = 86_400_000;

fn aibom(arguments: &[&str]) -> Result<Exit, Failure> {
    crate::run(Arguments::try_parse_from([&["aibom"], arguments].concat()).unwrap())
}

struct Place {
    directory: tempfile::TempDir,
    mesh: Mesh,
}

impl Place {
    /// A pinned trust root, version 3, that holds now.
    fn new() -> Self {
        let place =
            Self { directory: tempfile::tempdir().unwrap(), mesh: Mesh::new("mesh", now()) };
        place.write("pinned.json", &place.mesh.seal_root(&place.pinned()));
        place
    }

    fn pinned(&self) -> TrustRoot {
        TrustRoot { version: 3, ..self.mesh.trust_root() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    fn update(&self, new: &[u8]) -> Result<Exit, Failure> {
        let (pinned, new) = (self.path("pinned.json"), self.write("new.json", new));
        aibom(&["trust-root", "update", pinned.to_str().unwrap(), &new])
    }

    fn sign(&self, next: &TrustRoot) -> Result<Vec<u8>, Failure> {
        self.sign_with(next, LedgerKey::Stays)
    }

    fn sign_with(&self, next: &TrustRoot, ledger: LedgerKey) -> Result<Vec<u8>, Failure> {
        sign(Some(&self.pinned()), next, &self.mesh.root_key(), now(), ledger)
    }
}

#[test]
fn only_a_newer_root_takes_the_place_of_the_pinned_one() {
    let place = Place::new();
    let before = std::fs::read(place.path("pinned.json")).unwrap();
    let stranger = Mesh::new("stranger", now());
    let changed = |change: &dyn Fn(&mut TrustRoot)| {
        let mut root = place.pinned();
        root.version = 4;
        change(&mut root);
        root
    };
    let foreign = changed(&|root| root.root_keys = stranger.trust_root().root_keys);
    let refused = [
        (place.mesh.seal_root(&changed(&|root| root.version = 2)), "rollback"),
        (
            place.mesh.seal_root(&changed(&|root| {
                root.version = 3;
                root.issued_at = root.issued_at.plus_ms(1);
            })),
            "two were signed",
        ),
        (
            place.mesh.seal_root(&changed(&|root| root.trust_domain = "other.test".into())),
            "other.test",
        ),
        (
            place.mesh.seal_root(&changed(&|root| root.environment = Environment::Production)),
            "production",
        ),
        (stranger.seal_root(&foreign), "no root key that version 3 names"),
        (stranger.seal_root(&place.pinned()), "none of the root keys"),
        (canonical::to_vec(&changed(&|_| {})).unwrap(), "not a signed trust root"),
        (b"{}".to_vec(), "not a signed trust root"),
    ];
    for (bytes, why) in refused {
        let failure = place.update(&bytes).unwrap_err();
        assert_eq!(failure.exit().code(), 1, "{failure}");
        assert!(failure.to_string().contains(why), "{why}: {failure}");
        assert_eq!(std::fs::read(place.path("pinned.json")).unwrap(), before, "{why}");
    }
    assert_eq!(place.update(&before).unwrap(), Exit::Done);
    assert_eq!(std::fs::read(place.path("pinned.json")).unwrap(), before);
    let newer = place.mesh.seal_root(&changed(&|_| {}));
    assert_eq!(place.update(&newer).unwrap(), Exit::Done);
    assert_eq!(std::fs::read(place.path("pinned.json")).unwrap(), newer);
    let missing = ["trust-root", "update", "/nowhere/a.json", "/nowhere/b.json"];
    assert_eq!(aibom(&missing).unwrap_err().exit().code(), 2);
}

#[test]
fn nothing_is_signed_that_would_take_good_signatures_back() {
    let place = Place::new();
    let at = now();
    let next = TrustRoot { version: 4, ..place.pinned() };
    place.sign(&next).unwrap();
    let mut dropped = next.clone();
    dropped.signing_keys.pop();
    let mut ended = next.clone();
    ended.signing_keys[0].valid_until = at.plus_ms(-DAY_MS / 2);
    let mut begun = next.clone();
    begun.signing_keys[0].valid_from = at;
    let mut same = next.clone();
    same.version = 3;
    let mut older = next.clone();
    older.version = 2;
    let cases = [
        (&dropped, "is dropped"),
        (&ended, "would hold only"),
        (&begun, "would hold only"),
        (&same, "the pinned one itself"),
        (&older, "rollback"),
    ];
    for (root, why) in cases {
        let failure = place.sign(root).unwrap_err();
        assert_eq!(failure.exit().code(), 1, "{failure}");
        assert!(failure.to_string().contains(why), "{why}: {failure}");
    }
    let mut shorter = next.clone();
    shorter.signing_keys[0].valid_until = at.plus_ms(DAY_MS);
    place.sign(&shorter).unwrap();
    let stranger = Mesh::new("stranger", now()).root_key();
    let failure = sign(Some(&place.pinned()), &next, &stranger, at, LedgerKey::Stays).unwrap_err();
    assert_eq!(failure.exit().code(), 1, "{failure}");
    let unpinned = sign(None, &next, &place.mesh.root_key(), at, LedgerKey::Stays).unwrap_err();
    assert!(unpinned.exit().code() == 2 && unpinned.to_string().contains("--pinned"), "{unpinned}");
}

#[test]
fn another_ledger_key_is_signed_only_when_it_is_asked_for() {
    let place = Place::new();
    let ledger_key = Mesh::new("stranger", now()).trust_root().ledger_key;
    let next = TrustRoot { version: 4, ledger_key, ..place.pinned() };
    let failure = place.sign(&next).unwrap_err();
    assert_eq!(failure.exit().code(), 1);
    let said = failure.to_string();
    assert!(said.contains("no bundle of before") && said.contains("--new-ledger-key"), "{said}");
    place.sign_with(&next, LedgerKey::MayChange).unwrap();
    // What a bundle of before comes to is said to whoever looks at the change, or takes the new root.
    let lines = changes(&place.pinned(), &next);
    assert!(lines.iter().any(|line| line.contains("only by the older root")), "{lines:?}");
    assert!(!changes(&next, &next).iter().any(|line| line.contains("older root")));
    // It takes nothing else along.
    let dropped = TrustRoot { signing_keys: Vec::new(), ..next };
    place.sign_with(&dropped, LedgerKey::MayChange).unwrap_err();
}

#[test]
fn what_changes_is_said_line_by_line() {
    let place = Place::new();
    let old = place.pinned();
    let stranger = Mesh::new("stranger", now()).trust_root();
    let revoked = Revocation { since: now(), reason: "lost\u{1b}[2J".into() };
    let mut new = TrustRoot { version: 4, ..old.clone() };
    new.root_keys.extend(stranger.root_keys);
    new.mesh_ca = stranger.mesh_ca;
    new.ledger_key = stranger.ledger_key;
    new.signing_keys[0].valid_until = now().plus_ms(DAY_MS);
    new.signing_keys[1].revoked = Some(revoked.clone());
    new.signing_keys[2].public_key = stranger.signing_keys[2].public_key.clone();
    let key = place.mesh.root_key().public_key().key_id();
    new.revoked_identities.push(evidence::RevokedIdentity { key, revoked });
    let lines = changes(&old, &new);
    let expected = [
        "version: 3 becomes 4",
        "ledger key:",
        "root key ",
        "mesh CA ",
        "aibom key ",
        "model key ",
        "layout key ",
        "identity ",
        "is new: it signs",
        "is dropped: nothing that it signed",
        "is revoked since",
    ];
    for text in expected {
        assert!(lines.iter().any(|line| line.contains(text)), "{text}: {lines:#?}");
    }
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:?}");
    let back = changes(&new, &old);
    assert!(back.iter().any(|line| line.contains("revoked no more")), "{back:#?}");
    assert!(changes(&old, &old).is_empty());
}

#[test]
fn a_root_is_shown_signed_or_not() {
    let place = Place::new();
    let root = place.pinned();
    let shown = Shown::of(&root, true, Sha256Digest::of(b"file"));
    let value = serde_json::to_value(&shown).unwrap();
    assert_eq!(value["version"], 3);
    assert_eq!(value["environment"], "test");
    assert_eq!(value["signed"], true);
    assert_eq!(value["trustDomain"], root.trust_domain);
    assert_eq!(value["fingerprint"], Sha256Digest::of(b"file").to_string());
    assert_eq!(value["rootKeys"][0], place.mesh.root_key().public_key().key_id().to_string());
    assert_eq!(value["meshCa"][0], Sha256Digest::of(&root.mesh_ca[0]).to_string());
    assert_eq!(value["signingKeys"][2]["use"], "layout");
    assert_eq!(value["revokedIdentities"], json!([]));
    let next = TrustRoot { version: 4, ..root };
    let next = place.write("next.json", &canonical::to_vec(&next).unwrap());
    let pinned = place.path("pinned.json");
    let pinned = pinned.to_str().unwrap();
    for format in ["text", "json"] {
        let show = |more: &[&str]| {
            aibom(&[&["--format", format, "trust-root", "show"], more].concat()).unwrap()
        };
        show(&[pinned]);
        show(&[&next]);
        show(&[pinned, "--fingerprint"]);
        show(&[&next, "--pinned", pinned]);
    }
    let garbage = place.write("garbage.json", b"garbage");
    assert_eq!(aibom(&["trust-root", "show", &garbage]).unwrap_err().exit().code(), 2);
}
