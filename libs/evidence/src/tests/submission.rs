//! The submission: what it names, and that only its one spelling is taken.

use std::sync::LazyLock;

use ids::Sha256Digest;
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::evidence::Fixture;

use super::{checked, cross};
use crate::{EvidenceSet, SUBMIT_STEP, submit_link};

/// The first failure of the fixture's set with another submission file.
fn failure_with(change: impl Fn(Value) -> Vec<u8>) -> Option<String> {
    let fixture = Fixture::new();
    let mut set: EvidenceSet = cross(&fixture.set());
    set.submission.envelope = change(serde_json::from_slice(&set.submission.envelope).unwrap());
    let (checks, _) = checked(&set, &cross(&fixture.trust_root()), fixture.at());
    checks.first_failure().map(|failed| failed.name.clone())
}

#[test]
fn it_names_inputs_image_and_request_and_nothing_else() {
    let fixture = Fixture::new();
    let (request, set) = (fixture.parts().request, fixture.set());
    let link = submit_link(&cross(&request), set.request.digest());
    assert_eq!(link["name"], SUBMIT_STEP);
    assert_eq!((&link["materials"], &link["command"]), (&json!({}), &json!([])));
    let inputs = &request.spec.inputs;
    assert_eq!(
        link["products"],
        json!({
            "artifacts/inputs/model.keras": { "sha256": inputs.model.sha256 },
            "artifacts/inputs/wine.csv": { "sha256": inputs.dataset.sha256 },
            "artifacts/inputs/definition.yaml": { "sha256": inputs.definition.sha256 },
            "trainer-image": { "sha256": request.spec.trainer.image.digest() },
            "evidence/request.dsse.json": { "sha256": set.request.digest() },
        })
    );
}

#[test]
fn its_file_name_and_signer_are_part_of_the_set() {
    let fixture = Fixture::new();
    let verified = fixture.verified();
    let (name, digest) = verified.digests().last().unwrap();
    let file: Value = serde_json::from_slice(&fixture.set().submission.envelope).unwrap();
    let keyid = file["signatures"][0]["keyid"].as_str().unwrap();
    assert_eq!(*name, format!("submit.{}.link", &keyid[..8]));
    assert_eq!(*digest, fixture.set().submission.digest());
    let (id, key) = verified.signers().last().unwrap();
    assert_eq!(id, "spiffe://mesh.test/scheduler/main");
    assert_eq!(key, verified.submitter());
    let fixture = Fixture::new();
    let two = "spiffe://mesh.test/scheduler/two".parse().unwrap();
    let two = fixture.mesh().ca.party_of(&two, |_| {});
    let other = fixture.signer(testkit::evidence::Part::Submission, two).verified();
    assert_ne!(other.set_digest(), verified.set_digest());
}

#[test]
fn only_one_spelling_is_taken() {
    type Spoil = fn(Value) -> Vec<u8>;
    let spoilt: [(&str, Spoil); 8] = [
        ("pretty", |file| serde_json::to_vec_pretty(&file).unwrap()),
        ("a line end", |file| format!("{file}\n").into_bytes()),
        ("another member", |mut file| {
            file["more"] = json!(1);
            file.to_string().into_bytes()
        }),
        ("two signatures", |mut file| {
            let signature = file["signatures"][0].clone();
            file["signatures"] = json!([signature, signature]);
            file.to_string().into_bytes()
        }),
        ("no signature", |mut file| {
            file["signatures"] = json!([]);
            file.to_string().into_bytes()
        }),
        ("upper case", |mut file| {
            let sig = file["signatures"][0]["sig"].as_str().unwrap().to_uppercase();
            file["signatures"][0]["sig"] = json!(sig);
            file.to_string().into_bytes()
        }),
        ("another key's name", |mut file| {
            file["signatures"][0]["keyid"] = json!("00");
            file.to_string().into_bytes()
        }),
        ("nothing", |_| Vec::new()),
    ];
    assert_eq!(failure_with(|file| file.to_string().into_bytes()), None);
    for (what, change) in spoilt {
        assert_eq!(failure_with(change).as_deref(), Some("submission.content"), "{what}");
    }
    let broken = failure_with(|mut file| {
        file["signatures"][0]["sig"] = json!("00");
        file.to_string().into_bytes()
    });
    assert_eq!(broken.as_deref(), Some("submission.signature"));
}

#[test]
fn a_signature_by_another_scheduler_under_this_certificate_is_refused() {
    let fixture = Fixture::new();
    let mut set: EvidenceSet = cross(&fixture.set());
    let two =
        fixture.mesh().ca.party_of(&"spiffe://mesh.test/scheduler/two".parse().unwrap(), |_| {});
    set.submission.envelope = two.sign_link(&fixture.parts().submission).envelope;
    let (checks, _) = checked(&set, &cross(&fixture.trust_root()), fixture.at());
    assert_eq!(checks.first_failure().unwrap().name, "submission.content");
}

/// Names are patterns in a layout's rules: none that is let through can be one.
#[test]
fn no_name_is_a_pattern() {
    for name in ["a*", "a?", "[a]", "a b", "a/b"] {
        let input = Fixture::new().request(move |r| r.spec.inputs.dataset.name = name.to_owned());
        assert_eq!(super::first_failure(&input).as_deref(), Some("request.specification"));
        let output = Fixture::new().training(move |t| t.subject[0].name = Some(name.to_owned()));
        assert_eq!(super::first_failure(&output).as_deref(), Some("training.outputs"));
    }
}

static REQUEST: LazyLock<(job::Request, Sha256Digest)> = LazyLock::new(|| {
    let fixture = Fixture::new();
    (cross(&fixture.parts().request), fixture.set().request.digest())
});

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_request_is_another_link(change in 0_usize..5, text in "[a-z]{1,16}") {
        let (mut request, envelope) = REQUEST.clone();
        let link = submit_link(&request, envelope);
        prop_assert_eq!(&link, &submit_link(&request, envelope));
        let digest = Sha256Digest::of(text.as_bytes());
        let mut other = envelope;
        match change {
            0 => request.spec.inputs.model.sha256 = digest,
            1 => request.spec.inputs.dataset.name.push_str(&text),
            2 => request.spec.inputs.definition.sha256 = digest,
            3 => request.spec.trainer.image = format!("sha256:{digest}").parse().unwrap(),
            _ => other = digest,
        }
        prop_assert_ne!(link, submit_link(&request, other));
    }
}
