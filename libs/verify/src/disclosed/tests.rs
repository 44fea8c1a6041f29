//! What is signed by the mesh names its request; everything else tells nothing.

use evidence::{RECORD_PAYLOAD_TYPE, Record};
use testkit::{
    bundle::{LOG_DELAY_MS, bundle},
    evidence::Fixture,
    mesh::Mesh,
};

use super::*;

fn record(fixture: &Fixture, mesh: &Mesh, about: About) -> Document {
    mesh.scheduler.sign(RECORD_PAYLOAD_TYPE, &Record::new(about, fixture.at()))
}

fn cancelled(fixture: &Fixture) -> About {
    About::Job(testkit::record::cancelled(fixture.job()))
}

#[test]
fn an_attestation_and_a_record_name_their_request() {
    let fixture = Fixture::new();
    let (root, bundle) = (fixture.trust_root(), bundle(&fixture));
    let logged = fixture.at().plus_ms(LOG_DELAY_MS);
    let attestation = Document { envelope: bundle.attestation, certificates: Vec::new() };
    let traced = verify_disclosed(&attestation, &root, logged).unwrap();
    assert_eq!(*traced.request(), bundle.evidence.request.digest());
    assert_eq!((traced.what(), traced.job()), ("AIBoM", None));

    let record = record(&fixture, fixture.mesh(), cancelled(&fixture));
    let traced = verify_disclosed(&record, &root, logged).unwrap();
    assert_eq!(*traced.request(), Sha256Digest::of(b"request"));
    assert_eq!((traced.what(), traced.job()), ("cancelled", Some(fixture.job())));
}

#[test]
fn what_another_mesh_signed_or_nobody_tells_nothing() {
    let fixture = Fixture::new();
    let (root, bundle) = (fixture.trust_root(), bundle(&fixture));
    let logged = fixture.at().plus_ms(LOG_DELAY_MS);
    let stranger = Mesh::new("stranger", fixture.at());
    let foreign = record(&fixture, &stranger, cancelled(&fixture));
    let policy = About::Policy { name: "p".into(), version: 1, digest: Sha256Digest::of(b"p") };
    let mut changed = bundle.attestation.clone();
    let place = changed.len() / 2;
    changed[place] ^= 1;
    let bare = |envelope| Document { envelope, certificates: Vec::new() };
    for (document, why) in [
        (foreign, "record.certificate"),
        (bare(changed), "attestation."),
        (bare(b"{}".to_vec()), "attestation.format"),
        (bare(bundle.evidence.request.envelope.clone()), "attestation."),
        (bundle.evidence.request, "record."),
        (record(&fixture, fixture.mesh(), policy), "names no request"),
    ] {
        let error = verify_disclosed(&document, &root, logged).unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
}
