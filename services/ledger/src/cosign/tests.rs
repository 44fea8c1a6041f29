//! Witnesses over real sockets: honest, ahead, away, slow and lying.

mod stub;

use std::{path::Path, sync::Arc};

use keys::FileKey;
use merkle::SignedCheckpoint;
use store::Durable;

use super::{CosignConfig, CosignConfigError, CosignError, Cosigners, WitnessConfig};
use crate::{
    Log, NotCosigned, Shows, SignKey, TABLES,
    witnessing::{FirstRoundError, first_round},
};
use stub::{Behaviour, StubWitness, log_note, tree};

fn config(witnesses: &[&StubWitness], quorum: usize) -> CosignConfig {
    CosignConfig {
        witnesses: witnesses.iter().map(|witness| witness.config()).collect(),
        quorum: Some(quorum),
        ca: "/nowhere".into(),
        deadline_ms: 20_000,
        request_timeout_ms: 10_000,
    }
}

fn cosigners(witnesses: &[&StubWitness], quorum: usize) -> Cosigners {
    Cosigners::new(&config(witnesses, quorum)).unwrap()
}

/// Has the first `size` leaves of a branch cosigned.
async fn cosign(cosigners: &Cosigners, branch: u8, size: u64) -> Result<String, CosignError> {
    let tree = tree(branch);
    let note = log_note(&tree, size);
    let proof = move |old| tree.consistency(old, size).ok();
    cosigners.cosign(&note, size, &proof).await
}

/// The same for a ledger that starts.
async fn first(
    cosigners: &Cosigners,
    branch: u8,
    size: u64,
) -> Result<Option<String>, CosignError> {
    let tree = tree(branch);
    let note = log_note(&tree, size);
    let proof = move |old| tree.consistency(old, size).ok();
    cosigners.first(&note, size, &proof).await
}

/// Who cosigned, in the order of the lines.
fn signers(note: &str) -> Vec<String> {
    let parsed = SignedCheckpoint::parse(note).unwrap();
    parsed.signatures().iter().skip(1).map(|line| line.name.clone()).collect()
}

#[tokio::test]
async fn every_witness_cosigns_a_log_that_grows() {
    let (a, b) = (StubWitness::start("a", 1).await, StubWitness::start("b", 2).await);
    let cosigners = cosigners(&[&b, &a], 2);
    assert_eq!(cosigners.quorum(), 2);
    for size in [0, 1, 7, 7, 20] {
        let note = cosign(&cosigners, 0, size).await.unwrap();
        assert_eq!(signers(&note), ["b", "a"], "in the order of the configuration");
        let parsed = SignedCheckpoint::parse(&note).unwrap();
        assert!(parsed.cosigned(&a.key()).is_ok() && parsed.cosigned(&b.key()).is_ok());
        assert_eq!(cosigners.collected(size), Some(note));
    }
    assert_eq!((a.asked(), b.asked()), (5, 5), "the sizes are known: nobody is asked twice");
}

#[tokio::test]
async fn a_ledger_that_starts_again_is_told_the_size() {
    let witness = StubWitness::start("a", 1).await;
    cosign(&cosigners(&[&witness], 1), 0, 7).await.unwrap();
    let restarted = cosigners(&[&witness], 1);
    assert_eq!(signers(&cosign(&restarted, 0, 20).await.unwrap()), ["a"]);
    assert_eq!(witness.asked(), 3);
}

#[tokio::test]
async fn a_log_that_was_rolled_back_is_stopped_for_good() {
    let witness = StubWitness::start("a", 1).await;
    cosign(&cosigners(&[&witness], 1), 0, 20).await.unwrap();
    let restored = cosigners(&[&witness], 1);
    let ahead = CosignError::Ahead { witness: "a".into(), size: 20 };
    assert_eq!(cosign(&restored, 0, 7).await, Err(ahead.clone()));
    assert!(ahead.stops_the_ledger() && ahead.to_string().contains("rolled back"));
    assert_eq!(cosign(&restored, 0, 20).await, Err(ahead), "only a person can tell what is right");
}

