//! One row for each rule: what is found, and what it is held for; or nothing, when it passes.

use evidence::{
    Completeness, FileHazard, Finding, Level, Misconfiguration, ScanTarget, SecretFinding,
    Severity, VulnerabilityResult,
};
use ids::Timestamp;
use policy::{Ignore, Policy, Rating};
use testkit::evidence::Fixture;

use super::{DAY_MS, decide, fixture, held};

type Changed = fn(Fixture) -> Fixture;

fn rows(rows: &[(&[&str], Changed)]) {
    for (index, (keys, changed)) in rows.iter().enumerate() {
        assert_eq!(held(&changed(fixture())), *keys, "row {index}");
    }
}

pub(super) fn vulnerability(
    id: &str,
    ratings: &[(&str, &str)],
    fixed: &str,
) -> VulnerabilityResult {
    VulnerabilityResult {
        id: id.to_owned(),
        severity: ratings
            .iter()
            .map(|(method, score)| Severity {
                method: (*method).to_owned(),
                score: (*score).to_owned(),
                vector: None,
            })
            .collect(),
        annotations: vec![Finding {
            purl: "pkg:pypi/numpy@2.4.6".to_owned(),
            installed: "2.4.6".to_owned(),
            fixed: fixed.to_owned(),
        }],
        title: String::new(),
        cwes: Vec::new(),
    }
}

fn rated(f: Fixture, ratings: &'static [(&str, &str)], fixed: &'static str) -> Fixture {
    f.scans(move |s| s[0].predicate.scanner.result = vec![vulnerability("CVE-1", ratings, fixed)])
}

const CVE: &[&str] = &["vulnerability CVE-1 pkg:pypi/numpy@2.4.6"];

#[test]
fn vulnerabilities() {
    rows(&[
        (CVE, |f| rated(f, &[("nvd", "CRITICAL")], "3")),
        (CVE, |f| rated(f, &[("nvd", "critical")], "3")),
        (&[], |f| rated(f, &[("nvd", "HIGH")], "3")),
        (&[], |f| rated(f, &[("nvd", "CRITICAL")], "")),
        (CVE, |f| {
            rated(f, &[("nvd", "CRITICAL")], "").policy(|p| p.vulnerabilities.fixed_only = false)
        }),
        (&[], |f| rated(f, &[("nvd", "CRITICAL")], "3").policy(|p| p.vulnerabilities.hold = None)),
        (CVE, |f| {
            let all = |p: &mut Policy| p.vulnerabilities.hold = Some(Level::Unknown);
            rated(f, &[("nvd", "nonsense")], "3").policy(all)
        }),
        // The tool's own word counts before others', unless it has none.
        (&[], |f| rated(f, &[("nvd", "CRITICAL"), ("trivy", "HIGH")], "3")),
        (CVE, |f| {
            rated(f, &[("nvd", "CRITICAL"), ("trivy", "HIGH")], "3")
                .policy(|p| p.vulnerabilities.rating = Rating::Worst)
        }),
        (CVE, |f| rated(f, &[("nvd", "LOW"), ("trivy", "CRITICAL")], "3")),
        (CVE, |f| rated(f, &[("nvd", "CRITICAL"), ("trivy", "UNKNOWN")], "3")),
        (CVE, |f| rated(f, &[("trivy", "LOW"), ("trivy", "CRITICAL")], "3")),
        (&["vulnerability CVE-1 image"], |f| {
            rated(f, &[("nvd", "CRITICAL")], "3")
                .scans(|s| s[0].predicate.scanner.result[0].annotations.clear())
        }),
    ]);
}

fn hazard(severity: Level) -> FileHazard {
    FileHazard {
        rule: "pickle.code".to_owned(),
        severity,
        place: "0".to_owned(),
        detail: "os.system".to_owned(),
    }
}

