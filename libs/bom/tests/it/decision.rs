//! Who let it out, by which policy, and in spite of what.

use evidence::{Completeness, ScanTarget};
use job::CycloneDx;
use policy::Policy;
use serde_json::{Value, json};
use testkit::evidence::Fixture;

/// Everything that `find` puts in is held by the standard policy; an approver lets it out.
fn in_spite_of_findings() -> Fixture {
    Fixture::new().policy(|policy| policy.ignore.clear()).released(|release| {
        "not reachable from the trainer".clone_into(&mut release.reason);
    })
}

fn notes<'a>(bom: &'a Value, begin: &str) -> Vec<&'a Value> {
    let all = bom["annotations"].as_array().unwrap().iter();
    all.filter(|note| note["bom-ref"].as_str().unwrap().starts_with(begin)).collect()
}

/// The document holds by the schema, its references and its sources, in both versions.
pub(crate) fn holds(fixture: impl Fn() -> Fixture) -> Value {
    let [old, new] = [CycloneDx::V1_6, CycloneDx::V1_7].map(|version| {
        let fixture = fixture().request(move |r| r.spec.aibom.cyclone_dx = version);
        let bom = crate::aibom(&fixture);
        assert_eq!(crate::schema::errors(&bom), Vec::<String>::new());
        crate::references::check(&bom);
        crate::sources::check(&bom);
        bom
    });
    assert_eq!(old["vulnerabilities"], new["vulnerabilities"]);
    old
}

#[test]
fn a_released_aibom_names_its_policy_and_what_that_ignores() {
    let fixture = Fixture::new();
    let bom = holds(Fixture::new);
    let fact = |name: &str| crate::property(&bom["metadata"], &format!("aibom:{name}"));
    let digest = fixture.signed_policy().digest().to_hex();
    assert_eq!(fact("policy:name"), Some("standard"));
    assert_eq!(fact("policy:version"), Some("1"));
    assert_eq!(fact("policy:sha256"), Some(digest.as_str()));
    assert_eq!(fact("decision"), Some("released"));
    let ignored = Some("vulnerability CVE-2026-1669 pkg:pypi/keras@3.15.1");
    assert_eq!(fact("decision:ignored"), ignored);
    assert_eq!(fact("decision:accepted"), None);
    let found = &bom["vulnerabilities"][1];
    let detail = found["analysis"]["detail"].as_str().unwrap();
    assert!(detail.contains("refused before Keras reads them"), "{detail}");
    assert!(detail.contains("until 2026-12-20T10:00:00.000Z"), "{detail}");
    assert_eq!(found["analysis"]["state"], Value::Null, "nobody said that it is not affected");
    assert_eq!(crate::property(found, "aibom:ignored"), Some("pkg:pypi/keras@3.15.1"));
    let notes = notes(&bom, "ignored/");
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0]["subjects"], json!(["vulnerability/CVE-2026-1669"]));
    let policy = bom["externalReferences"].as_array().unwrap().iter();
    let policy = policy.filter(|r| r["url"] == "evidence/policy.dsse.json").collect::<Vec<_>>();
    assert_eq!(policy[0]["hashes"][0]["content"], digest);
    let key = fixture.signed_policy().key();
    let key = crate::component(&bom, &format!("key/{key}"));
    assert_eq!(key["name"], "release policy");
    assert_eq!(crate::property(key, "aibom:key:signed"), Some("evidence/policy.dsse.json"));
}

#[test]
fn a_release_in_spite_of_findings_is_seen_at_once() {
    let bom = holds(in_spite_of_findings);
    let fact = |name: &str| crate::property(&bom["metadata"], &format!("aibom:{name}"));
    assert_eq!(fact("decision"), Some("released-by-approver"));
    assert_eq!(fact("decision:reason"), Some("not reachable from the trainer"));
    assert_eq!(fact("decision:decidedAt"), Some("2026-11-20T10:00:00.000Z"));
    let approver = in_spite_of_findings().verified().approver().unwrap().to_owned();
    assert_eq!(fact("decision:approver"), Some(approver.as_str()));
    let key = "vulnerability CVE-2026-1669 pkg:pypi/keras@3.15.1";
    assert_eq!(fact("decision:accepted"), Some(key));
    let note = notes(&bom, "released");
    let text = note[0]["text"].as_str().unwrap();
    assert!(text.starts_with("Released in spite of 1 findings"), "{text}");
    assert!(text.contains(&approver) && text.ends_with("not reachable from the trainer"));
    assert_eq!(note[0]["subjects"], json!(["release", "vulnerability/CVE-2026-1669"]));
    let detail = bom["vulnerabilities"][1]["analysis"]["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("Accepted by {approver} on 2026-11-20")), "{detail}");
    assert_eq!(bom["vulnerabilities"][0]["analysis"], Value::Null, "it was not held for that");
    let map = bom["declarations"]["attestations"][0]["map"].as_array().unwrap();
    let last = map.last().unwrap();
    assert_eq!(last["counterClaims"], json!(["counter-claim/released-by-policy"]));
    assert_eq!(last["conformance"]["score"], 0);
    let url = bom["externalReferences"].as_array().unwrap().iter().map(|r| &r["url"]);
    assert!(url.into_iter().any(|url| url == "evidence/release.dsse.json"));
}

#[test]
fn a_release_that_was_not_needed_says_nothing() {
    let bom = holds(|| Fixture::new().released(|r| r.violations = vec!["file a b".to_owned()]));
    assert_eq!(crate::property(&bom["metadata"], "aibom:decision"), Some("released"));
    assert!(notes(&bom, "released").is_empty());
    assert_eq!(crate::property(&bom["metadata"], "aibom:decision:reason"), None);
}

#[test]
fn every_kind_of_finding_that_was_accepted_is_named_where_it_is() {
    let bom = holds(|| {
        in_spite_of_findings()
            .policy(|policy| {
                policy.licences.deny = vec!["PSF-2.0".to_owned()];
                policy.complete = vec![ScanTarget::Outputs];
            })
            .scans(|scans| {
                crate::findings::everywhere(scans);
                let outputs = &mut scans[2].predicate.aibom;
                outputs.completeness = Completeness::Incomplete;
                "out of time".clone_into(&mut outputs.reason);
            })
    });
    let properties = bom["metadata"]["properties"].as_array().unwrap().iter();
    let accepted = properties.filter(|p| p["name"] == "aibom:decision:accepted");
    let mut kinds: Vec<&str> =
        accepted.map(|p| p["value"].as_str().unwrap().split(' ').next().unwrap()).collect();
    kinds.dedup();
    let all = ["completeness", "file", "secret", "vulnerability", "misconfiguration", "licence"];
    assert_eq!(kinds, all);
    let subjects = notes(&bom, "released")[0]["subjects"].to_string();
    for part in ["image/trainer", "input/model", "output/model.keras", "python3.11", "release"] {
        assert!(subjects.contains(part), "{part}: {subjects}");
    }
}

#[test]
fn another_policy_gives_another_aibom() {
    let other = Fixture::new().policy(|policy| policy.version = 2);
    assert_ne!(Fixture::new().aibom(), other.aibom());
    let standard = |policy: &mut Policy| policy.name = "other".to_owned();
    assert_ne!(Fixture::new().aibom(), Fixture::new().policy(standard).aibom());
}
