//! The JSON Lines: every signature that has the form, one a line, each unchanged.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bundle::{Bundle, ENTRY_KIND, ExportError};
use envelope::{BUNDLE_MEDIA_TYPE, Envelope};
use evidence::{KeyUse, TrustRoot};
use ids::canonical;
use serde_json::Value;
use testkit::evidence::Fixture;

fn made() -> (Bundle, TrustRoot) {
    let fixture = Fixture::new().policy(|policy| policy.ignore.clear()).released(|_| {});
    (testkit::bundle::bundle(&fixture), fixture.trust_root())
}

fn lines(bundle: &Bundle, root: &TrustRoot) -> Vec<Value> {
    let text = String::from_utf8(bundle.to_sigstore_lines(root).unwrap()).unwrap();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_envelope_is_a_line_of_its_own() {
    let (bundle, root) = made();
    let set = &bundle.evidence;
    let model: Value = serde_json::from_slice(&bundle.signatures.model).unwrap();
    let mut expected = vec![
        bundle.attestation.clone(),
        canonical::to_vec(&model["dsseEnvelope"]).unwrap(),
        bundle.policy.clone(),
        set.request.envelope.clone(),
        set.grant.envelope.clone(),
        set.training.envelope.clone(),
    ];
    expected.extend(set.scans.iter().map(|scan| scan.envelope.clone()));
    expected.extend(set.release.iter().map(|release| release.envelope.clone()));
    let lines = lines(&bundle, &root);
    assert_eq!(lines.len(), expected.len());
    for (line, envelope) in lines.iter().zip(expected) {
        assert_eq!(line["mediaType"], BUNDLE_MEDIA_TYPE);
        assert_eq!(canonical::to_vec(&line["dsseEnvelope"]).unwrap(), envelope);
    }
}

#[test]
fn the_attestation_has_the_ledgers_proof() {
    let (bundle, root) = made();
    let lines = lines(&bundle, &root);
    let entries = |line: &Value| line["verificationMaterial"]["tlogEntries"].clone();
    let [entry] = entries(&lines[0]).as_array().unwrap().clone().try_into().unwrap();
    let proof = bundle.inclusion.tlog_proof().unwrap();
    assert_eq!(entry["kindVersion"]["kind"], ENTRY_KIND);
    assert_eq!(entry["inclusionProof"]["checkpoint"]["envelope"], proof.checkpoint);
    assert_eq!(entry["inclusionProof"]["treeSize"], "5");
    assert_eq!(entry["canonicalizedBody"], STANDARD.encode(&bundle.inclusion.entry));
    let log_id = STANDARD.decode(entry["logId"]["keyId"].as_str().unwrap()).unwrap();
    assert_eq!(log_id[..4], root.ledger().unwrap().id());
    assert!(lines[1..].iter().all(|line| entries(line).as_array().unwrap().is_empty()));
    // Nothing in the lines tells the salt.
    let salt = STANDARD.encode(&bundle.inclusion.salt);
    assert!(!String::from_utf8(bundle.to_sigstore_lines(&root).unwrap()).unwrap().contains(&salt));
}

#[test]
fn what_cannot_be_written_so_is_refused() {
    let (bundle, root) = made();
    let refused = |edit: &dyn Fn(&mut Bundle, &mut TrustRoot)| {
        let (mut bundle, mut root) = (bundle.clone(), root.clone());
        edit(&mut bundle, &mut root);
        bundle.to_sigstore_lines(&root).unwrap_err()
    };
    let error = refused(&|bundle, _| bundle.evidence.grant.envelope.push(b' '));
    assert!(matches!(error, ExportError::Envelope { part: "grant", .. }), "{error}");
    let error = refused(&|bundle, _| bundle.evidence.request.certificates.clear());
    assert!(matches!(error, ExportError::Certificate("request")), "{error}");
    let error = refused(&|_, root| root.signing_keys.retain(|k| k.usage != KeyUse::Policy));
    assert!(matches!(error, ExportError::Key(KeyUse::Policy)), "{error}");
    let error = refused(&|bundle, _| bundle.inclusion.proof.clear());
    assert!(matches!(error, ExportError::Ledger(_)), "{error}");
    let error = refused(&|bundle, _| bundle.signatures.model.clear());
    assert!(matches!(error, ExportError::Write(_)), "{error}");
    assert!(Envelope::parse(&bundle.attestation, 1 << 20).is_ok());
}
