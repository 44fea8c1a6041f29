//! Records: a good one of each kind, and every rule broken once.

use ids::{JobId, Role, Sha256Digest, Timestamp, canonical};
use job::Reason;
use keys::SigningKey as _;
use proptest::prelude::*;
use testkit::{evidence::Fixture, mesh::Party};

use super::cross;
use crate::{
    About, CLOCK_SKEW_MS, Checks, Document, JobOutcome, MAX_RECORD_BYTES, MAX_SCANS, Outcome,
    RECORD_PAYLOAD_TYPE, RELEASE_PAYLOAD_TYPE, Record, Revocation, RevokedIdentity, TrustRoot,
    check_record,
};

fn digest(text: &str) -> Sha256Digest {
    Sha256Digest::of(text.as_bytes())
}

fn failed(at: Timestamp) -> Record {
    let outcome = JobOutcome {
        job: JobId::new(1, [1; 10]),
        request: digest("request"),
        attempt: 1,
        sequence: 3,
        outcome: Outcome::Failed,
        reason: Some(Reason::EvidenceRefused),
        grant: Some(digest("grant")),
        training: Some(digest("training")),
        scans: vec![digest("scan")],
        policy: None,
        release: None,
    };
    Record::new(About::Job(outcome), at)
}

fn job(record: &mut Record) -> &mut JobOutcome {
    match &mut record.about {
        About::Job(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

fn check(document: &Document, root: &TrustRoot, at: Timestamp) -> Vec<String> {
    let mut checks = Checks::new();
    let verified = check_record(document, root, at, &mut checks);
    let failed = checks.as_slice().iter().filter(|c| !c.passed).map(|c| c.name.clone());
    let failed: Vec<String> = failed.collect();
    assert_eq!(failed.is_empty(), verified.is_some(), "{checks:?}");
    failed
}

fn signed(party: &Party, record: &Record) -> Document {
    cross(&party.sign(RECORD_PAYLOAD_TYPE, record))
}

/// The names of the rules that a record breaks which the fixture's scheduler signs and logs.
fn broken(record: &Record) -> Vec<String> {
    let fixture = Fixture::new();
    let document = signed(&fixture.mesh().scheduler, record);
    check(&document, &cross(&fixture.trust_root()), fixture.at())
}

#[test]
fn every_kind_of_record_holds() {
    let at = Fixture::new().at();
    let about = |about| Record::new(about, at);
    let (version, digest) = (7, digest("it"));
    assert_eq!(broken(&failed(at)), Vec::<String>::new());
    assert_eq!(broken(&about(About::TrustRoot { version, digest })), Vec::<String>::new());
    let name = "standard".to_owned();
    assert_eq!(broken(&about(About::Policy { name, version, digest })), Vec::<String>::new());
    let mut denied = failed(at);
    let JobOutcome { outcome, reason, release, .. } = job(&mut denied);
    (*outcome, *reason) = (Outcome::ReleaseRefused, Some(Reason::PolicyHold));
    *release = Some(Sha256Digest::of(b"release"));
    assert_eq!(broken(&denied), Vec::<String>::new());
    let text = canonical::to_vec(&failed(at)).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with(r#"{"about":{"attempt":1,"grant":""#), "{text}");
    assert!(text.contains(r#""kind":"job""#) && text.contains(r#""outcome":"failed""#), "{text}");
}

#[test]
fn a_record_by_anybody_else_is_refused() {
    let fixture = Fixture::new();
    let (mesh, at, root) = (fixture.mesh(), fixture.at(), cross(&fixture.trust_root()));
    let record = failed(at);
    for party in [&mesh.user, &mesh.executor, &mesh.scanner, &mesh.approver, &mesh.ledger] {
        assert_eq!(check(&signed(party, &record), &root, at), ["record.role"]);
    }
    let stranger = fixture.wrong_ca().scheduler;
    assert_eq!(check(&signed(&stranger, &record), &root, at), ["record.certificate"]);
    let other = ids::SpiffeId::new("other.test", Role::Scheduler, "main").unwrap();
    let other = mesh.ca.party_of(&other, |_| {});
    assert_eq!(check(&signed(&other, &record), &root, at), ["record.role"]);
    let mut swapped = signed(&mesh.scheduler, &record);
    swapped
        .certificates
        .clone_from(&signed(&mesh.ca.party(Role::Scheduler, "two"), &record).certificates);
    assert_eq!(check(&swapped, &root, at), ["record.signature"]);
    let late = at.plus_ms(30 * 24 * 3_600_000);
    assert_eq!(check(&signed(&mesh.scheduler, &record), &root, late), ["record.certificate"]);
    let release = cross(&mesh.scheduler.sign(RELEASE_PAYLOAD_TYPE, &record));
    assert_eq!(check(&release, &root, at), ["record.signature"], "of another type");
    let mut idle = signed(&mesh.scheduler, &record);
    idle.certificates.push(mesh.user.certificate_der.clone());
    assert_eq!(check(&idle, &root, at), ["record.certificates"]);
    let mut revoked: TrustRoot = root;
    let key = mesh.scheduler.key.public_key().key_id();
    let revocation = Revocation { since: at, reason: "stolen".into() };
    revoked.revoked_identities.push(RevokedIdentity { key, revoked: revocation });
    assert_eq!(check(&signed(&mesh.scheduler, &record), &revoked, at), ["record.certificate"]);
    let before = at.plus_ms(-1);
    let sooner = failed(before);
    assert!(check(&signed(&mesh.scheduler, &sooner), &revoked, before).is_empty());
}

#[test]
fn what_does_not_fit_together_is_refused() {
    type Edit = fn(&mut Record);
    let at = Fixture::new().at();
    let rows: [(&str, Edit); 16] = [
        ("record.schema", |r| r.schema.push('x')),
        ("record.time", |r| r.at = r.at.plus_ms(CLOCK_SKEW_MS + 1)),
        ("record.bounds", |r| job(r).sequence = 0),
        ("record.bounds", |r| job(r).reason = None),
        ("record.bounds", |r| job(r).reason = Some(Reason::HoldExpired)),
        ("record.bounds", |r| job(r).scans = vec![digest("scan"); MAX_SCANS + 1]),
        ("record.bounds", |r| job(r).outcome = Outcome::Released),
        ("record.bounds", |r| job(r).outcome = Outcome::Held),
        ("record.bounds", |r| {
            job(r).outcome = Outcome::ReleaseRefused;
            job(r).reason = Some(Reason::PolicyHold);
        }),
        ("record.bounds", |r| {
            job(r).outcome = Outcome::ReleaseRefused;
            job(r).release = Some(digest("release"));
        }),
        ("record.bounds", |r| job(r).outcome = Outcome::HoldExpired),
        ("record.bounds", |r| job(r).outcome = Outcome::Cancelled),
        ("record.bounds", |r| r.about = About::TrustRoot { version: 0, digest: digest("x") }),
        ("record.bounds", |r| r.about = About::TrustRoot { version: 1 << 53, digest: digest("x") }),
        ("record.bounds", |r| {
            r.about = About::Policy { name: "A b".into(), version: 1, digest: digest("x") };
        }),
        ("record.bounds", |r| {
            r.about = About::Policy { name: String::new(), version: 1, digest: digest("x") };
        }),
    ];
    for (number, (name, edit)) in rows.into_iter().enumerate() {
        let mut record = failed(at);
        edit(&mut record);
        assert_eq!(broken(&record), [name], "row {number}");
    }
}

#[test]
fn other_bytes_are_no_record() {
    let fixture = Fixture::new();
    let (mesh, at, root) = (fixture.mesh(), fixture.at(), cross(&fixture.trust_root()));
    let good = String::from_utf8(canonical::to_vec(&failed(at)).unwrap()).unwrap();
    let payloads = [
        good.replacen('{', "{ ", 1),
        good.replacen("{\"about\":{", "{\"about\":{\"aside\":1,", 1),
        good.replacen("\"kind\":\"job\"", "\"kind\":\"job\",\"kind\":\"job\"", 1),
        good.replacen("\"kind\":\"job\"", "\"kind\":\"other\"", 1),
        good.replacen("\"failed\"", "\"completed\"", 1),
        good.replacen("EVIDENCE_REFUSED", "BECAUSE", 1),
        good.replacen("\"schema\"", "\"more\":1,\"schema\"", 1),
        String::new(),
    ];
    for payload in payloads {
        let document = mesh.scheduler.sign_bytes(RECORD_PAYLOAD_TYPE, payload.clone().into());
        assert_eq!(check(&cross(&document), &root, at), ["record.content"], "{payload}");
    }
    let long = vec![b' '; MAX_RECORD_BYTES];
    let long = mesh.scheduler.sign_bytes(RECORD_PAYLOAD_TYPE, long);
    assert_eq!(check(&cross(&long), &root, at), ["record.size"]);
}

proptest! {
    #[test]
    fn no_changed_byte_of_a_record_holds(at in 0..600_usize, flip in 1..=255_u8) {
        let fixture = Fixture::new();
        let mut document = signed(&fixture.mesh().scheduler, &failed(fixture.at()));
        let at = at % document.envelope.len();
        document.envelope[at] ^= flip;
        let root = cross(&fixture.trust_root());
        prop_assert!(!check(&document, &root, fixture.at()).is_empty());
    }
}