#[tokio::test]
async fn a_fork_is_stopped_at_the_same_size_and_at_a_larger_one() {
    let witness = StubWitness::start("a", 1).await;
    cosign(&cosigners(&[&witness], 1), 0, 9).await.unwrap();
    for size in [9, 20] {
        let forked = cosign(&cosigners(&[&witness], 1), 1, size).await.unwrap_err();
        assert_eq!(forked, CosignError::Forked { witness: "a".into(), size: 9 });
        assert!(forked.stops_the_ledger());
    }
}

#[tokio::test]
async fn a_quorum_is_enough_and_one_that_is_missing_says_why() {
    let witness = StubWitness::start("a", 1).await;
    let away = StubWitness::away("away", 2);
    let enough = cosigners(&[&away, &witness], 1);
    assert_eq!(signers(&cosign(&enough, 0, 5).await.unwrap()), ["a"]);
    let impatient = CosignConfig { deadline_ms: 2_000, ..config(&[&away, &witness], 2) };
    let error = cosign(&Cosigners::new(&impatient).unwrap(), 0, 6).await.unwrap_err();
    let CosignError::Quorum { wanted: 2, got: 1, causes } = &error else { panic!("{error}") };
    assert_eq!(causes.keys().collect::<Vec<_>>(), ["away"]);
    assert!(causes["away"].contains("cannot connect to http://127.0.0.1:"), "{error}");
    assert!(!error.stops_the_ledger());
}

#[tokio::test]
async fn a_checkpoint_without_its_quorum_is_given_to_nobody() {
    let (witness, away) = (StubWitness::start("a", 1).await, StubWitness::away("away", 2));
    let config = CosignConfig { deadline_ms: 2_000, ..config(&[&away, &witness], 2) };
    let cosigners = Cosigners::new(&config).unwrap();
    assert!(cosign(&cosigners, 0, 6).await.is_err());
    assert_eq!((witness.asked(), cosigners.collected(6)), (1, None));
}

#[tokio::test]
async fn one_witness_alone_does_not_stop_what_goes_on_without_it() {
    let all = [("a", 1), ("b", 2), ("c", 3)]
        .map(|(name, seed)| StubWitness::with(name, seed, Behaviour::Honest));
    let [a, b, c] = &all;
    cosign(&cosigners(&[a], 1), 1, 20).await.unwrap();
    let majority = cosigners(&[a, b, c], 2);
    for size in [7, 9] {
        let note = cosign(&majority, 0, size).await.unwrap();
        assert_eq!(signers(&note), ["b", "c"], "a says that it is ahead");
    }
    // Of two that know another history, no quorum is left.
    cosign(&cosigners(&[b], 1), 0, 20).await.unwrap();
    let mut halted = cosign(&majority, 0, 12).await;
    // The quorum's call may end before both were heard.
    while !halted.as_ref().is_err_and(CosignError::stops_the_ledger) {
        halted = cosign(&majority, 0, 12).await;
    }
    assert!(matches!(halted, Err(CosignError::Ahead { size: 20, .. })), "{halted:?}");
}

#[tokio::test]
async fn a_witness_without_a_proof_holds_nobody_up() {
    let (a, b) = (StubWitness::start("a", 1).await, StubWitness::start("b", 2).await);
    cosign(&cosigners(&[&a], 1), 0, 7).await.unwrap();
    let both = cosigners(&[&a, &b], 1);
    let note = log_note(&tree(0), 20);
    // The tree cannot answer from the size that one of them names.
    let cosigned = both.cosign(&note, 20, &|_| None).await.unwrap();
    assert_eq!(signers(&cosigned), ["b"]);
}

#[tokio::test]
async fn a_restored_backup_is_found_out_though_a_quorum_would_cosign_it() {
    let quick = StubWitness::start("quick", 1).await;
    let held =
        [("b", 2), ("c", 3)].map(|(name, seed)| StubWitness::with(name, seed, Behaviour::Held));
    let [b, c] = &held;
    cosign(&cosigners(&[&quick], 1), 0, 7).await.unwrap();
    for ahead in [b, c] {
        ahead.release();
        cosign(&cosigners(&[ahead], 1), 0, 20).await.unwrap();
    }
    let restored = cosigners(&[&quick, b, c], 1);
    let (found, ()) = tokio::join!(first(&restored, 0, 7), async {
        while quick.asked() < 2 || b.asked() < 2 {
            tokio::task::yield_now().await;
        }
        b.release();
    });
    assert_eq!(found, Err(CosignError::Ahead { witness: "b".into(), size: 20 }));
    c.release();
}

