//! What is kept of the mesh in files of their own: logged records, and advisories.

use std::sync::LazyLock;

use evidence::Document;
use ids::Sha256Digest;
use verify::{
    AdvisoryFile, AdvisoryName, RecordFile, verify_advisory, verify_disclosed, verify_record,
};

use crate::fixture::{file, one_spelling, signed};

/// The file of a record: it verifies only if it is the one that was signed and logged, and what
/// stands behind an entry tells a request only if the mesh signed it.
pub fn record_file(data: &[u8]) -> bool {
    static MADE: LazyLock<RecordFile> = LazyLock::new(|| {
        RecordFile::parse(&file("corpus/record_file/wine.json")).expect("a record")
    });
    let Ok(record) = RecordFile::parse(data) else { return false };
    assert!(one_spelling(&record, data), "a record's file has one spelling");
    let wine = signed();
    if verify_disclosed(&record.record, &wine.root, wine.at).is_ok() {
        let Document { envelope, certificates } = &record.record;
        let attested = certificates.is_empty() && *envelope == wine.bundle.attestation;
        assert!(attested || record.record == MADE.record, "a document that nobody signed");
    }
    let verdict = verify_record(&record.record, &record.inclusion, &wine.root);
    let holds = verdict.record.is_some();
    assert!(holds == verdict.checks.first_failure().is_none(), "every check held, or one did not");
    assert!(!holds || record == *MADE, "a record that nobody made");
    holds
}

/// The file of an advisory, or the name of an image's: it holds only if a scanner signed it.
pub fn advisory_file(data: &[u8]) -> bool {
    static MADE: LazyLock<(AdvisoryFile, Sha256Digest)> = LazyLock::new(|| {
        let made = AdvisoryFile::parse(&file("corpus/advisory_file/wine.json"));
        let name = String::from_utf8(file("corpus/advisory_file/name")).expect("a name");
        let name: AdvisoryName = name.parse().expect("a name");
        (made.expect("an advisory"), name.image)
    });
    if let Some(name) = std::str::from_utf8(data).ok().and_then(|text| text.parse().ok()) {
        let name: AdvisoryName = name;
        assert!(name.to_string().as_bytes() == data, "a name has one spelling");
        return true;
    }
    let Ok(advisory) = AdvisoryFile::parse(data) else { return false };
    assert!(one_spelling(&advisory, data), "an advisory has one spelling");
    assert!(advisory.revision > 0, "counted from 1");
    let (made, image) = &*MADE;
    let wine = signed();
    let verdict = verify_advisory(&advisory.scan, *image, &wine.root, wine.at);
    let holds = verdict.advisory.is_some();
    assert!(holds == verdict.checks.first_failure().is_none(), "every check held, or one did not");
    assert!(!holds || advisory.scan == made.scan, "an advisory that nobody signed");
    holds
}
