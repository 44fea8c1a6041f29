//! Records: one that was logged, every part exchanged once, and the file that it comes in.

use bundle::Inclusion;
use evidence::{About, Document, RECORD_PAYLOAD_TYPE, Record, TrustRoot};
use ids::{JobId, canonical};
use serde_json::json;
use testkit::{bundle::logged, evidence::Fixture, record::cancelled};
use verify::{RecordFile, verify_record};

fn record(fixture: &Fixture) -> Record {
    let about = About::Job(cancelled(JobId::new(1, [1; 10])));
    Record::new(about, fixture.at())
}

fn good(fixture: &Fixture) -> (Document, Inclusion) {
    let document = fixture.mesh().scheduler.sign(RECORD_PAYLOAD_TYPE, &record(fixture));
    let inclusion = logged(fixture, &document.envelope, fixture.at().plus_ms(1_000));
    (document, inclusion)
}

fn failed(document: &Document, inclusion: &Inclusion, root: &TrustRoot) -> Vec<String> {
    let verdict = verify_record(document, inclusion, root);
    let failed = verdict.checks.as_slice().iter().filter(|c| !c.passed).map(|c| c.name.clone());
    let failed: Vec<String> = failed.collect();
    assert_eq!(failed.is_empty(), verdict.record.is_some(), "{:?}", verdict.checks);
    failed
}

#[test]
fn a_logged_record_holds_and_says_when_it_was_logged() {
    let fixture = Fixture::new();
    let (document, inclusion) = good(&fixture);
    let verdict = verify_record(&document, &inclusion, &fixture.trust_root());
    let proved = verdict.record.expect("it holds");
    assert_eq!(proved.record(), &record(&fixture));
    assert_eq!(proved.logged().logged_at(), fixture.at().plus_ms(1_000));
    assert_eq!(proved.signer().spiffe_id(), &fixture.mesh().scheduler.id);
}

#[test]
fn a_record_that_was_not_logged_so_is_refused() {
    let fixture = Fixture::new();
    let root = fixture.trust_root();
    let (document, inclusion) = good(&fixture);
    let mut other = inclusion.clone();
    other.salt[0] ^= 1;
    assert_eq!(failed(&document, &other, &root), ["ledger.entry"]);
    let mut other = inclusion.clone();
    other.proof = other.proof.replacen("index 2", "index 3", 1);
    assert_eq!(failed(&document, &other, &root), ["ledger.inclusion"]);
    let unwitnessed = inclusion.proof.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    let other = Inclusion { proof: unwitnessed, ..inclusion.clone() };
    assert_eq!(failed(&document, &other, &root), ["ledger.witnesses"]);
    let mut pinned = root.clone();
    pinned.ledger_key = fixture.wrong_ca().ledger_verifier_key().to_string();
    assert!(failed(&document, &inclusion, &pinned).contains(&"ledger.checkpoint".to_owned()));
    // Signed by somebody who may not, and logged all the same.
    let document = fixture.mesh().user.sign(RECORD_PAYLOAD_TYPE, &record(&fixture));
    let inclusion = logged(&fixture, &document.envelope, fixture.at());
    assert_eq!(failed(&document, &inclusion, &root), ["record.role"]);
}

#[test]
fn a_record_file_has_one_spelling() {
    let (record, inclusion) = good(&Fixture::new());
    let file = RecordFile::new(record, inclusion);
    let bytes = file.to_bytes().unwrap();
    assert_eq!(RecordFile::parse(&bytes).unwrap(), file);
    assert!(RecordFile::parse(&[b" ".as_slice(), &bytes].concat()).is_err());
    let mut other = serde_json::to_value(&file).unwrap();
    other["schema"] = json!("aibom.logged-record.v2");
    assert!(RecordFile::parse(&canonical::to_vec(&other).unwrap()).is_err());
    other["more"] = json!(1);
    assert!(RecordFile::parse(&canonical::to_vec(&other).unwrap()).is_err());
}
