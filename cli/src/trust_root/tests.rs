//! A trust root is signed for what it follows, and pinned only in the place of an older one.

use std::path::PathBuf;

use clap::Parser as _;
use evidence::{Environment, TrustRoot};
use ids::canonical;
use testkit::mesh::Mesh;

use evidence::Revocation;

use super::{show::Shown, *};
use crate::arguments::Arguments;

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

/// The trust root of a mesh's directory, which [`Place`] keeps under another name.
fn in_place(place: &Place) -> (String, String) {
    place.write("trust-root.json", &place.mesh.seal_root(&place.pinned()));
    (
        place.directory.path().to_str().unwrap().to_owned(),
        place.path("trust-root.next.json").to_str().unwrap().to_owned(),
    )
}

fn cosigner(name: &str, seed: u8) -> String {
    let pem = ::keys::generate_ed25519(&[seed; 32]).unwrap();
    let key = ::keys::FileKey::from_pem(&pem).unwrap();
    CosignerKey::new(name, key.as_ed25519().unwrap().verifying_key()).unwrap().to_string()
}

#[test]
fn witnesses_are_added_and_retired_and_the_quorum_is_set() {
    let place = Place::new();
    let (dir, next) = in_place(&place);
    let at = |arguments: &[&str]| aibom(&[&["trust-root"], arguments, &["--dir", &dir]].concat());
    let draft = || TrustRoot::parse_unsigned(&std::fs::read(&next).unwrap()).unwrap();
    let key = cosigner("w.example", 3);
    at(&["add-witness", &key, "--quorum", "2"]).unwrap();
    assert_eq!((draft().witnesses.len(), draft().witness_quorum), (2, 2));
    at(&["retire-witness", "witness.mesh.test", "--quorum", "1"]).unwrap();
    let retired: Vec<_> = draft().witnesses.iter().map(|w| w.retired_at.is_some()).collect();
    assert_eq!((retired, draft().witness_quorum), (vec![true, false], 1));
    at(&["set-quorum", "0"]).unwrap();
    assert_eq!(draft().witness_quorum, 0);
    place.sign(&draft()).unwrap();
    // A retired one comes back under its key.
    let back = place.pinned().witnesses[0].key.clone();
    at(&["add-witness", &back]).unwrap();
    assert!(draft().witnesses.iter().all(|w| w.retired_at.is_none()));
}

#[test]
fn a_witness_is_retired_at_a_time_that_only_moves_back() {
    let place = Place::new();
    let (dir, next) = in_place(&place);
    let retire = |at: Timestamp| {
        let at = at.to_string();
        let name = ["retire-witness", "witness.mesh.test", "--quorum", "0", "--at", &at];
        aibom(&[&["trust-root"], &name[..], &["--dir", &dir]].concat())
    };
    let draft = || TrustRoot::parse_unsigned(&std::fs::read(&next).unwrap()).unwrap();
    let (early, late) = (now().plus_ms(-DAY_MS), now());
    retire(late).unwrap();
    assert_eq!(draft().witnesses[0].retired_at, Some(late));
    assert!(
        changes(&place.pinned(), &draft()).iter().any(|line| line.contains("is retired since"))
    );
    retire(early).unwrap();
    assert_eq!(draft().witnesses[0].retired_at, Some(early));
    for again in [early, late] {
        let failure = retire(again).unwrap_err();
        assert!(failure.to_string().contains("is retired already"), "{failure}");
    }
    let mut later = draft();
    later.witnesses[0].retired_at = Some(late);
    let lines = changes(&draft(), &later);
    assert!(lines.iter().any(|line| line.contains(&format!("not since {early}"))), "{lines:?}");
}

#[test]
fn a_bundle_of_before_verifies_after_its_only_witness_was_replaced() {
    let fixture = testkit::evidence::Fixture::new();
    let bundle = testkit::bundle::bundle(&fixture);
    let root = fixture.trust_root();
    let cosigned = |root: &TrustRoot| {
        bundle.inclusion.check(&bundle.attestation, &root.log_policy().unwrap()).map(|_| ())
    };
    let time = bundle.inclusion.check(&bundle.attestation, &root.log_policy().unwrap());
    let seconds = i64::try_from(time.unwrap().cosigned()[0].time).unwrap();
    let time = Timestamp::from_unix_ms(seconds * 1_000);
    let replaced = |at: Timestamp| {
        let next = witnesses::retire(&root, "witness.mesh.test", at).unwrap();
        let other = cosigner("w.example", 3).parse().unwrap();
        witnesses::with_quorum(witnesses::add(&next, &other).unwrap(), Some(1)).unwrap()
    };
    cosigned(&replaced(time)).unwrap();
    cosigned(&replaced(time.plus_ms(1))).unwrap();
    // Its key was lost before it cosigned this.
    let failure = cosigned(&replaced(time.plus_ms(-1))).unwrap_err();
    assert!(failure.to_string().starts_with("ledger.witnesses"), "{failure}");
    let early = replaced(Timestamp::from_unix_ms(0));
    assert!(witnesses::narrower(&root, &early, time).is_some());
    let raised = TrustRoot { witness_quorum: 2, ..root.clone() };
    assert!(witnesses::narrower(&root, &raised, time).is_some());
    assert!(witnesses::narrower(&root, &replaced(time), time).is_none());
}

