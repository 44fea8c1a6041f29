//! Renewals keep a lease, silence ends it, and what is over stays over.

use proptest::prelude::*;
use testkit::evidence::Fixture;

use super::*;

fn grant() -> HeldGrant {
    let fixture = Fixture::new();
    let grant = fixture.parts().grant;
    let document = fixture.sign_grant(&grant);
    HeldGrant { digest: document.digest(), grant, document }
}

fn newer(grant: &HeldGrant) -> HeldGrant {
    HeldGrant { digest: ids::Sha256Digest::of(b"newer"), ..grant.clone() }
}

#[test]
fn a_renewal_extends_from_when_it_was_asked_and_brings_its_grant() {
    let first = grant();
    let mut tenure = Tenure::new(first.clone(), 30_000, 0);
    tenure.take(Answer::Continue(Some(Box::new(newer(&first)))), 10_000);
    assert_eq!(tenure.held_until_ms(), 40_000);
    assert_eq!(tenure.grant(), &newer(&first));
    tenure.take(Answer::Continue(None), 20_000);
    assert_eq!(tenure.grant(), &newer(&first), "an answer without a sound grant keeps the old one");
    tenure.look(49_999);
    assert_eq!(tenure.standing(), Standing::Held);
    tenure.look(50_000);
    assert_eq!(tenure.standing(), Standing::Lost);
}

#[test]
fn silence_ends_the_lease_at_its_time() {
    let mut tenure = Tenure::new(grant(), 30_000, 0);
    for asked in [10_000, 12_500, 15_000, 17_500] {
        tenure.take(Answer::Away, asked);
        tenure.look(asked);
        assert_eq!(tenure.standing(), Standing::Held);
    }
    tenure.look(30_000);
    assert_eq!(tenure.standing(), Standing::Lost);
}

#[test]
fn a_cancelled_lease_stays_cancelled_and_is_kept() {
    let mut tenure = Tenure::new(grant(), 30_000, 0);
    tenure.take(Answer::Cancel, 10_000);
    tenure.take(Answer::Continue(None), 20_000);
    assert_eq!((tenure.standing(), tenure.held_until_ms()), (Standing::Cancelled, 50_000));
}

#[test]
fn silence_is_asked_again_sooner() {
    let tenure = Tenure::new(grant(), 30_000, 0);
    assert_eq!((tenure.pause_ms(true), tenure.pause_ms(false)), (10_000, 2_500));
    assert_eq!(Tenure::new(grant(), 1, 0).pause_ms(true), 1);
}

proptest! {
    #[test]
    fn lost_is_for_ever(answers in prop::collection::vec(0_u8..4, 0..20)) {
        let held = grant();
        let mut tenure = Tenure::new(held.clone(), 30_000, 0);
        tenure.take(Answer::Lost, 0);
        for answer in answers {
            tenure.take(match answer {
                0 => Answer::Continue(Some(Box::new(newer(&held)))),
                1 => Answer::Cancel,
                2 => Answer::Away,
                _ => Answer::Lost,
            }, 1);
            prop_assert_eq!(tenure.standing(), Standing::Lost);
            prop_assert_eq!(tenure.grant(), &held);
        }
    }
}
