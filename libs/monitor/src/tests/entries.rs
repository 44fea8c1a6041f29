//! What a monitor says of single entries.

use super::*;

const OTHER: [u8; 32] = [4; 32];
/// What tags the entry of the test's bundle.
const BUNDLES: [u8; 32] = [8; 32];

#[test]
fn an_entry_of_mine_that_i_did_not_make_is_told_once() {
    let log = [entry("a", KEY, 1), entry("b", OTHER, 2), entry("c", KEY, 3)];
    let mut own = mine();
    own.made(commitment_of("a")).unwrap();
    let mut state = State::new();
    let found = round(&mut state, &log, &own).unwrap();
    let [Alert::NotMine { index: 2, commitment, .. }] = found.as_slice() else {
        unreachable!("{found:?}")
    };
    assert_eq!(*commitment, commitment_of("c"));
    assert_eq!(state.findings(), found);
    assert_eq!(round(&mut state, &log, &own), Ok(Vec::new()));
    // Others' entries are nobody's to whoever lacks their key.
    assert_eq!(round(&mut State::new(), &log, &Own::default()), Ok(Vec::new()));
}

#[test]
fn a_young_entry_is_given_time_to_become_known() {
    let patience = Patience::default();
    let age_s = patience.unknown_after_ms / 1_000;
    let log = [entry("a", KEY, 100_000 - age_s + 1)];
    let mut state = State::new();
    assert_eq!(round(&mut state, &log, &mine()), Ok(Vec::new()));
    let later = NOW.plus_ms(2_000);
    let mut known = state.clone();
    let mut own = mine();
    own.made(commitment_of("a")).unwrap();
    assert_eq!(known.settle(&own, later, patience), []);
    assert_eq!(known.settle(&mine(), later.plus_ms(1 << 40), patience), [], "settled for good");
    assert!(matches!(state.settle(&mine(), later, patience)[..], [Alert::NotMine { .. }]));
}

#[test]
fn times_backwards_and_documents_twice_are_told() {
    let log = [entry("a", KEY, 5), entry("b", OTHER, 4), entry("a", KEY, 6), entry("b", OTHER, 7)];
    let mut own = mine();
    own.made(commitment_of("a")).unwrap();
    let found = round(&mut State::new(), &log, &own).unwrap();
    let words: Vec<_> = found.iter().map(Alert::word).collect();
    assert_eq!(words, ["time-backwards", "duplicate"], "{found:?}");
    assert!(matches!(found[0], Alert::TimeBackwards { index: 1, .. }));
    assert!(matches!(found[1], Alert::Duplicate { first: 0, second: 2, .. }));
}

#[test]
fn what_is_no_entry_is_told_and_read_over() {
    let log = [entry("a", OTHER, 1), b"{}".to_vec(), entry("c", OTHER, 3)];
    let mut state = State::new();
    let found = round(&mut state, &log, &mine()).unwrap();
    assert!(matches!(found[..], [Alert::Unreadable { index: 1, .. }]), "{found:?}");
    assert_eq!(state.entries_read(), 3);
}

#[test]
fn a_proved_document_that_is_not_there_is_missing() {
    let fixture = testkit::evidence::Fixture::new();
    let bundle = testkit::bundle::bundle(&fixture);
    let policy = fixture.trust_root().log_policy().unwrap();
    let mut own = Own::new(vec![BUNDLES]).unwrap();
    own.proved(&bundle.attestation, &bundle.inclusion, &policy).unwrap().unwrap();
    assert!(own.proved(b"another", &bundle.inclusion, &policy).is_err());
    let elsewhere = [entry("a", OTHER, 1), entry("b", OTHER, 2), entry("c", OTHER, 3)];
    // The proof says place 2: with two entries nothing can be said yet.
    assert_eq!(round(&mut State::new(), &elsewhere[..2], &own), Ok(Vec::new()));
    let found = round(&mut State::new(), &elsewhere, &own).unwrap();
    assert!(matches!(found[..], [Alert::Missing { index: 2, .. }]), "{found:?}");
    let there = [elsewhere[0].clone(), elsewhere[1].clone(), bundle.inclusion.entry.clone()];
    assert_eq!(round(&mut State::new(), &there, &own), Ok(Vec::new()));
    let moved = [bundle.inclusion.entry, elsewhere[0].clone(), elsewhere[1].clone()];
    let found = round(&mut State::new(), &moved, &own).unwrap();
    assert!(found.iter().any(|alert| alert.word() == "missing"), "{found:?}");
}

