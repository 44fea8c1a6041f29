//! Writes the corpus of the targets that read what is signed, from the test kit's fixture.
//!
//! Certificates have random signatures, so each run writes other files; the rest stays the same.

mod kept;

use std::{error::Error, fs, path::Path};

use bundle::{BUNDLE_SCHEMA, Bundle, Signatures};
use envelope::Envelope;
use evidence::{Document, EvidenceSet, Revocation, TrustRoot};
use fuzz::attest_message;
use hsm::agent::{Answer, FromAgent, Request};
use ids::canonical;
use keys::SigningKey as _;
use serde_json::{Value, json};
use testkit::{
    bundle::{bundle, logged},
    evidence::{Fixture, Parts},
};

type Outcome = Result<(), Box<dyn Error>>;

/// A document as others write them: the model is described, the dataset inside of its card; and who
/// says what in both spellings.
const FOREIGN: &[u8] = br#"{"annotations":[{"bom-ref":"source/0","subjects":["m"],"text":"Observed by x: /name, /properties/a*, $/version"},{"bom-ref":"source/1","subjects":["m"],"text":"Asserted by y: everything"}],"bomFormat":"CycloneDX","citations":[{"note":"Granted by z","pointers":["/serialNumber"]}],"metadata":{"component":{"bom-ref":"m","modelCard":{"modelParameters":{"datasets":[{"name":"d","type":"dataset"}]},"quantitativeAnalysis":{"performanceMetrics":[{"slice":"train, final (epoch 2); x","type":"loss","value":"1e-3"}]}},"name":"m","properties":[{"name":"a/b","value":"1"}],"type":"machine-learning-model"}},"serialNumber":"urn:uuid:00000000-0000-0000-0000-000000000000","specVersion":"1.7","version":1}"#;

fn write(target: &str, name: &str, bytes: &[u8]) -> Outcome {
    write_in(&format!("corpus/{target}"), name, bytes)
}

fn write_in(folder: &str, name: &str, bytes: &[u8]) -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), bytes)?)
}

