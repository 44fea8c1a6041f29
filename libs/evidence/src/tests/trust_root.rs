//! Reading a trust root, and what may take its place.

use ids::Timestamp;
use keys::{FileKey, SigningKey as _};
use testkit::evidence::Fixture;

use super::cross;
use crate::{
    KeyRefused, KeyUse, LogPinError, MAX_LOG_DELAY_MS, Revocation, TrustRoot, TrustRootError,
    UpdateError, WitnessEntry,
};

type Spoil = fn(&mut TrustRoot);

fn root() -> TrustRoot {
    cross(&Fixture::new().trust_root())
}

fn root_key() -> FileKey {
    let pem = keys::generate_ed25519(&[7; 32]).unwrap();
    FileKey::from_pem(&pem).unwrap()
}

/// A root that [`root_key`] may sign, and its file.
fn sealed(edit: impl FnOnce(&mut TrustRoot)) -> (TrustRoot, Vec<u8>) {
    let mut root = TrustRoot { root_keys: vec![root_key().public_key().to_pem()], ..root() };
    edit(&mut root);
    let bytes = root.seal(&root_key()).unwrap();
    (root, bytes)
}

#[test]
fn a_usable_root_is_read_with_and_without_a_final_newline() {
    let (root, mut bytes) = sealed(|_| {});
    assert_eq!(TrustRoot::parse(&bytes).unwrap(), root);
    bytes.push(b'\n');
    assert_eq!(TrustRoot::parse(&bytes).unwrap(), root);
    bytes.push(b'\n');
    assert!(matches!(TrustRoot::parse(&bytes), Err(TrustRootError::Envelope(_))));
    for usage in KeyUse::ALL {
        let (key, _) = root.keys(usage).next().unwrap();
        assert!(root.signing_key(usage, key.key_id()).is_some());
        for other in KeyUse::ALL.into_iter().filter(|other| *other != usage) {
            assert!(root.signing_key(other, key.key_id()).is_none(), "a {usage} key as {other}");
        }
    }
}

#[test]
fn an_unusable_member_is_named() {
    let rows: [(&str, Spoil); 9] = [
        ("version", |r| r.version = 0),
        ("rootKeys", |r| r.root_keys.push(r.root_keys[0].clone())),
        ("meshCa", |r| r.mesh_ca.clear()),
        ("meshCa", |r| r.mesh_ca = vec![Vec::new(); 17]),
        ("signingKeys", |r| r.signing_keys.clear()),
        ("signingKeys", |r| r.signing_keys[0].public_key = "x".into()),
        ("signingKeys", |r| r.signing_keys[1].public_key = r.signing_keys[0].public_key.clone()),
        ("signingKeys", |r| r.signing_keys[0].usage = KeyUse::Model),
        ("schema", |r| r.schema = "aibom.trust-root.v2".into()),
    ];
    for (member, spoil) in rows {
        let (_, bytes) = sealed(spoil);
        let got = match TrustRoot::parse(&bytes) {
            Err(TrustRootError::Member(name)) => name,
            Err(TrustRootError::Schema(_)) => "schema",
            other => unreachable!("{other:?}"),
        };
        assert_eq!(got, member);
    }
}

#[test]
fn what_cannot_be_used_of_the_log_is_said_with_the_witness_and_why() {
    let rows: [(&str, Spoil); 8] = [
        ("ledgerKey: ", |r| r.ledger_key = "x".into()),
        // The ledger's own key never counts as a witness', whatever it is called.
        ("witness 1, ", |r| r.witnesses[0].key = r.ledger_key.clone()),
        ("witness 2, \"x\": ", |r| {
            r.witnesses.push(WitnessEntry { key: "x".into(), retired_at: None });
        }),
        ("the key of witness.mesh.test is there twice", |r| {
            r.witnesses.push(r.witnesses[0].clone());
        }),
        ("the key of witness.mesh.test is there twice", |r| {
            // Retired and not: one key all the same.
            let retired_at = Some(r.issued_at);
            r.witnesses.push(WitnessEntry { retired_at, ..r.witnesses[0].clone() });
        }),
        ("16 witnesses that count, at most 15", |r| r.witnesses = vec![r.witnesses[0].clone(); 16]),
        ("a quorum of 2 cannot be reached by 1", |r| r.witness_quorum = 2),
        ("a quorum of 1 cannot be reached by 0", |r| {
            r.witnesses[0].retired_at = Some(r.issued_at);
        }),
    ];
    for (why, spoil) in rows {
        let (root, bytes) = sealed(spoil);
        let error = TrustRoot::parse(&bytes).unwrap_err();
        assert!(error.to_string().contains(why), "{why}: {error}");
        let TrustRootError::Log(pin) = error else { unreachable!("{error}") };
        assert_eq!(root.log_policy(), Err(pin));
    }
    let long = sealed(|r| r.witnesses[0].key = "\u{1b}".repeat(1_000)).0;
    let Err(LogPinError::Witness { key, .. }) = long.log_policy() else { unreachable!() };
    assert_eq!(key.len(), 64);
}

