//! A revision is a scan that says something new; the store keeps the newest alone, across restarts.

use super::*;
use testkit::evidence::Fixture;

/// A scan of the fixture's image for its own sake.
fn scan() -> ScanStatement {
    let mut scan = Fixture::new().parts().scans.remove(0);
    scan.predicate.aibom.run = None;
    scan
}

fn next(before: Option<&AdvisoryRecord>, scan: &ScanStatement) -> Option<AdvisoryRecord> {
    AdvisoryRecord::after(before, scan, Sha256Digest::of(b"document")).unwrap()
}

#[test]
fn a_scan_that_says_the_same_is_no_revision() {
    let scan = scan();
    let first = next(None, &scan).unwrap();
    assert_eq!(first.revision, 1);
    assert_eq!(first.scanned_at, scan.predicate.metadata.scan_finished_on);
    let mut later = scan.clone();
    let times = &mut later.predicate.metadata;
    times.scan_finished_on = times.scan_finished_on.plus_ms(1);
    later.predicate.aibom.report_sha256 = Sha256Digest::of(b"with another time in it");
    later.predicate.aibom.scanner.version.push('x');
    assert_eq!(next(Some(&first), &scan), None);
    assert_eq!(next(Some(&first), &later), None, "when, and by which program, is no news");
}

#[test]
fn an_incomplete_scan_or_an_older_database_takes_nothing_back() {
    let scan = scan();
    let first = next(None, &scan).unwrap();
    let mut incomplete = scan.clone();
    incomplete.predicate.aibom.completeness = evidence::Completeness::Incomplete;
    assert_eq!(next(Some(&first), &incomplete), None);
    let mut older = scan.clone();
    older.predicate.aibom.database_sha256 = Some(Sha256Digest::of(b"older"));
    let database = older.predicate.scanner.db.as_mut().unwrap();
    database.last_update = database.last_update.plus_ms(-1);
    assert_eq!(next(Some(&first), &older), None);
    let before = next(None, &incomplete).unwrap();
    assert_eq!(next(Some(&before), &scan).map(|record| record.revision), Some(2));
}

#[test]
fn another_database_reason_or_finding_is_a_revision() {
    type Edit = fn(&mut ScanStatement);
    let edits: [Edit; 3] = [
        |s| s.predicate.aibom.database_sha256 = Some(Sha256Digest::of(b"another")),
        |s| s.predicate.aibom.reason.push_str("a word more"),
        |s| drop(s.predicate.scanner.result.pop()),
    ];
    let scan = scan();
    let first = next(None, &scan).unwrap();
    for (index, edit) in edits.iter().enumerate() {
        let mut other = scan.clone();
        edit(&mut other);
        let second = next(Some(&first), &other);
        assert_eq!(second.map(|record| record.revision), Some(2), "edit {index}");
    }
}

fn document(text: &[u8]) -> Document {
    Document { envelope: text.to_vec(), certificates: vec![vec![1]] }
}

#[tokio::test]
async fn the_newest_scan_is_kept_alone_and_outlives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (image, other) = (Sha256Digest::of(b"image"), Sha256Digest::of(b"other"));
    let (old, new) = (document(b"old"), document(b"new"));
    let mut second = scan();
    second.predicate.scanner.result.clear();
    let before = AdvisoryRecord::after(None, &scan(), old.digest()).unwrap().unwrap();
    let after = AdvisoryRecord::after(Some(&before), &second, new.digest()).unwrap().unwrap();
    {
        let records = Records::open(directory.path()).unwrap();
        assert_eq!(records.advisory(&image).unwrap(), None);
        assert!(records.advisory_scan(&image).unwrap().is_none());
        records.put_advisory(&image, None, &before, &old).await.unwrap();
        records.put_advisory(&other, None, &before, &old).await.unwrap();
        records.put_advisory(&image, Some(&before), &after, &new).await.unwrap();
    }
    let records = Records::open(directory.path()).unwrap();
    assert_eq!(records.advisory_scan(&image).unwrap(), Some((after.clone(), new)));
    assert!(records.document::<Document>(&old.digest()).is_err(), "the old scan is gone");

    let all = records.advisories(None, 10).unwrap();
    assert_eq!(all.len(), 2);
    let (first, _) = all[0].clone();
    let rest = records.advisories(Some(&first), 10).unwrap();
    assert_eq!(rest, all[1..], "pages go on after an image");
    assert_eq!(records.advisories(None, 1).unwrap(), all[..1]);
}
