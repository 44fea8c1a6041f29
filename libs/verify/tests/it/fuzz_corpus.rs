//! The fixture and the corpus of the fuzz targets are of today's formats: nothing else builds them
//! together with the parsers before a fuzz run does.

use std::path::Path;

use bundle::{Bundle, Inclusion};
use evidence::{MAX_DOCUMENT_BYTES, Record, TrustRoot};
use ids::canonical;
use merkle::{LogPolicy, SignedCheckpoint, TlogProof};
use verify::{AdvisoryFile, LoggedRecord, RecordFile, verify_bundle, verify_record};

fn bytes(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(path);
    assert!(path.is_file(), "{} is not there: run seed", path.display());
    std::fs::read(&path).unwrap()
}

fn text(path: &str) -> String {
    String::from_utf8(bytes(path)).unwrap()
}

#[test]
fn the_fuzz_corpus_is_of_todays_formats() {
    let root = TrustRoot::parse(&bytes("corpus/trust_root/version_1.json")).unwrap();
    let policy = root.log_policy().unwrap();
    let verdict = verify_bundle(&bytes("fixture/wine.json"), &root);
    assert!(verdict.is_verified(), "run seed: {:?}", verdict.checks.first_failure());

    let small = Bundle::parse(&bytes("corpus/bundle/small.json")).unwrap();
    small.inclusion.check(&small.attestation, &policy).unwrap();
    let inclusion = bytes("corpus/ledger_inclusion/wine.json");
    canonical::from_slice::<Inclusion>(&inclusion, MAX_DOCUMENT_BYTES).unwrap();
    let proof = TlogProof::parse(&text("corpus/tlog_proof/wine")).unwrap();
    policy.check(&proof.checkpoint).unwrap();
    assert_eq!(text("corpus/log_policy/wine").parse::<LogPolicy>().unwrap(), policy);
    SignedCheckpoint::parse(&text("corpus/checkpoint_note/witnessed")).unwrap();

    let record = bytes("corpus/record/held.json");
    let record: Record = canonical::from_slice(&record, MAX_DOCUMENT_BYTES).unwrap();
    let file = RecordFile::parse(&bytes("corpus/record_file/wine.json")).unwrap();
    let verdict = verify_record(&file.record, &file.inclusion, &root);
    assert_eq!(verdict.record.as_ref().map(LoggedRecord::record), Some(&record));
    AdvisoryFile::parse(&bytes("corpus/advisory_file/wine.json")).unwrap();
}
