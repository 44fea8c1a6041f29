//! The training link and the layout: exact names, and every change of a link refused.

use bom::{AIBOM_FILE_NAME, Aibom, LAYOUT_VALIDITY_MS, assemble, layout, training_link};
use envelope::link::{functionary_key, sign_metadata, verify_links};
use evidence::VerifiedEvidence;
use ids::Timestamp;
use keys::SigningKey as _;
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::evidence::{Fixture, Part};

/// What a signer would leave, before and after signing.
struct Made {
    fixture: Fixture,
    evidence: VerifiedEvidence,
    aibom: Aibom,
    training: Value,
    layout: Value,
    submit: Vec<u8>,
    at: Timestamp,
}

impl Made {
    fn of(fixture: Fixture) -> Self {
        let evidence = fixture.verified();
        let aibom = assemble(&evidence, &fixture.decision()).unwrap();
        let platform = fixture.mesh().platform_key();
        let training = training_link(&evidence, &aibom).unwrap();
        let layout = layout(&evidence, &aibom, fixture.at(), platform.public_key()).unwrap();
        let (submit, at) = (fixture.set().submission.envelope, fixture.at());
        Self { fixture, evidence, aibom, training, layout, submit, at }
    }

    /// The names of the checks that failed.
    fn failures(&self) -> Vec<String> {
        let mesh = self.fixture.mesh();
        let training = sign_metadata(&self.training, &mesh.platform_key()).unwrap();
        let layout = sign_metadata(&self.layout, &mesh.layout_key()).unwrap();
        let links = [self.submit.as_slice(), &training];
        let checks = verify_links(&links, &layout, mesh.layout_key().public_key(), self.at);
        checks.into_iter().filter(|check| !check.passed).map(|check| check.name).collect()
    }
}

#[test]
fn they_hold_together_for_a_year() {
    let mut made = Made::of(Fixture::new());
    assert_eq!(made.failures(), Vec::<String>::new());
    assert_eq!(made.layout["expires"], "2027-11-20T10:00:00Z");
    made.at = made.fixture.at().plus_ms(LAYOUT_VALIDITY_MS - 1);
    assert_eq!(made.failures(), Vec::<String>::new());
    made.at = made.fixture.at().plus_ms(LAYOUT_VALIDITY_MS);
    assert_eq!(made.failures(), ["layout.expiry"]);
}

#[test]
fn every_artifact_has_its_exact_name() {
    let made = Made::of(Fixture::new());
    let names = |side: &str| -> Vec<String> {
        made.training[side].as_object().unwrap().keys().cloned().collect()
    };
    let submit: Value = serde_json::from_slice(&made.submit).unwrap();
    assert_eq!(made.training["materials"], submit["signed"]["products"]);
    assert_eq!(
        names("products"),
        [
            AIBOM_FILE_NAME,
            "artifacts/outputs/metrics.json",
            "artifacts/outputs/model.keras",
            "artifacts/outputs/preprocessing.json",
            "artifacts/outputs/split.json",
            "artifacts/outputs/training.log",
        ]
    );
    let digest = &made.training["products"][AIBOM_FILE_NAME];
    assert_eq!(*digest, json!({ "sha256": made.aibom.digests().sha256 }));
    assert_eq!(made.training["byproducts"], json!({ "return-value": 0 }));
    let container = &made.evidence.training().predicate.run_details.observed.container;
    assert_eq!(made.training["command"], json!(container.command));
}

