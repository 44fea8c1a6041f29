//! The signing time against the key's validity, the ledger's clock and the evidence.

use testkit::evidence::Fixture;

use super::{assert_refused, failures, made};
use crate::MAX_LOG_DELAY_MS;
use made::Made;

#[test]
fn a_key_signs_only_in_its_time() {
    let made = Made::new(Fixture::new());
    let at = made.fixture.at();
    for (from, until, holds) in [(0, 0, true), (1, 10, false), (-10, -1, false), (-1, 1, true)] {
        let mut root = made.root.clone();
        root.signing_keys[0].valid_from = at.plus_ms(from);
        root.signing_keys[0].valid_until = at.plus_ms(until);
        let verdict = made.verdict_by(&root);
        assert_eq!(verdict.is_verified(), holds, "{from} to {until}");
        if !holds {
            assert_eq!(failures(&verdict), ["attestation.time"]);
        }
    }
}

#[test]
fn a_signature_is_logged_soon_after_it_was_made() {
    let good = Made::new(Fixture::new());
    let skew = evidence::CLOCK_SKEW_MS;
    for (delay_ms, holds) in [
        (-skew, true),
        (-skew - 1, false),
        (0, true),
        (MAX_LOG_DELAY_MS, true),
        (MAX_LOG_DELAY_MS + 1, false),
    ] {
        let mut bundle = good.bundle.clone();
        let logged_at = good.fixture.at().plus_ms(delay_ms);
        bundle.inclusion = testkit::bundle::logged(&good.fixture, &bundle.attestation, logged_at);
        let verdict = good.verdict_of(&bundle);
        assert_eq!(verdict.is_verified(), holds, "{delay_ms} ms: {:?}", failures(&verdict));
        if !holds {
            assert_refused("delay", &verdict, "attestation.time");
        }
    }
}

#[test]
fn evidence_is_judged_at_the_signing_time() {
    // Signed a month later than the evidence allows, with everything else in order.
    let good = Made::new(Fixture::new());
    let verified = good.fixture.verified();
    let aibom = bom::assemble(&verified, &good.fixture.decision()).unwrap();
    let late = good.fixture.at().plus_ms(30 * 24 * 3_600_000);
    let statement = bom::statement(&aibom, &verified, late).unwrap();
    let mut bundle = good.bundle.clone();
    bundle.attestation = made::attest(&good.fixture, statement);
    bundle.inclusion = testkit::bundle::logged(&good.fixture, &bundle.attestation, late);
    let verdict = good.verdict_of(&bundle);
    assert_refused("late", &verdict, "request.certificate");
    assert!(!failures(&verdict).contains(&"attestation.time".to_owned()));
}

#[test]
fn a_statement_without_a_signing_time_is_refused() {
    let good = Made::new(Fixture::new());
    let evidence = good.bundle.evidence.clone();
    let made = Made::of(good.fixture, good.bundle.aibom, b"{}".to_vec(), evidence);
    let verdict = made.verdict();
    assert_refused("no time", &verdict, "attestation.time");
    assert_refused("no time", &verdict, "attestation.statement");
    // The ledger's time serves to look at the rest.
    assert!(!failures(&verdict).contains(&"aibom.rederive".to_owned()));
}
