//! Witnesses of a trust root: added, retired, counted, and never dropped.

use super::*;

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