#[test]
fn the_rules_name_every_artifact_and_end_with_disallow() {
    let made = Made::of(Fixture::new());
    let steps = made.layout["steps"].as_array().unwrap();
    let [submit, training] = steps.as_slice() else { panic!("{} steps", steps.len()) };
    assert_eq!(submit["expected_materials"], json!([["DISALLOW", "*"]]));
    for (step, side, artifacts) in [
        (submit, "expected_products", &made.training["materials"]),
        (training, "expected_materials", &made.training["materials"]),
        (training, "expected_products", &made.training["products"]),
    ] {
        let mut wanted = Vec::new();
        for name in artifacts.as_object().unwrap().keys() {
            wanted.push(json!(["REQUIRE", name]));
            wanted.push(if side == "expected_materials" {
                json!(["MATCH", name, "WITH", "PRODUCTS", "FROM", "submit"])
            } else {
                json!(["CREATE", name])
            });
        }
        wanted.push(json!(["DISALLOW", "*"]));
        assert_eq!(step[side], json!(wanted));
    }
    let (submitter, _) = functionary_key(made.evidence.submitter());
    let (platform, _) = functionary_key(made.fixture.mesh().platform_key().public_key());
    assert_eq!(submit["pubkeys"], json!([submitter]));
    assert_eq!(training["pubkeys"], json!([platform]));
    assert_ne!(submitter, platform);
    assert_eq!(made.layout["keys"].as_object().unwrap().len(), 2);
}

#[test]
fn a_link_with_other_artifacts_is_refused_whoever_signs_it() {
    let zero = || json!({ "sha256": "00" });
    type Spoil = fn(&mut Value, Value);
    let cases: [(&str, Spoil); 6] = [
        ("link.1.products", |l, zero| l["products"]["artifacts/outputs/x"] = zero),
        ("link.1.products", |l, _| {
            drop(l["products"].as_object_mut().unwrap().remove("aibom.cdx.json"));
        }),
        ("link.1.materials", |l, zero| l["materials"]["trainer-image"] = zero),
        ("link.1.materials", |l, zero| l["materials"]["more"] = zero),
        ("link.1.materials", |l, _| l["materials"] = json!({})),
        ("link.1.command", |l, _| l["command"] = json!(["sh"])),
    ];
    for (name, spoil) in cases {
        let mut made = Made::of(Fixture::new());
        spoil(&mut made.training, zero());
        assert_eq!(made.failures(), [name]);
    }
}

#[test]
fn the_submission_of_another_job_or_scheduler_is_refused() {
    let mut made = Made::of(Fixture::new());
    let other =
        Fixture::new().request(|r| r.spec.inputs.dataset.sha256 = r.spec.inputs.model.sha256);
    made.submit = other.set().submission.envelope;
    assert_eq!(made.failures(), ["link.1.materials"]);
    let impostor = Fixture::new().wrong_ca().scheduler;
    made.submit = Fixture::new().signer(Part::Submission, impostor).set().submission.envelope;
    assert_eq!(made.failures(), ["link.0.signature"]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(24)
    })]

    #[test]
    fn any_names_that_the_rules_let_through_hold(
        outputs in proptest::collection::btree_set("[A-Za-z0-9_-][A-Za-z0-9._-]{0,40}", 0..12),
        input in "[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}",
        command in proptest::collection::vec(any::<String>(), 0..4),
    ) {
        let taken = ["model.keras", "definition.yaml"].contains(&input.as_str());
        prop_assume!(!taken);
        let fixture = Fixture::new()
            .request(move |r| r.spec.inputs.dataset.name.clone_from(&input))
            .training(move |t| {
                let details = &mut t.predicate.run_details;
                details.observed.container.command.clone_from(&command);
                let first = t.subject[0].clone();
                let known = |n: &str| t.subject.iter().any(|s| s.name.as_deref() == Some(n));
                let new: Vec<_> = outputs
                    .iter()
                    .filter(|n| !known(n) && !["aibom.cdx.json", "training.log"].contains(&n.as_str()))
                    .map(|n| envelope::ResourceDescriptor { name: Some(n.clone()), ..first.clone() })
                    .collect();
                t.subject.extend(new);
            });
        let made = Made::of(fixture);
        prop_assert_eq!(made.failures(), Vec::<String>::new());
        let again = training_link(&made.evidence, &made.aibom).unwrap();
        prop_assert_eq!(again, made.training);
    }
}