/// The empty log that a ledger begins where its state directory is empty.
fn begun(state: &Path) -> Arc<Log> {
    let store = Durable::open_with_reserve(state.join("ledger.redb"), TABLES, 0).unwrap();
    let pem = keys::generate_ed25519(&[stub::LOG_SEED; 32]).unwrap();
    let key = SignKey::new(FileKey::from_pem(&pem).unwrap(), stub::ORIGIN).unwrap();
    Arc::new(Log::replay(store, key, Shows::Cosigned).unwrap())
}

#[tokio::test]
async fn a_state_that_was_lost_is_found_out_though_a_new_witness_would_cosign_an_empty_log() {
    let (knows, new) = (StubWitness::start("knows", 1).await, StubWitness::start("new", 2).await);
    cosign(&cosigners(&[&knows], 1), 0, 7).await.unwrap();
    let (state, both) = (tempfile::tempdir().unwrap(), cosigners(&[&knows, &new], 1));
    let found = first_round(&begun(state.path()), &both).await.unwrap_err();
    let FirstRoundError::Witnesses(NotCosigned::Diverged(error)) = &found else {
        panic!("{found}")
    };
    assert!(error.to_string().contains("the witness knows has cosigned 7 entries"), "{error}");
}

#[tokio::test]
async fn a_log_that_begins_is_cosigned_before_it_is_shown() {
    let (a, b) = (StubWitness::start("a", 1).await, StubWitness::start("b", 2).await);
    let state = tempfile::tempdir().unwrap();
    let (log, both) = (begun(state.path()), cosigners(&[&a, &b], 2));
    assert!(!both.has_quorum(&log.shown().note));
    assert_eq!(first_round(&log, &both).await.unwrap(), Some(0));
    assert_eq!(signers(&log.shown().note), ["a", "b"]);
    assert!(both.has_quorum(&log.shown().note) && log.shown.borrow().counts);
    let other = StubWitness::away("b", 3);
    assert!(!cosigners(&[&a, &other], 2).has_quorum(&log.shown().note), "by another key");
}

#[tokio::test]
async fn a_start_waits_until_enough_have_answered_and_needs_no_more() {
    let (a, b) = (StubWitness::start("a", 1).await, StubWitness::with("b", 2, Behaviour::Held));
    let away = StubWitness::away("away", 3);
    let patient = CosignConfig { deadline_ms: 300, ..config(&[&a, &b, &away], 2) };
    let patient = CosignConfig { request_timeout_ms: 200, ..patient };
    let starting = Cosigners::new(&patient).unwrap();
    let (note, ()) = tokio::join!(first(&starting, 0, 7), async {
        while b.asked() < 3 {
            tokio::task::yield_now().await;
        }
        (0..100).for_each(|_| b.release());
    });
    assert_eq!(signers(&note.unwrap().unwrap()), ["a", "b"]);
    assert!(a.asked() > 1, "it was asked again");
    // Of three that must all cosign, one that answered shows what all of them saw.
    let all = Cosigners::new(&CosignConfig { quorum: Some(3), ..patient }).unwrap();
    assert_eq!(first(&all, 0, 7).await, Ok(None));
    assert_eq!(first(&cosigners(&[], 0), 0, 7).await, Ok(Some(log_note(&tree(0), 7))));
}

#[tokio::test]
async fn what_a_lying_witness_says_does_not_count() {
    let mut lies = tokio::task::JoinSet::new();
    let all =
        [Behaviour::OtherKey, Behaviour::OtherCheckpoint, Behaviour::Nothing, Behaviour::Long];
    for lie in all {
        lies.spawn(async move {
            let honest = StubWitness::start("honest", 1).await;
            let liar = StubWitness::lying("liar", 2, lie).await;
            let config = CosignConfig { deadline_ms: 2_000, ..config(&[&liar, &honest], 2) };
            let error = cosign(&Cosigners::new(&config).unwrap(), 0, 5).await.unwrap_err();
            let CosignError::Quorum { got: 1, causes, .. } = &error else {
                panic!("{lie:?}: {error}")
            };
            assert!(causes.contains_key("liar"), "{lie:?}: {error}");
        });
    }
    while let Some(told) = lies.join_next().await {
        told.unwrap();
    }
}