fn main() -> Outcome {
    let wine = Fixture::new();
    let bundle = bundle(&wine);
    write_in("fixture", "wine.json", &bundle.to_bytes()?)?;
    write("aibom", "wine.json", &bundle.aibom)?;
    write("exports", "wine.json", &bundle.aibom)?;
    write("aibom", "foreign.json", FOREIGN)?;
    write("exports", "foreign.json", FOREIGN)?;
    write("aibom", "old.json", br#"{"bomFormat":"CycloneDX","specVersion":"1.4"}"#)?;
    write("exports", "old.json", br#"{"bomFormat":"CycloneDX","specVersion":"1.4"}"#)?;
    write("bundle", "small.json", &small_bundle(&wine)?.to_bytes()?)?;
    write("bundle", "other_schema.json", &canonical::to_vec(&json!({"schema": "x"}))?)?;
    write("ledger_inclusion", "wine.json", &canonical::to_vec(&bundle.inclusion)?)?;
    write("ledger_inclusion", "empty.json", b"{}")?;
    log(&wine, &bundle.inclusion)?;

    // The predicate is any JSON to whoever reads the time, and most of the statement.
    let attestation = Envelope::parse(&bundle.attestation, usize::MAX)?;
    let mut statement: Value = serde_json::from_slice(attestation.unverified_payload())?;
    statement["predicate"] = statement["predicate"]["metadata"]["component"].take();
    write("statement", "wine.json", &canonical::to_vec(&statement)?)?;
    write("statement", "training.json", &canonical::to_vec(&wine.parts().training)?)?;

    let model = oms::Bundle::parse(&bundle.signatures.model)?;
    write("model_signature", "wine.sig", &bundle.signatures.model)?;
    write("model_signature", "wine.json", model.payload())?;
    write("model_signature", "empty.json", b"{}")?;

    let uri = |name, text: &str| write("pkcs11_uri", name, text.as_bytes());
    let paths = "module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/pin";
    uri("token", &format!("pkcs11:token=mesh;object=aibom;type=private?{paths}"))?;
    uri("id", "pkcs11:manufacturer=A%20B;serial=00ff;model=m;slot-id=7;id=%00%ff%3B")?;
    uri("pin_value", "pkcs11:token=mesh?pin-value=1234")?;

    let key_id = "ab".repeat(32).parse()?;
    let frame = |name, frame: Vec<u8>| write("agent_frame", name, frame.get(4..).unwrap_or(&[]));
    frame("find", Request::Find(key_id).encode(7)?)?;
    frame("sign", Request::Sign(key_id, b"a message").encode(8)?)?;
    frame("found", FromAgent::Answer(7, Answer::Found(vec![0x30; 44])).encode()?)?;
    frame("missing", FromAgent::Answer(7, Answer::Missing).encode()?)?;
    frame("away", FromAgent::Answer(7, Answer::Away("unplugged".to_owned())).encode()?)?;
    frame("signed", FromAgent::Answer(8, Answer::Signed(vec![9; 64])).encode()?)?;
    frame("state", FromAgent::State(Err("it is being opened".to_owned())).encode()?)?;
    write("agent_frame", "short", b"\0\0")?;

    let file: Value = serde_json::from_slice(&bundle.signatures.link)?;
    write("in_toto", "training.link", &bundle.signatures.link)?;
    write("in_toto", "submit.link", &bundle.evidence.submission.envelope)?;
    write("in_toto", "root.layout", &bundle.signatures.layout)?;
    write("in_toto", "spaced.link", &serde_json::to_vec_pretty(&file)?)?;
    write("in_toto", "empty.link", br#"{"signatures":[],"signed":{}}"#)?;

    documents(&wine, &bundle.evidence)?;
    payloads(&wine)?;
    certificates(&wine, &bundle.evidence)?;
    trust_roots(&wine)?;
    kept::write_all(&wine, &bundle.inclusion)?;
    policies()
}

/// What goes with a ledger: the proof's text, and which checkpoints count.
fn log(wine: &Fixture, inclusion: &bundle::Inclusion) -> Outcome {
    let proof = &inclusion.proof;
    write("tlog_proof", "wine", proof.as_bytes())?;
    let extra = proof.replacen("\nindex", "\nextra e30=\nindex", 1);
    write("tlog_proof", "extra", extra.as_bytes())?;
    write("tlog_proof", "short", b"c2sp.org/tlog-proof@v1\nindex 0\n\n")?;
    let policy = wine.trust_root().log_policy()?;
    write("log_policy", "wine", policy.to_string().as_bytes())?;
    let (log, witness) = (policy.log(), wine.mesh().witness_cosigner_key());
    let single = format!("# comment\nwitness A\t{witness} https://w\nlog {log}\nquorum A\n");
    write("log_policy", "single", single.as_bytes())?;
    write("log_policy", "unnamed", format!("log {log}\nquorum A\n").as_bytes())?;
    write("log_policy", "none", format!("log {log}\nquorum none\n").as_bytes())?;
    write("checkpoint_note", "cosigner_key", witness.to_string().as_bytes())
}

/// A bundle with little in it but what is signed and logged: it can be exported.
fn small_bundle(wine: &Fixture) -> Result<Bundle, Box<dyn Error>> {
    let document = || wine.mesh().user.sign("application/x", &json!({}));
    let key = wine.mesh().platform_key();
    let attestation = Envelope::seal("application/x", b"{}".to_vec(), &key)?.as_bytes().to_vec();
    Ok(Bundle {
        schema: BUNDLE_SCHEMA.to_owned(),
        aibom: b"{}".to_vec(),
        inclusion: logged(wine, &attestation, wine.at()),
        attestation,
        signatures: Signatures { model: b"{}".to_vec(), link: vec![2], layout: vec![3] },
        evidence: EvidenceSet {
            request: document(),
            grant: document(),
            training: document(),
            scans: vec![document(), document()],
            submission: document(),
            release: Some(document()),
        },
        policy: wine.policy_bytes(),
    })
}

fn documents(wine: &Fixture, set: &EvidenceSet) -> Outcome {
    let second = Fixture::new().number(2).set();
    let two_scans = [set.scans.clone(), second.scans].concat();
    write("attest_request", "wine.pb", &attest_message(set.clone()))?;
    let set_of_two = EvidenceSet { scans: two_scans, ..set.clone() };
    write("attest_request", "two_scans.pb", &attest_message(set_of_two))?;
    write("attest_request", "empty.pb", &[])?;

    write("dsse_envelope", "request.json", &set.request.envelope)?;
    write("dsse_envelope", "grant.json", &set.grant.envelope)?;
    let scan = set.scans.first().ok_or("no scan")?;
    write("dsse_envelope", "scan.json", &scan.envelope)?;
    let stranger = wine.wrong_ca().user.sign("application/x", &json!({}));
    write("dsse_envelope", "stranger.json", &stranger.envelope)?;
    let bare = br#"{"payload":"","payloadType":"","signatures":[]}"#;
    write("dsse_envelope", "unsigned.json", bare)
}

fn payloads(wine: &Fixture) -> Outcome {
    let Parts { request, grant, training, scans, submission, release: _ } = wine.parts();
    let documents = [
        ("request", canonical::to_vec(&request)?),
        ("grant", canonical::to_vec(&grant)?),
        ("training", canonical::to_vec(&training)?),
        ("scan", canonical::to_vec(scans.first().ok_or("no scan")?)?),
    ];
    for (name, payload) in documents {
        write(name, "wine.json", &payload)?;
        write(name, "spaced.json", &[b" ", payload.as_slice()].concat())?;
        write("evidence_set", &format!("{name}.json"), &payload)?;
    }
    write("evidence_set", "submission.json", &canonical::to_vec(&submission)?)?;
    write("evidence_set", "empty.json", b"{}")
}

fn certificates(wine: &Fixture, set: &EvidenceSet) -> Outcome {
    let leaf = |document: &Document| document.certificates.concat();
    let (user, executor) = (leaf(&set.request), leaf(&set.training));
    let (scheduler, root) = (leaf(&set.grant), wine.mesh().ca.certificate_der());
    let stranger = wine.wrong_ca().user.certificate_der;
    let chain = |ders: &[&[u8]]| -> Result<Vec<u8>, Box<dyn Error>> {
        let mut packed = Vec::new();
        for der in ders {
            packed.extend_from_slice(&u16::try_from(der.len())?.to_le_bytes());
            packed.extend_from_slice(der);
        }
        Ok(packed)
    };
    for (name, der) in [("user.der", &user), ("executor.der", &executor), ("ca.der", &root)] {
        write("certificate", name, der)?;
    }
    write("certificate", "scheduler.der", &scheduler)?;
    write("certificate", "stranger.der", &stranger)?;
    write("certificate_chain", "leaf", &chain(&[&executor])?)?;
    write("certificate_chain", "with_root", &chain(&[&executor, &root])?)?;
    write("certificate_chain", "with_others", &chain(&[&user, &scheduler, &executor])?)?;
    write("certificate_chain", "reversed", &chain(&[&root, &user])?)?;
    write("certificate_chain", "stranger", &chain(&[&stranger, &root])?)
}

fn trust_roots(wine: &Fixture) -> Outcome {
    let mesh = wine.mesh();
    let first = mesh.trust_root();
    let mut second = TrustRoot { version: 2, ..first.clone() };
    let revoked = Revocation { since: wine.at(), reason: "a drill".to_owned() };
    let key = mesh.executor.key.public_key().key_id();
    second.revoked_identities.push(evidence::RevokedIdentity { key, revoked: revoked.clone() });
    if let Some(entry) = second.signing_keys.last_mut() {
        entry.revoked = Some(revoked);
    }
    write("trust_root", "version_1.json", &mesh.seal_root(&first))?;
    write("trust_root", "version_2.json", &mesh.seal_root(&second))?;
    write("trust_root", "payload_1.json", &canonical::to_vec(&first)?)?;
    write("trust_root", "payload_2.json", &canonical::to_vec(&second)?)?;
    write("trust_root", "other_domain.json", &{
        let other = TrustRoot { trust_domain: "other.test".to_owned(), ..first };
        canonical::to_vec(&other)?
    })?;
    write("trust_root", "empty.json", b"{}")
}

fn policies() -> Outcome {
    let held = Fixture::new().policy(|policy| policy.ignore.clear()).released(|_| {});
    let release = held.parts().release.ok_or("no release")?;
    write("release", "wine.json", &canonical::to_vec(&release)?)?;
    let none = evidence::Release { violations: Vec::new(), ..release };
    write("release", "of_nothing.json", &canonical::to_vec(&none)?)?;
    let wine = Fixture::new();
    let policy = wine.signed_policy().policy().clone();
    write("policy", "wine.json", &canonical::to_vec(&policy)?)?;
    write("policy", "wine.dsse.json", &wine.policy_bytes())?;
    write("policy", "stranger.dsse.json", &policy.seal(&wine.wrong_ca().policy_key())?)?;
    let strict = policy::Policy {
        max_database_age_days: Some(1),
        max_scan_age_days: Some(1),
        licences: policy::LicenceRule {
            deny: vec!["MIT".to_owned(), "GPL-2.0-only".to_owned()],
            deny_unstated: true,
        },
        complete: evidence::ScanTarget::ALL.to_vec(),
        ..policy
    };
    write("policy", "strict.json", &canonical::to_vec(&strict)?)?;
    write("policy", "empty.json", b"{}")
}
