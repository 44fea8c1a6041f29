//! As `rules`, for scans.

use ids::{Role, Sha256Digest};
use testkit::evidence::{Fixture, Part};

use super::cross;
use super::rules::{every_row_fails_with_its_name, expired, impostor, stranger};
use crate::{ScanStatement, ScanTarget};

#[test]
#[expect(clippy::too_many_lines, reason = "a table, a row for each rule")]
fn scan() {
    every_row_fails_with_its_name(&[
        ("scan.count", |f| f.scans(Vec::clear)),
        ("scan.count", |f| f.scans(|s| *s = vec![s[0].clone(); crate::MAX_SCANS + 1])),
        ("scan.3.distinct", |f| f.scans(|s| s.push(s[0].clone()))),
        ("scan.3.distinct", |f| {
            f.scans(|s| {
                let mut second = s[2].clone();
                second.predicate.aibom.tool_sha256 = Sha256Digest::of(b"another tool");
                s.push(second);
            })
        }),
        ("scan.targets", |f| f.scans(|s| drop(s.remove(0)))),
        ("scan.0.certificate", |f| impostor(f, Part::Scan)),
        ("scan.0.certificate", |f| expired(f, Part::Scan, Role::Scanner, "main")),
        ("scan.0.role", |f| stranger(f, Part::Scan, "spiffe://mesh.test/executor/one")),
        ("scan.0.role", |f| stranger(f, Part::Scan, "spiffe://other.test/scanner/main")),
        ("scan.0.type", |f| f.scans(|s| s[0].predicate_type.push('x'))),
        ("scan.0.image", |f| f.scans(|s| s[0].subject.clear())),
        ("scan.0.image", |f| f.scans(|s| s[0].subject[0].digest.clear())),
        ("scan.0.image", |f| {
            f.scans(|s| {
                let image = s[0].subject[0].clone();
                s[0].subject.push(image);
            })
        }),
        ("scan.3.training", |f| {
            f.scans(|s| {
                s.push(s[0].clone());
                s[3].predicate.aibom.run.as_mut().unwrap().training = Sha256Digest::of(b"x");
            })
        }),
        ("scan.0.training", |f| f.scans(|s| s[0].predicate.aibom.run = None)),
        ("scan.0.training", |f| {
            let other = Fixture::new().number(2).job();
            f.scans(move |s| s[0].predicate.aibom.run.as_mut().unwrap().job = other)
        }),
        ("scan.0.time", |f| {
            f.scans(|s| {
                let times = &mut s[0].predicate.metadata;
                std::mem::swap(&mut times.scan_started_on, &mut times.scan_finished_on);
            })
        }),
        ("scan.0.time", |f| {
            f.scans(|s| {
                let times = &mut s[0].predicate.metadata;
                times.scan_finished_on = times.scan_finished_on.plus_ms(10 * 60_000);
            })
        }),
        ("scan.0.database", |f| {
            f.scans(|s| {
                let finished = s[0].predicate.metadata.scan_finished_on;
                let db = s[0].predicate.scanner.db.as_mut().unwrap();
                db.last_update = finished.plus_ms(crate::CLOCK_SKEW_MS + 1);
            })
        }),
        ("scan.0.image", |f| {
            f.scans(|s| {
                let files = s[1].predicate.aibom.files.clone();
                s[0].predicate.aibom.files = files;
            })
        }),
        ("scan.1.inputs", |f| f.scans(|s| s[1].subject.reverse())),
        ("scan.1.inputs.files", |f| f.scans(|s| drop(s[1].predicate.aibom.files.pop()))),
        ("scan.2.outputs", |f| f.scans(|s| drop(s[2].subject.pop()))),
        ("scan.2.outputs.files", |f| {
            f.scans(|s| s[2].predicate.aibom.files[0].sha256 = Sha256Digest::of(b"another file"))
        }),
        ("scan.1.completeness", |f| {
            f.scans(|s| s[1].predicate.aibom.files[0].unread = "too long".into())
        }),
        ("scan.0.completeness", |f| f.scans(|s| s[0].predicate.scanner.db = None)),
        ("scan.0.completeness", |f| f.scans(|s| s[0].predicate.aibom.database_sha256 = None)),
        ("scan.0.completeness", |f| {
            f.scans(|s| {
                let annotations = &mut s[0].predicate.scanner.result[0].annotations;
                let first = &mut annotations[0];
                for text in [&mut first.purl, &mut first.installed, &mut first.fixed] {
                    text.clear();
                }
                *annotations = vec![first.clone(); crate::MAX_PLACES];
            })
        }),
        ("scan.0.completeness", |f| {
            f.scans(|s| {
                let copy = crate::PackageCopy { path: Some("x".into()), digest: None };
                s[0].predicate.aibom.packages[0].copies = cross(&vec![copy; crate::MAX_COPIES + 1]);
            })
        }),
        ("scan.0.completeness", |f| f.scans(|s| s[0].predicate.aibom.reason = "late".into())),
        ("scan.0.completeness", |f| {
            f.scans(|s| s[0].predicate.scanner.result[0].cwes = (0..65).collect())
        }),
    ]);
}

/// A scan of programs, of which the fixture has none.
fn mesh(f: Fixture, edit: fn(&mut ScanStatement)) -> Fixture {
    f.scans(move |s| {
        let mut mesh: ScanStatement = cross(&s[0]);
        mesh.predicate.aibom.target = ScanTarget::Mesh;
        edit(&mut mesh);
        s.push(cross(&mesh));
    })
}

#[test]
fn a_scan_of_the_mesh_names_its_programs() {
    assert_eq!(super::first_failure(&mesh(Fixture::new(), |_| {})), None);
    every_row_fails_with_its_name(&[
        ("scan.3.mesh", |f| mesh(f, |scan| scan.subject.clear())),
        ("scan.3.mesh", |f| mesh(f, |scan| scan.subject[0].digest.clear())),
        ("scan.3.mesh", |f| mesh(f, |scan| scan.subject = vec![scan.subject[0].clone(); 64 + 1])),
        ("scan.3.completeness", |f| mesh(f, |scan| scan.predicate.scanner.db = None)),
    ]);
}
