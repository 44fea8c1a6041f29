//! As `rules`, for releases.

use ids::{Role, Sha256Digest};
use testkit::evidence::{Fixture, Part};

use super::first_failure;
use super::rules::{every_row_fails_with_its_name, expired, impostor, stranger};

/// A job that the policy holds for the fixture's critical finding, and that was released.
fn released(f: Fixture) -> Fixture {
    f.policy(|p| p.ignore.clear()).released(|_| {})
}

#[test]
fn a_release_holds() {
    let fixture = released(Fixture::new());
    assert_eq!(first_failure(&fixture), None);
    let (with, without) = (fixture.verified(), Fixture::new().verified());
    assert_eq!(with.evidence_digest(), without.evidence_digest());
    assert_ne!(with.set_digest(), without.set_digest());
    assert_eq!(with.approver(), Some("spiffe://mesh.test/approver/bob"));
    assert_eq!(without.approver(), None);
}

#[test]
fn release() {
    every_row_fails_with_its_name(&[
        ("release.certificate", |f| impostor(released(f), Part::Release)),
        ("release.certificate", |f| expired(released(f), Part::Release, Role::Approver, "bob")),
        ("release.role", |f| stranger(released(f), Part::Release, "spiffe://mesh.test/user/alice")),
        ("release.role", |f| {
            stranger(released(f), Part::Release, "spiffe://mesh.test/scheduler/main")
        }),
        ("release.role", |f| {
            stranger(released(f), Part::Release, "spiffe://mesh.test/scanner/main")
        }),
        ("release.role", |f| {
            stranger(released(f), Part::Release, "spiffe://other.test/approver/bob")
        }),
        ("release.schema", |f| released(f).released(|r| r.schema.push('x'))),
        ("release.bounds", |f| released(f).released(|r| r.reason = " \n".into())),
        ("release.bounds", |f| released(f).released(|r| r.reason = "a\u{1b}[2Jb".into())),
        ("release.bounds", |f| {
            released(f).released(|r| r.reason = "x".repeat(crate::MAX_RELEASE_REASON + 1))
        }),
        ("release.bounds", |f| released(f).released(|r| r.violations.clear())),
        ("release.bounds", |f| {
            released(f).released(|r| r.violations = vec!["b".into(), "a".into()])
        }),
        ("release.bounds", |f| {
            released(f).released(|r| r.violations = vec!["a".into(), "a".into()])
        }),
        ("release.bounds", |f| {
            released(f).released(|r| {
                r.violations = (0..=crate::MAX_VIOLATIONS).map(|n| format!("{n:05}")).collect();
            })
        }),
        ("release.time", |f| released(f).released(|r| r.decided_at = r.decided_at.plus_ms(61_000))),
        ("release.subject", |f| {
            let other = Fixture::new().number(2).job();
            released(f).released(move |r| r.job = other)
        }),
        ("release.subject", |f| released(f).released(|r| r.evidence = Sha256Digest::of(b"x"))),
    ]);
}