#[test]
fn a_retired_witness_is_named_and_counts_until_then() {
    let at = root().issued_at.plus_ms(999);
    let (root, bytes) = sealed(|r| {
        r.witnesses[0].retired_at = Some(at);
        r.witness_quorum = 0;
    });
    assert_eq!(TrustRoot::parse(&bytes).unwrap(), root);
    let policy = root.log_policy().unwrap();
    assert_eq!((policy.quorum(), policy.counting()), (0, 0));
    let witness = &policy.witnesses()[0];
    let second = u64::try_from(at.unix_ms()).unwrap() / 1_000;
    assert_eq!(witness.counts, merkle::checkpoint::Counts::Until(second));
    assert!(witness.counts_at(second) && !witness.counts_at(second + 1));
    assert_eq!(witness.key.to_string(), root.witnesses[0].key);
    // Of one whose key was stolen nothing counts: not even what says the epoch itself.
    let stolen = sealed(|r| {
        r.witnesses[0].retired_at = Some(ids::Timestamp::from_unix_ms(0));
        r.witness_quorum = 0;
    });
    assert!(!stolen.0.log_policy().unwrap().witnesses()[0].counts_at(0));
    // One that counts has no such member at all.
    let counting = sealed(|_| {}).0;
    assert!(
        !String::from_utf8(ids::canonical::to_vec(&counting).unwrap()).unwrap().contains("retired")
    );
}

#[test]
fn a_file_that_no_root_key_of_its_own_signed_is_refused() {
    let stranger = FileKey::from_pem(&keys::generate_ed25519(&[8; 32]).unwrap()).unwrap();
    let (root, bytes) = sealed(|_| {});
    let bad = root.seal(&stranger).unwrap();
    assert!(matches!(TrustRoot::parse(&bad), Err(TrustRootError::Signer)));
    for position in (0..bytes.len()).step_by(7) {
        let mut bad = bytes.clone();
        bad[position] ^= 1;
        assert!(TrustRoot::parse(&bad).is_err(), "byte {position}");
    }
}

#[test]
fn only_a_newer_root_of_the_same_mesh_and_signer_succeeds() {
    let (pinned, same) = sealed(|r| r.version = 5);
    assert_eq!(pinned.succeed(&same).unwrap(), pinned);
    let (newer, bytes) = sealed(|r| r.version = 9);
    assert_eq!(pinned.succeed(&bytes).unwrap(), newer);
    let refused = |edit: fn(&mut TrustRoot)| pinned.succeed(&sealed(edit).1).unwrap_err();
    let rollback = refused(|r| r.version = 4);
    assert!(matches!(rollback, UpdateError::Rollback { pinned: 5, offered: 4 }));
    let fork = refused(|r| {
        r.version = 5;
        r.signing_keys.truncate(1);
    });
    assert!(matches!(fork, UpdateError::Fork(5)));
    let other = refused(|r| {
        r.version = 6;
        r.trust_domain = "other.test".into();
    });
    assert!(matches!(other, UpdateError::OtherMesh(_)));

    let stranger = FileKey::from_pem(&keys::generate_ed25519(&[8; 32]).unwrap()).unwrap();
    let (mut next, _) = sealed(|r| r.version = 6);
    next.root_keys = vec![stranger.public_key().to_pem()];
    let bytes = next.seal(&stranger).unwrap();
    let error = pinned.succeed(&bytes).unwrap_err();
    assert!(matches!(error, UpdateError::Signer { pinned: 5, offered: 6 }));
}

#[test]
fn a_new_root_key_comes_in_first_and_the_old_one_goes_then() {
    let stranger = FileKey::from_pem(&keys::generate_ed25519(&[8; 32]).unwrap()).unwrap();
    let (first, _) = sealed(|_| {});
    let (both, bytes) = sealed(|r| {
        r.version = 2;
        r.root_keys.push(stranger.public_key().to_pem());
    });
    assert_eq!(first.succeed(&bytes).unwrap(), both);
    let (mut last, _) = sealed(|r| r.version = 3);
    last.root_keys = vec![stranger.public_key().to_pem()];
    assert_eq!(both.succeed(&last.seal(&stranger).unwrap()).unwrap(), last);
}

#[test]
fn a_revoked_key_counts_for_what_was_logged_before() {
    let (mut root, _) = sealed(|_| {});
    let at = Fixture::new().at();
    let entry = &mut root.signing_keys[0];
    let count = |entry: &crate::KeyEntry, signed: i64, logged: i64| {
        entry.counts(at.plus_ms(signed), Some(at.plus_ms(logged)))
    };
    assert_eq!(count(entry, 0, 0), Ok(()));
    entry.revoked = Some(Revocation { since: at.plus_ms(100), reason: "stolen".into() });
    assert_eq!(count(entry, 0, 99), Ok(()));
    assert!(matches!(count(entry, 0, 100), Err(KeyRefused::Revoked { .. })), "backdated");
    assert!(matches!(count(entry, 100, 100), Err(KeyRefused::Revoked { .. })));
    assert!(matches!(entry.counts(at, None), Err(KeyRefused::NotLogged { .. })));
    let late = MAX_LOG_DELAY_MS + 1;
    entry.revoked = None;
    assert!(matches!(count(entry, 0, late), Err(KeyRefused::LoggedLate { .. })));
    let until: Timestamp = entry.valid_until;
    assert!(matches!(entry.may_sign(until.plus_ms(1)), Err(KeyRefused::Time { .. })));
}

#[test]
fn the_newest_key_that_may_sign_comes_first() {
    let at = Fixture::new().at();
    let (mut root, _) = sealed(|_| {});
    let old = root.keys(KeyUse::Aibom).next().unwrap().0;
    let mut next = root.signing_keys[0].clone();
    next.public_key = root_key().public_key().to_pem();
    next.valid_from = at;
    root.signing_keys.push(next);
    let first = |root: &TrustRoot, at| root.current_keys(KeyUse::Aibom, at)[0].0.key_id();
    assert_eq!(first(&root, at.plus_ms(-1)), old.key_id());
    assert_eq!(first(&root, at), root_key().public_key().key_id());
    root.signing_keys.last_mut().unwrap().revoked =
        Some(Revocation { since: at, reason: "lost".into() });
    assert_eq!(first(&root, at), old.key_id());
}
