//! Claims stand only where the evidence holds them, and each names it.

use evidence::Trained;
use serde_json::Value;
use testkit::evidence::Fixture;

const ALL: [&str; 10] = [
    "no-network",
    "read-only-root",
    "no-privileges",
    "not-root",
    "limited",
    "inputs-by-digest",
    "model-without-code",
    "packages-scanned",
    "files-inspected",
    "released-by-policy",
];

/// The requirements that are not met; each is mapped once, to a claim or to a counter claim.
fn unmet(bom: &Value) -> Vec<String> {
    let declarations = &bom["declarations"];
    let map = declarations["attestations"][0]["map"].as_array().unwrap();
    assert_eq!(map.len(), ALL.len());
    let mut out = Vec::new();
    for (mapping, name) in map.iter().zip(ALL) {
        assert_eq!(mapping["requirement"], format!("standard/aibom-sandbox/{name}"));
        let met = mapping["conformance"]["score"] == 1;
        let (list, other, kind) = if met {
            ("claims", "counterClaims", "claim")
        } else {
            ("counterClaims", "claims", "counter-claim")
        };
        assert_eq!(mapping[list][0], format!("{kind}/{name}"));
        assert!(mapping[other].is_null());
        if !met {
            out.push(name.to_owned());
        }
    }
    out
}

#[test]
fn a_good_run_meets_every_requirement() {
    let bom = crate::aibom(&Fixture::new());
    assert_eq!(unmet(&bom), Vec::<String>::new());
    let requirements = bom["definitions"]["standards"][0]["requirements"].as_array().unwrap();
    let named: Vec<&str> = requirements.iter().map(|r| r["identifier"].as_str().unwrap()).collect();
    assert_eq!(named, ALL);
    let said = bom["declarations"]["claims"][7]["predicate"].as_str().unwrap();
    assert_eq!(said, "Every package that the image's package managers record is listed.");
}

#[test]
fn every_claim_names_its_evidence_by_url_and_digest() {
    let fixture = Fixture::new();
    let bom = crate::aibom(&fixture);
    let evidence = fixture.verified();
    let shown = bom["declarations"]["evidence"].as_array().unwrap();
    for (part, name) in shown.iter().zip(ALL) {
        let documents = match name {
            "packages-scanned" => 3..4,
            "files-inspected" => 4..6,
            "released-by-policy" => 0..0,
            _ => 2..3,
        };
        let mut said = Vec::new();
        for (at, index) in documents.clone().enumerate() {
            let (document, digest) = &evidence.digests()[index];
            let url = format!("evidence/{document}");
            assert_eq!(part["data"][at]["contents"]["url"], url);
            said.push(format!("{document} sha256:{digest}"));
            assert_eq!(part["author"]["name"], evidence.signers()[index].0);
        }
        if documents.is_empty() {
            let digest = fixture.signed_policy().digest();
            assert_eq!(part["data"][0]["contents"]["url"], "evidence/policy.dsse.json");
            said.push(format!("policy.dsse.json sha256:{digest}"));
        }
        assert_eq!(part["description"], said.join(", "));
    }
}

#[test]
fn an_incomplete_scan_is_a_counter_claim() {
    let bom = crate::aibom(&crate::scans::incomplete("no database"));
    // The policy wants it complete, and an approver let it out.
    assert_eq!(unmet(&bom), ["packages-scanned", "released-by-policy"]);
    assert_eq!(crate::schema::errors(&bom), Vec::<String>::new());
    crate::references::check(&bom);
}

#[test]
fn a_model_that_was_not_read_or_holds_code_is_a_counter_claim() {
    let unread = Fixture::new().training(|training| {
        let observed = &mut training.predicate.run_details.observed;
        observed.trained = Trained::Unreadable("no weights".to_owned());
    });
    let with_code = Fixture::new().training(|training| {
        let observed = &mut training.predicate.run_details.observed;
        observed.model.layers[1].class_name = "Lambda".to_owned();
    });
    let other = Fixture::new().training(|training| {
        let observed = &mut training.predicate.run_details.observed;
        observed.model.format = "pickle".to_owned();
    });
    for fixture in [unread, with_code, other] {
        let bom = crate::aibom(&fixture);
        assert_eq!(unmet(&bom), ["model-without-code"]);
        assert_eq!(crate::schema::errors(&bom), Vec::<String>::new());
        crate::references::check(&bom);
        crate::sources::check(&bom);
    }
}