#[test]
fn files() {
    rows(&[
        (&["file pickle.code model.keras"], |f| {
            f.scans(|s| s[2].predicate.aibom.files[1].hazards = vec![hazard(Level::High)])
        }),
        (&[], |f| f.scans(|s| s[2].predicate.aibom.files[1].hazards = vec![hazard(Level::Medium)])),
        (&[], |f| {
            f.policy(|p| p.files.hold = None)
                .scans(|s| s[2].predicate.aibom.files[1].hazards = vec![hazard(Level::Critical)])
        }),
    ]);
}

fn secret(f: Fixture, severity: Level) -> Fixture {
    f.scans(move |s| {
        s[1].predicate.aibom.secrets.push(SecretFinding {
            path: "wine.csv".to_owned(),
            line: 7,
            rule: "aws-access-key-id".to_owned(),
            severity,
            title: "an AWS key".to_owned(),
        });
    })
}

fn misconfigured(f: Fixture, severity: Level) -> Fixture {
    f.scans(move |s| {
        s[0].predicate.aibom.misconfigurations.push(Misconfiguration {
            path: "Dockerfile".to_owned(),
            id: "DS-0002".to_owned(),
            severity,
            title: "the user is root".to_owned(),
        });
    })
}

#[test]
fn secrets_and_misconfigurations() {
    rows(&[
        (&["secret aws-access-key-id wine.csv:7"], |f| secret(f, Level::High)),
        (&[], |f| secret(f, Level::Medium)),
        (&[], |f| secret(f, Level::Critical).policy(|p| p.secrets.hold = None)),
        (&["misconfiguration DS-0002 Dockerfile"], |f| misconfigured(f, Level::Critical)),
        (&[], |f| misconfigured(f, Level::High)),
        (&[], |f| misconfigured(f, Level::Critical).policy(|p| p.misconfigurations.hold = None)),
    ]);
}

fn deny(f: Fixture, ids: &'static [&str]) -> Fixture {
    f.policy(move |p| p.licences.deny = ids.iter().map(|id| (*id).to_owned()).collect())
}

#[test]
fn licences() {
    const NUMPY: &str = "licence MIT pkg:pypi/numpy@2.4.6";
    rows(&[
        (&[NUMPY], |f| deny(f, &["MIT"])),
        (&[], |f| deny(f, &["AGPL-3.0-only"])),
        (&["licence unstated pkg:pypi/wheel@0.45.1"], |f| {
            f.policy(|p| p.licences.deny_unstated = true)
        }),
        // An ignored licence does not hide another one of the same package.
        (&[NUMPY], |f| {
            deny(f, &["BSD-3-Clause", "MIT"]).policy(|p| {
                let expires = p.ignore[0].expires;
                let (id, reason) = ("BSD-3-Clause".to_owned(), "ours".to_owned());
                p.ignore.push(Ignore { id, subject: None, reason, expires });
            })
        }),
    ]);
}

#[test]
fn completeness() {
    rows(&[
        (&["completeness not-scanned outputs"], |f| f.scans(|s| drop(s.remove(2)))),
        (&[], |f| f.scans(|s| drop(s.remove(2))).policy(|p| p.complete.truncate(2))),
        (&["completeness incomplete image"], |f| {
            f.scans(|s| {
                s[0].predicate.aibom.completeness = Completeness::Incomplete;
                s[0].predicate.aibom.reason = "the database is missing".to_owned();
            })
        }),
        (&["completeness not-scanned mesh"], |f| f.policy(|p| p.complete.push(ScanTarget::Mesh))),
        (&["completeness database-age image"], |f| {
            f.policy(|p| p.max_database_age_days = Some(1)).scans(|s| {
                let updated = &mut s[0].predicate.scanner.db.as_mut().unwrap().last_update;
                *updated = updated.plus_ms(-DAY_MS);
            })
        }),
        (&["completeness database-age image"], |f| {
            f.policy(|p| {
                p.max_database_age_days = Some(1);
                p.complete.clear();
            })
            .scans(|s| {
                s[0].predicate.scanner.db = None;
                s[0].predicate.aibom.completeness = Completeness::Incomplete;
                s[0].predicate.aibom.reason = "the database is missing".to_owned();
            })
        }),
        (&[], |f| {
            f.policy(|p| p.max_database_age_days = Some(1))
                .scans(|s| s[1].predicate.scanner.db = None)
        }),
        (&["completeness scan-age inputs"], |f| {
            f.policy(|p| p.max_scan_age_days = Some(2)).scans(|s| {
                let times = &mut s[1].predicate.metadata;
                times.scan_started_on = times.scan_started_on.plus_ms(-2 * DAY_MS);
                times.scan_finished_on = times.scan_finished_on.plus_ms(-2 * DAY_MS);
                let updated = &mut s[1].predicate.scanner.db.as_mut().unwrap().last_update;
                *updated = updated.plus_ms(-2 * DAY_MS);
            })
        }),
    ]);
}