#[test]
fn a_quorum_that_does_not_exclude_a_split_view_is_warned_of() {
    let root = Place::new().pinned();
    assert_eq!(witnesses::split_view(&root), None);
    let shown = serde_json::to_value(Shown::of(&root, true, Sha256Digest::of(b""))).unwrap();
    assert_eq!(
        (&shown["excludesSplitView"], &shown["witnessesCounting"]),
        (&json!(true), &json!(1))
    );
    let two = witnesses::add(&root, &cosigner("w.example", 3).parse().unwrap()).unwrap();
    let warning = witnesses::split_view(&two).unwrap();
    assert!(warning.contains("1 of 2") && warning.contains("set-quorum 2"), "{warning}");
    let shown = serde_json::to_value(Shown::of(&two, true, Sha256Digest::of(b""))).unwrap();
    assert_eq!(shown["excludesSplitView"], false);
    let enough = witnesses::with_quorum(two, Some(2)).unwrap();
    assert_eq!(witnesses::split_view(&enough), None);
    let nobody = TrustRoot { witnesses: Vec::new(), witness_quorum: 0, ..root };
    assert!(witnesses::split_view(&nobody).unwrap().contains("name a witness"));
}

#[test]
fn witnesses_that_make_no_policy_are_refused() {
    let place = Place::new();
    let (dir, next) = in_place(&place);
    let mine = place.pinned().witnesses[0].key.clone();
    let ledger = place.mesh.ledger_verifier_key();
    let ledger = CosignerKey::new("w2", *ledger.public_key()).unwrap().to_string();
    let renamed: CosignerKey = mine.parse().unwrap();
    let renamed = CosignerKey::new("other", *renamed.public_key()).unwrap().to_string();
    for (arguments, why) in [
        (&["add-witness", &mine][..], "a witness already"),
        (&["add-witness", &ledger], "is there twice"),
        (&["add-witness", &renamed], "is there twice"),
        (&["set-quorum", "2"], "cannot be reached"),
        (&["retire-witness", "witness.mesh.test"], "cannot be reached"),
        (&["retire-witness", "nobody"], "names no witness"),
    ] {
        let all = [&["trust-root"], arguments, &["--dir", &dir]].concat();
        let failure = aibom(&all).unwrap_err();
        assert_eq!(failure.exit().code(), 1, "{failure}");
        assert!(failure.to_string().contains(why), "{why}: {failure}");
        assert!(!std::path::Path::new(&next).exists(), "{why}");
    }
    // A key that is none does not reach the command.
    let stray = ["aibom", "trust-root", "add-witness", "x", "--dir", &dir];
    assert!(Arguments::try_parse_from(stray).is_err());
    let log_key = place.pinned().ledger_key;
    let of_a_log = ["aibom", "trust-root", "add-witness", &log_key, "--dir", &dir];
    assert!(Arguments::try_parse_from(of_a_log).is_err());
}

#[test]
fn witnesses_can_be_replaced_however_often() {
    let root = Place::new().pinned();
    let other = |seed| cosigner(&format!("w{seed}.example"), seed).parse().unwrap();
    let full = (2..16).fold(root, |root, seed| witnesses::add(&root, &other(seed)).unwrap());
    let full = witnesses::with_quorum(full, None).unwrap();
    let one_more = witnesses::add(&full, &other(16)).unwrap();
    let failure = witnesses::with_quorum(one_more, None).unwrap_err().to_string();
    assert!(failure.contains("at most 15") && failure.contains("retire-witness"), "{failure}");
    let mut last = full;
    for seed in 16..32 {
        let out = format!("w{}.example", seed - 14);
        let retired = witnesses::retire(&last, &out, now()).unwrap();
        let next = witnesses::add(&retired, &other(seed)).unwrap();
        last = witnesses::with_quorum(next, None).unwrap();
    }
    assert_eq!(last.log_policy().unwrap().counting(), 15);
}

#[test]
fn a_witness_is_retired_and_never_dropped() {
    let place = Place::new();
    let mut next = TrustRoot { version: 4, witness_quorum: 0, ..place.pinned() };
    next.witnesses[0].retired_at = Some(now());
    place.sign(&next).unwrap();
    next.witnesses.clear();
    let failure = place.sign(&next).unwrap_err();
    assert!(failure.to_string().contains("dropped rather than retired"), "{failure}");
}

#[test]
fn the_log_policy_is_the_roots_own() {
    let root = Place::new().pinned();
    let text = witnesses::policy(&root).unwrap().to_string();
    assert_eq!(text.parse::<merkle::LogPolicy>().unwrap(), root.log_policy().unwrap());
    assert!(text.ends_with("group counting 1 w1\nquorum counting\n"), "{text}");
}
