//! What holds of every policy and all evidence.

use std::sync::LazyLock;

use evidence::{
    FileHazard, Level, Misconfiguration, ScanStatement, SecretFinding, VerifiedEvidence,
};
use policy::{Findings, Ignore, Policy, Rating, evaluate};
use proptest::prelude::*;

use super::{fixture, rules::vulnerability};

/// A finding: where it goes, what it is called, how bad, and whether there is a fix.
#[derive(Debug, Clone, Copy)]
struct Spot(u8, u8, usize, bool);

fn spots() -> impl Strategy<Value = Vec<Spot>> {
    let spot = (0_u8..5, 0_u8..4, 0_usize..5, any::<bool>());
    proptest::collection::vec(spot.prop_map(|(a, b, c, d)| Spot(a, b, c, d)), 0..12)
}

fn put(scans: &mut [ScanStatement], Spot(kind, number, level, fixed): Spot) {
    let (severity, number) = (Level::ALL[level], u32::from(number));
    let title = format!("{kind} {number} {level}");
    match kind {
        0 | 1 => {
            let method = if kind == 0 { "nvd" } else { "trivy" };
            let ratings = [(method, severity.as_str())];
            let fixed = if fixed { "9" } else { "" };
            let found = vulnerability(&format!("CVE-{number}"), &ratings, fixed);
            scans[0].predicate.scanner.result.push(found);
        }
        2 => scans[2].predicate.aibom.files[1].hazards.push(FileHazard {
            rule: format!("rule.{number}"),
            severity,
            place: "0".to_owned(),
            detail: title,
        }),
        3 => scans[1].predicate.aibom.secrets.push(SecretFinding {
            path: "wine.csv".to_owned(),
            line: number,
            rule: "key".to_owned(),
            severity,
            title,
        }),
        _ => scans[0].predicate.aibom.misconfigurations.push(Misconfiguration {
            path: "Dockerfile".to_owned(),
            id: format!("DS-{number}"),
            severity,
            title,
        }),
    }
}

fn evidence(spots: Vec<Spot>) -> VerifiedEvidence {
    fixture().scans(move |scans| spots.iter().for_each(|spot| put(scans, *spot))).verified()
}

fn level() -> impl Strategy<Value = Option<Level>> {
    proptest::option::of((0_usize..5).prop_map(|level| Level::ALL[level]))
}

fn policies() -> impl Strategy<Value = Policy> {
    static STANDARD: LazyLock<Policy> =
        LazyLock::new(|| fixture().signed_policy().policy().clone());
    let ignored = proptest::collection::vec((0_u8..4, any::<bool>(), -1_i64..2), 0..4);
    let levels = (level(), level(), level(), level());
    (levels, any::<bool>(), any::<bool>(), ignored).prop_map(
        |((vulnerabilities, secrets, configured, files), fixed_only, worst, ignored)| {
            let mut policy = STANDARD.clone();
            policy.vulnerabilities.hold = vulnerabilities;
            policy.vulnerabilities.fixed_only = fixed_only;
            policy.vulnerabilities.rating = if worst { Rating::Worst } else { Rating::Scanner };
            policy.secrets.hold = secrets;
            policy.misconfigurations.hold = configured;
            policy.files.hold = files;
            policy.ignore.extend(ignored.into_iter().map(|(number, file, ms)| Ignore {
                id: if file { format!("rule.{number}") } else { format!("CVE-{number}") },
                subject: file.then(|| "model.keras".to_owned()),
                reason: "looked at".to_owned(),
                expires: fixture().at().plus_ms(ms),
            }));
            policy
        },
    )
}

fn keys(findings: &Findings) -> Vec<String> {
    findings.violations.iter().map(policy::Violation::key).collect()
}

/// Everything that the first holds, the second holds as well.
fn holds_no_less(first: &Findings, second: &Findings) -> Result<(), TestCaseError> {
    let second = keys(second);
    for key in keys(first) {
        prop_assert!(second.contains(&key), "{key} is let pass: {second:?}");
    }
    Ok(())
}

fn stricter(hold: Option<Level>) -> Option<Level> {
    let place = Level::ALL.iter().position(|level| Some(*level) == hold);
    match place {
        None => Some(Level::Critical),
        Some(place) => Some(Level::ALL[place.saturating_sub(1)]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn more_findings_never_release(policy in policies(), few in spots(), more in spots()) {
        let at = fixture().at();
        let all = [few.clone(), more].concat();
        let (few, all) = (evidence(few), evidence(all));
        holds_no_less(&evaluate(&policy, &few, at), &evaluate(&policy, &all, at))?;
    }

    #[test]
    fn a_stricter_policy_never_releases(policy in policies(), spots in spots()) {
        let (at, evidence) = (fixture().at(), evidence(spots));
        let before = evaluate(&policy, &evidence, at);
        let rows: [fn(&mut Policy); 8] = [
            |p| p.vulnerabilities.hold = stricter(p.vulnerabilities.hold),
            |p| p.vulnerabilities.fixed_only = false,
            |p| p.vulnerabilities.rating = Rating::Worst,
            |p| p.secrets.hold = stricter(p.secrets.hold),
            |p| p.misconfigurations.hold = stricter(p.misconfigurations.hold),
            |p| p.files.hold = stricter(p.files.hold),
            |p| drop(p.ignore.pop()),
            |p| p.licences.deny_unstated = true,
        ];
        for edit in rows {
            let mut next = policy.clone();
            edit(&mut next);
            holds_no_less(&before, &evaluate(&next, &evidence, at))?;
        }
    }

    #[test]
    fn order_does_not_matter(policy in policies(), spots in spots(), turn in any::<usize>()) {
        let at = fixture().at();
        let mut turned = spots.clone();
        if !turned.is_empty() {
            let middle = turn % turned.len();
            turned.rotate_left(middle);
        }
        let other = fixture().scans(move |scans| {
            turned.iter().for_each(|spot| put(scans, *spot));
            scans.reverse();
        });
        let (one, other) = (evidence(spots), other.verified());
        prop_assert_eq!(evaluate(&policy, &one, at), evaluate(&policy, &other, at));
    }

    #[test]
    fn each_thing_is_named_once_and_in_order(policy in policies(), spots in spots()) {
        let findings = evaluate(&policy, &evidence(spots), fixture().at());
        let ignored = findings.ignored.iter().map(|ignored| &ignored.violation);
        let all: Vec<_> = findings.violations.iter().chain(ignored).collect();
        let names: std::collections::BTreeSet<String> = all.iter().map(|v| v.key()).collect();
        prop_assert_eq!(names.len(), all.len());
        let place = |v: &policy::Violation| (v.kind, v.id.clone(), v.subject.clone());
        prop_assert!(findings.violations.is_sorted_by_key(place));
    }
}