#[tokio::test]
async fn a_slow_witness_holds_nobody_up_and_its_cosignature_is_collected_later() {
    let quick = StubWitness::start("quick", 1).await;
    let slow = StubWitness::lying("slow", 2, Behaviour::Held).await;
    let cosigners = cosigners(&[&slow, &quick], 1);
    assert_eq!(signers(&cosign(&cosigners, 0, 5).await.unwrap()), ["quick"]);
    assert_eq!(cosigners.collected(6), None);
    slow.release();
    while signers(&cosigners.collected(5).unwrap()) != ["slow", "quick"] {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn without_witnesses_the_log_stands_alone() {
    let alone = cosigners(&[], 0);
    let note = log_note(&tree(0), 5);
    assert_eq!(alone.cosign(&note, 5, &|_| None).await.unwrap(), note);
    assert_eq!(alone.quorum(), 0);
}

#[tokio::test]
async fn a_proof_that_cannot_be_made_is_an_error_of_our_own() {
    let witness = StubWitness::start("a", 1).await;
    cosign(&cosigners(&[&witness], 1), 0, 7).await.unwrap();
    let note = log_note(&tree(0), 20);
    let error = cosigners(&[&witness], 1).cosign(&note, 20, &|_| None).await;
    assert_eq!(error, Err(CosignError::Proof { old: 7, size: 20 }));
}

#[tokio::test]
async fn a_configuration_that_cannot_hold_is_refused() {
    let (a, b) = (StubWitness::away("a", 1), StubWitness::away("b", 2));
    let refused = |config: &CosignConfig| Cosigners::new(config).unwrap_err();
    let twice = refused(&config(&[&a, &a], 1));
    assert!(matches!(twice, CosignConfigError::Twice(_)), "{twice}");
    let same_key = StubWitness::away("c", 1);
    assert!(matches!(refused(&config(&[&a, &same_key], 1)), CosignConfigError::Twice(_)));
    let quorum = refused(&config(&[&a, &b], 3));
    assert!(matches!(quorum, CosignConfigError::Quorum { quorum: 3, witnesses: 2 }), "{quorum}");
    let with = |witness: WitnessConfig| {
        refused(&CosignConfig { witnesses: vec![witness], ..config(&[], 1) })
    };
    let said = a.config();
    let log_key = WitnessConfig { key: "log+00000000+AQ==".into(), ..said.clone() };
    assert!(matches!(with(log_key), CosignConfigError::Key { .. }));
    let ftp = WitnessConfig { url: "ftp://a".into(), ..said.clone() };
    assert!(matches!(with(ftp), CosignConfigError::Url(_)));
    let https = WitnessConfig { url: "https://a".into(), ..said };
    let roots = with(https);
    assert!(matches!(roots, CosignConfigError::Roots(_)) && roots.to_string().contains("/nowhere"));
}

#[test]
fn the_configuration_file_names_witnesses_and_quorum() {
    let (identity, witness) = (
        "[identity]\ncertificate = 'c'\nkey = 'k'\nca = 'mesh-ca.pem'\n",
        "[[witness]]\nkey = 'w+1+A'\nurl = 'https://w'\n",
    );
    let read = |top: &str, rest: &str| {
        let text = format!("state_dir = 's'\nkey = 'k'\n{top}\n{identity}{rest}");
        toml::from_str::<crate::Config>(&text).map(|config| config.cosign())
    };
    let alone = read("", "").unwrap();
    assert_eq!((alone.witnesses.len(), alone.quorum(0).unwrap()), (0, 0));
    let one = read("", witness).unwrap();
    assert_eq!((&*one.witnesses[0].url, one.quorum(1).unwrap()), ("https://w", 1));
    assert_eq!(one.ca, std::path::Path::new("mesh-ca.pem"));
    let two = read("quorum = 2", &witness.repeat(2)).unwrap();
    assert_eq!((two.witnesses.len(), two.quorum(2).unwrap()), (2, 2));
    assert!(read("", "[[witness]]\nkey = 'w'\nurl = 'u'\nuri = 'x'\n").is_err());
}