#[test]
fn a_bundle_that_came_after_its_entry_was_read_is_missing_only_where_it_is_not() {
    let fixture = testkit::evidence::Fixture::new();
    let bundle = testkit::bundle::bundle(&fixture);
    let policy = fixture.trust_root().log_policy().unwrap();
    let others = [entry("a", OTHER, 1), entry("b", OTHER, 2)];
    let honest = [&others[..], std::slice::from_ref(&bundle.inclusion.entry)].concat();
    let lying = [&others[..], &[entry("c", OTHER, 3)]].concat();
    // Without a key nothing told it for mine then.
    let keys = [vec![], vec![BUNDLES]].into_iter();
    let rows =
        keys.flat_map(|keys| [(keys.clone(), &honest, None), (keys, &lying, Some("missing"))]);
    for (number, (keys, log, word)) in rows.enumerate() {
        let mut own = Own::new(keys).unwrap();
        let mut state = State::new();
        let mut found = round(&mut state, log, &own).unwrap();
        own.proved(&bundle.attestation, &bundle.inclusion, &policy).unwrap().unwrap();
        for _ in 0..2 {
            found.extend(round(&mut state, log, &own).unwrap());
            assert_eq!(state.untraced(&own), []);
        }
        assert_eq!(
            found.iter().map(Alert::word).collect::<Vec<_>>(),
            Vec::from_iter(word),
            "case {number}"
        );
    }
}

#[test]
fn a_document_of_mine_under_another_tag_is_told_once() {
    let fixture = testkit::evidence::Fixture::new();
    let bundle = testkit::bundle::bundle(&fixture);
    let policy = fixture.trust_root().log_policy().unwrap();
    let log = [entry("a", OTHER, 1), entry("b", OTHER, 2), bundle.inclusion.entry.clone()];
    let proving = |keys: &[[u8; 32]]| {
        let mut own = Own::new(keys.to_vec()).unwrap();
        own.proved(&bundle.attestation, &bundle.inclusion, &policy).unwrap().unwrap();
        own
    };
    let commitment = LedgerEntry::parse(&bundle.inclusion.entry).unwrap().commitment;
    let expected = Alert::OtherTag { index: 2, commitment };
    // Whether it was known when its entry was read, or came later.
    for first in [proving(&[KEY]), mine()] {
        let mut state = State::new();
        let mut found = round(&mut state, &log, &first).unwrap();
        found.extend(round(&mut state, &log, &proving(&[KEY])).unwrap());
        assert_eq!(found, std::slice::from_ref(&expected));
    }
    // It is under the key before this one, or there is no key to go by.
    for keys in [&[KEY, BUNDLES][..], &[]] {
        assert_eq!(round(&mut State::new(), &log, &proving(keys)), Ok(Vec::new()));
    }
    // So is one that is known without a proof.
    let mut own = mine();
    own.made(commitment_of("a")).unwrap();
    let found = round(&mut State::new(), &log, &own).unwrap();
    assert!(matches!(found[..], [Alert::OtherTag { index: 0, .. }]), "{found:?}");
}

#[test]
fn another_monitor_key_than_before_is_told_over_restarts() {
    let mut state = State::new();
    let mut told = |key: [u8; 32]| {
        let alert = state.hold_key(&key);
        state = State::parse(&state.to_bytes().unwrap(), &policy()).unwrap();
        alert.map(|alert| alert.word())
    };
    let keys = [KEY, KEY, OTHER, OTHER, KEY, OTHER];
    let changed = Some("key-changed");
    assert_eq!(keys.map(&mut told), [None, None, changed, None, changed, changed]);
}

#[test]
fn an_entry_out_of_turn_or_beyond_the_checkpoint_is_missing() {
    let log = [entry("a", OTHER, 1), entry("b", OTHER, 2)];
    let mut state = State::new();
    round(&mut state, &log, &mine()).unwrap();
    for index in [0, 2, 3] {
        let refused = *state.clone().read(index, &log[0], &mine()).unwrap_err();
        assert_eq!(refused, Alert::EntryMissing { index: 2, got: index });
    }
    let found = State::new().read(0, &log[0], &mine());
    assert!(found.is_err(), "no checkpoint, no entries");
}

