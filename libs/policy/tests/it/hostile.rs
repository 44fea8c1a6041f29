//! What a party that does not follow the rules can leave out or add.

use envelope::ResourceDescriptor;
use evidence::{Completeness, Finding, Level, MAX_VIOLATIONS, ScanStatement, ScanTarget};
use policy::{Kind, Violation};
use testkit::evidence::Fixture;

use super::{decide, fixture, held, rules::vulnerability};

/// A scan of these programs.
fn mesh_scan(scans: &[ScanStatement], programs: Vec<ResourceDescriptor>) -> ScanStatement {
    let mut scan = scans[0].clone();
    scan.predicate.aibom.target = ScanTarget::Mesh;
    scan.predicate.scanner.result.clear();
    scan.predicate.aibom.packages.clear();
    scan.subject = programs;
    scan
}

/// A fixture with a scan of the programs that are not at the places `but` of: scheduler, executor,
/// scanner.
fn with_mesh(but: &'static [usize]) -> Fixture {
    let parts = fixture().parts();
    let executor = &parts.training.predicate.run_details.builder.builder_dependencies[0];
    let programs = [
        ResourceDescriptor::both("aibom-scheduler", &parts.grant.scheduler.digest),
        executor.clone(),
        ResourceDescriptor::both("aibom-scanner", &parts.scans[0].predicate.aibom.scanner.digest),
    ];
    let mut kept: Vec<_> = programs.into_iter().enumerate().collect();
    kept.retain(|(index, _)| !but.contains(index));
    let mut kept: Vec<_> = kept.into_iter().map(|(_, program)| program).collect();
    kept.push(ResourceDescriptor::sha256("aibom-ledger", ids::Sha256Digest::of(b"the ledger")));
    fixture()
        .policy(|p| p.complete.push(ScanTarget::Mesh))
        .scans(move |s| s.push(mesh_scan(s, kept.clone())))
}

#[test]
fn the_programs_that_made_the_evidence_are_those_that_were_scanned() {
    assert_eq!(held(&with_mesh(&[])), Vec::<String>::new());
    assert_eq!(held(&with_mesh(&[0])), ["completeness not-scanned mesh/scheduler"]);
    assert_eq!(held(&with_mesh(&[1])), ["completeness not-scanned mesh/executor"]);
    assert_eq!(held(&with_mesh(&[2])), ["completeness not-scanned mesh/scanner"]);
    let nameless = with_mesh(&[]).training(|t| {
        t.predicate.run_details.builder.builder_dependencies.clear();
    });
    assert_eq!(held(&nameless), ["completeness not-scanned mesh/executor"]);
    let other = with_mesh(&[]).scans(|s| {
        let digest = ids::Digests::of(b"another scanner");
        s[1].predicate.aibom.scanner.digest = digest;
    });
    assert_eq!(held(&other), ["completeness not-scanned mesh/scanner"]);
}

#[test]
fn a_clean_scan_beside_another_one_hides_nothing() {
    let second = |edit: fn(&mut ScanStatement), first: bool| {
        fixture().scans(move |s| {
            let mut scan = s[0].clone();
            edit(&mut scan);
            s.insert(if first { 0 } else { 1 }, scan);
        })
    };
    for first in [true, false] {
        let found = second(
            |scan| {
                let critical = vulnerability("CVE-1", &[("nvd", "CRITICAL")], "3");
                scan.predicate.scanner.result = vec![critical];
            },
            first,
        );
        assert_eq!(held(&found), ["vulnerability CVE-1 pkg:pypi/numpy@2.4.6"]);
        let incomplete = second(
            |scan| {
                scan.predicate.aibom.completeness = Completeness::Incomplete;
                scan.predicate.aibom.reason = "stopped".to_owned();
            },
            first,
        );
        assert_eq!(held(&incomplete), ["completeness incomplete image"]);
    }
}

#[test]
fn one_thing_that_two_scans_tell_counts_once_at_its_worst() {
    let told = |first: &'static str, second: &'static str| {
        let scans =
            fixture().policy(|p| p.vulnerabilities.hold = Some(Level::Low)).scans(move |s| {
                let of = |score| vec![vulnerability("CVE-1", &[("nvd", score)], "3")];
                let mut other = s[0].clone();
                s[0].predicate.scanner.result = of(first);
                other.predicate.scanner.result = of(second);
                s.insert(1, other);
            });
        decide(&scans).unwrap_err().violations
    };
    for violations in [told("LOW", "CRITICAL"), told("CRITICAL", "LOW")] {
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert_eq!(violations[0].severity, Level::Critical);
    }
}

/// More findings than one release may list.
fn too_many(f: Fixture) -> Fixture {
    f.scans(|s| {
        let places = (0..=MAX_VIOLATIONS).map(|n| Finding {
            purl: format!("pkg:pypi/p{n}@1"),
            installed: "1".to_owned(),
            fixed: "2".to_owned(),
        });
        s[0].predicate.scanner.result[1].annotations = places.collect();
    })
}

#[test]
fn more_findings_than_a_release_may_name_cannot_be_released() {
    let hold = decide(&too_many(fixture())).unwrap_err();
    assert_eq!((hold.violations.len(), hold.more), (MAX_VIOLATIONS, 1));
    let hold = decide(&too_many(fixture()).released(|_| {})).unwrap_err();
    assert_eq!((hold.violations.len(), hold.more), (MAX_VIOLATIONS, 1));
}

#[test]
fn no_two_findings_have_one_key() {
    let of = |id: &str, subject: &str| {
        Violation {
            kind: Kind::File,
            id: id.to_owned(),
            subject: subject.to_owned(),
            severity: Level::High,
            detail: String::new(),
        }
        .key()
    };
    let texts = ["", " ", "a", "a b", "a%20b", "%20", "a  b", "b"];
    let mut keys = std::collections::BTreeSet::new();
    for id in texts {
        for subject in texts {
            assert!(keys.insert(of(id, subject)), "{id:?} {subject:?}");
        }
    }
}