#[test]
fn ages_are_counted_from_the_signing_time_to_the_millisecond() {
    let age = |ms: i64| {
        let at = fixture().at();
        let aged = fixture().policy(|p| p.max_database_age_days = Some(3)).scans(move |s| {
            for scan in s {
                scan.predicate.scanner.db.as_mut().unwrap().last_update = at.plus_ms(-ms);
            }
        });
        held(&aged).len()
    };
    assert_eq!((age(3 * DAY_MS), age(3 * DAY_MS + 1)), (0, 3));
}

/// The fixture with this ignore entry alone.
fn ignoring(id: &str, subject: Option<&str>, expires: fn(Timestamp) -> Timestamp) -> Fixture {
    let (id, subject) = (id.to_owned(), subject.map(str::to_owned));
    let expires = expires(fixture().at());
    fixture().policy(move |p| {
        let (id, subject, reason) = (id.clone(), subject.clone(), "looked at".to_owned());
        p.ignore = vec![Ignore { id, subject, reason, expires }];
    })
}

#[test]
fn an_entry_counts_until_its_last_instant() {
    let until = |expires| held(&ignoring("CVE-2026-1669", None, expires)).is_empty();
    assert!(until(|at| at));
    assert!(!until(|at| at.plus_ms(-1)));
}

#[test]
fn an_entry_is_for_its_package_only() {
    const ID: &str = "CVE-2026-1669";
    for (id, subject, ignored) in [
        (ID, Some("pkg:pypi/keras"), true),
        (ID, Some("pkg:pypi/keras@3.15.1"), true),
        (ID, None, true),
        (ID, Some("pkg:pypi/kera"), false),
        (ID, Some("pkg:pypi/keras-tuner"), false),
        (ID, Some("pkg:pypi/keras@3.15"), false),
        (ID, Some("pkg:pypi/Keras"), false),
        (ID, Some("pkg:pypi/"), false),
        (ID, Some("keras"), false),
        ("cve-2026-1669", None, false),
        ("CVE-2026-166", None, false),
    ] {
        let fixture = ignoring(id, subject, |at| at);
        assert_eq!(held(&fixture).is_empty(), ignored, "{id} {subject:?}");
        if ignored {
            let decision = decide(&fixture).unwrap();
            assert_eq!(decision.ignored().len(), 1);
            assert_eq!(decision.ignored()[0].by.reason, "looked at");
        }
    }
}

#[test]
fn a_secret_may_move_within_its_file_and_a_lack_cannot_be_ignored() {
    let expires = |at| at;
    let with = |id, subject| secret(ignoring(id, subject, expires), Level::High);
    let others: usize = 1;
    for (subject, left) in
        [("wine.csv", others), ("wine.csv:7", others), ("wine.csv:70", 2), ("wine", 2)]
    {
        assert_eq!(held(&with("aws-access-key-id", Some(subject))).len(), left, "{subject}");
    }
    let lacking = ignoring("not-scanned", None, expires).scans(|s| drop(s.remove(2)));
    assert_eq!(held(&lacking)[0], "completeness not-scanned outputs");
}