#[test]
fn keys_and_documents_are_bounded() {
    assert_eq!(Own::new(vec![KEY; MAX_MONITOR_KEYS + 1]).unwrap_err(), OwnError::Keys);
    let mut own = mine();
    for number in 0..MAX_MADE {
        own.made(Sha256Digest::of(&number.to_be_bytes())).unwrap();
    }
    assert_eq!(own.made(Sha256Digest::of(b"one more")), Err(OwnError::Made));
    own.made(Sha256Digest::of(&0_usize.to_be_bytes())).unwrap();
}

#[test]
fn what_the_mesh_tells_settles_an_entry_and_nothing_keeps_it_open() {
    let origin = Origin {
        job: ids::JobId::new(1, [1; 10]),
        request: Sha256Digest::of(b"request"),
        what: "AIBoM".to_owned(),
    };
    let nothing = || Told::Nothing("away".to_owned());
    let not_mine = || Told::NotMine(origin.clone());
    // What is told in each round and how long after the entry was logged, the alerts that it comes to,
    // and whether the entry stays open.
    type Row<'a> = (&'a [(Told, i64)], &'a [&'a str], bool);
    let patience = Patience::default();
    let (young, old) = (patience.unknown_after_ms - 1, patience.unknown_after_ms);
    let rows: [Row<'_>; 6] = [
        (&[(Told::Mine, young)], &[], false),
        (&[(not_mine(), young)], &["not-mine"], false),
        (&[(nothing(), young), (Told::Mine, young)], &[], false),
        (&[(nothing(), young)], &[], true),
        (&[(nothing(), young), (nothing(), old), (nothing(), old)], &["unexplained"], true),
        (&[(nothing(), old), (not_mine(), old)], &["unexplained", "not-mine"], false),
    ];
    for (number, (told, words, stays_open)) in rows.into_iter().enumerate() {
        let own = mine().asking();
        let mut state = State::new();
        // Without an answer nothing is said of it, however old it is.
        assert_eq!(
            round(&mut state, &[entry("a", KEY, 1), entry("b", OTHER, 2)], &own),
            Ok(vec![])
        );
        let [open] = state.open(&own)[..] else { unreachable!("case {number}") };
        assert_eq!((open.index, open.commitment), (0, commitment_of("a")));
        let mut found = Vec::new();
        for (told, age_ms) in told {
            found.extend(state.tell(
                &open,
                told.clone(),
                open.logged_at.plus_ms(*age_ms),
                patience,
            ));
        }
        assert_eq!(found.iter().map(Alert::word).collect::<Vec<_>>(), words, "case {number}");
        assert_eq!(!state.open(&own).is_empty(), stays_open, "case {number}");
        let kept = State::parse(&state.to_bytes().unwrap(), &policy()).unwrap();
        assert_eq!(kept, state, "case {number}");
        let later = open.logged_at.plus_ms(old);
        let again = state.tell(&open, not_mine(), later, patience);
        assert_eq!(again.is_empty(), !stays_open, "case {number}: what is settled stays so");
    }
    let alert = Alert::NotMine {
        index: 3,
        commitment: commitment_of("a"),
        logged_at: NOW,
        origin: Some(origin.clone()),
    };
    let said = alert.to_string();
    assert!(said.contains(&origin.job.to_string()), "{said}");
    assert!(said.contains(&origin.request.to_string()), "{said}");
}

#[test]
fn what_is_known_is_not_asked_and_one_that_cannot_ask_says_so_itself() {
    let log = [entry("a", KEY, 1), entry("b", KEY, 2)];
    let mut own = mine().asking();
    own.made(commitment_of("a")).unwrap();
    let mut state = State::new();
    round(&mut state, &log, &own).unwrap();
    assert_eq!(state.open(&own).iter().map(|open| open.index).collect::<Vec<_>>(), [1]);
    let found = round(&mut state, &log, &mine()).unwrap();
    assert!(matches!(found[..], [Alert::NotMine { index: 1, origin: None, .. }]), "{found:?}");
}
