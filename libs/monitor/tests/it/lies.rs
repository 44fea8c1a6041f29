//! Logs that lie: who catches which lie, and by what name.

use ids::Timestamp;
use merkle::{LogPolicy, SignedCheckpoint};
use monitor::{Alert, Judged, Own, Patience, State};
use testkit::{
    bundle::{LOG_DELAY_MS, bundle},
    evidence::Fixture,
    lying_log::{Lie, LyingLog, SEEN, Shown, WHOLE},
};
use witness::{Cosignable, Logs, Refusal, Request, decide};

const DAY_MS: i64 = 86_400_000;

/// A log with the fixture's attestation in the place that the lie is about.
fn with_log<T>(lie: Lie, then: impl FnOnce(&LyingLog<'_>, ::bundle::Bundle, &Fixture) -> T) -> T {
    let fixture = Fixture::new();
    let bundle = bundle(&fixture);
    let began = fixture.at().plus_ms(LOG_DELAY_MS);
    let log = LyingLog::new(fixture.mesh(), &bundle.attestation, lie.about(), began);
    then(&log, bundle, &fixture)
}

/// The checks of `aibom verify` that fail on a bundle under what is shown.
fn verifier(lie: Lie) -> Vec<String> {
    with_log(lie, |log, mut bundle, fixture| {
        bundle.inclusion = log.inclusion(&log.tell(lie, false), lie.about());
        let root = fixture.trust_root();
        let verdict = verify::verify_bundle(&bundle.to_bytes().unwrap(), &root);
        assert!(!verdict.is_verified(), "{lie:?}");
        let failed = verdict.checks.as_slice().iter().filter(|check| !check.passed);
        failed.map(|check| check.name.clone()).collect()
    })
}

/// One round of a monitor.
fn round(
    state: &mut State,
    shown: &Shown,
    policy: &LogPolicy,
    now: Timestamp,
) -> Result<Vec<Alert>, Box<Alert>> {
    let own = Own::default();
    if let Judged::Grown(grown) = state.judge(&shown.note, policy, now, Patience::default())? {
        let proof = shown.consistency(grown.old_size());
        state.accept(*grown, &proof)?;
    }
    let mut found = Vec::new();
    let read = usize::try_from(state.entries_read()).unwrap();
    for (index, entry) in (0..).zip(&shown.entries).skip(read) {
        found.extend(state.read(index, entry, &own)?);
    }
    found.extend(state.settle(&own, now, Patience::default()));
    Ok(found)
}

/// The alert of a monitor that has seen [`SEEN`] entries in honest times.
fn monitor(lie: Lie, collude: bool) -> Alert {
    with_log(lie, |log, _, fixture| {
        let policy = fixture.trust_root().log_policy().unwrap();
        let (mut state, now) = (State::new(), log.at(WHOLE));
        assert_eq!(round(&mut state, &log.honest(SEEN), &policy, now), Ok(Vec::new()));
        let later = if lie == Lie::Stale { now.plus_ms(DAY_MS) } else { now };
        let alert = round(&mut state, &log.tell(lie, collude), &policy, later);
        *alert.unwrap_err()
    })
}

/// What a witness says that has cosigned [`SEEN`] entries, or all where the log is stale.
fn witness(lie: Lie) -> Result<Cosignable, Refusal> {
    with_log(lie, |log, _, fixture| {
        let cosigned = log.honest(if lie == Lie::Stale { WHOLE } else { SEEN });
        let cosigned = SignedCheckpoint::parse(&cosigned.note).unwrap().unverified().clone();
        let shown = log.tell(lie, false);
        let old = cosigned.size.min(shown.tree.len());
        let body = witness::request_body(old, &shown.consistency(old), &shown.note);
        let logs = Logs::new().with(fixture.mesh().ledger_verifier_key());
        decide(Some(&cosigned), &Request::parse(body.as_bytes()).unwrap(), &logs)
    })
}

#[test]
fn an_honest_log_is_believed_by_all_three() {
    with_log(Lie::Stale, |log, mut bundle, fixture| {
        let (root, whole) = (fixture.trust_root(), log.honest(WHOLE));
        bundle.inclusion = log.inclusion(&whole, Lie::Stale.about());
        assert!(verify::verify_bundle(&bundle.to_bytes().unwrap(), &root).is_verified());
        let (mut state, policy) = (State::new(), root.log_policy().unwrap());
        for size in [3, SEEN, SEEN, WHOLE] {
            let found = round(&mut state, &log.honest(size), &policy, log.at(size));
            assert_eq!(found, Ok(Vec::new()));
        }
        let seen = log.honest(SEEN).note;
        let seen = SignedCheckpoint::parse(&seen).unwrap().unverified().clone();
        let body = witness::request_body(SEEN, &whole.consistency(SEEN), &whole.note);
        let logs = Logs::new().with(fixture.mesh().ledger_verifier_key());
        decide(Some(&seen), &Request::parse(body.as_bytes()).unwrap(), &logs).unwrap();
    });
}

#[test]
fn a_verifier_refuses_a_bundle_under_every_lie() {
    for lie in Lie::ALL {
        let check = match lie {
            Lie::RolledBack | Lie::Swapped | Lie::Stale => "ledger.inclusion",
            Lie::Forked | Lie::Dropped | Lie::Rewritten | Lie::WrongRoot => "ledger.witnesses",
            Lie::OtherKey => "ledger.checkpoint",
        };
        let failed = verifier(lie);
        assert!(failed.iter().any(|name| name == check), "{lie:?}: {failed:?}");
    }
}

#[test]
fn a_monitor_raises_an_alert_at_every_lie() {
    for lie in Lie::ALL {
        let alert = monitor(lie, false);
        let expected = match lie {
            Lie::RolledBack => "rolled-back",
            Lie::Forked | Lie::Dropped | Lie::Rewritten | Lie::WrongRoot => "not-witnessed",
            Lie::Swapped => "changed",
            Lie::OtherKey => "forged",
            Lie::Stale => "stale",
        };
        assert_eq!(alert.word(), expected, "{lie:?}: {alert}");
    }
}

#[test]
fn a_monitor_needs_no_honest_witness() {
    for lie in [Lie::Forked, Lie::Dropped, Lie::Rewritten, Lie::WrongRoot] {
        let Alert::Forked { ours, theirs, .. } = monitor(lie, true) else {
            unreachable!("{lie:?}: another alert")
        };
        // Both are signed by the log: together they prove to anybody that it lied.
        let ledger = Fixture::new().mesh().ledger_verifier_key();
        for note in [ours, theirs] {
            merkle::checkpoint::verify(&note, &ledger).unwrap();
        }
    }
}

#[test]
fn a_witness_cosigns_no_lie() {
    for lie in Lie::ALL {
        let decided = witness(lie);
        match lie {
            Lie::RolledBack | Lie::Stale => {
                assert!(matches!(decided, Err(Refusal::Conflict { .. })), "{lie:?}: {decided:?}");
            }
            Lie::Forked => assert_eq!(decided, Err(Refusal::Forked(SEEN))),
            Lie::Dropped | Lie::Rewritten | Lie::WrongRoot => {
                assert!(matches!(decided, Err(Refusal::Unprocessable(_))), "{lie:?}: {decided:?}");
            }
            Lie::OtherKey => {
                assert!(matches!(decided, Err(Refusal::Forbidden(_))), "{decided:?}");
            }
            // A witness sees no entries, and the checkpoint is the honest one.
            Lie::Swapped => assert!(decided.is_ok(), "{decided:?}"),
        }
    }
}
