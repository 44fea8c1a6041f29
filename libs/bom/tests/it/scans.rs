//! Vulnerabilities, and that what was not scanned never looks clean.

use evidence::{Completeness, Finding};
use serde_json::json;
use testkit::evidence::Fixture;

pub(crate) fn incomplete(reason: &'static str) -> Fixture {
    // The policy holds it: an approver lets it out.
    Fixture::new().released(|_| ()).scans(move |scans| {
        let predicate = &mut scans[0].predicate;
        predicate.aibom.completeness = Completeness::Incomplete;
        predicate.aibom.reason = reason.to_owned();
        predicate.scanner.result.clear();
        predicate.scanner.db = None;
        predicate.aibom.database_sha256 = None;
    })
}

#[test]
fn vulnerabilities_point_at_packages_with_versions_and_ratings() {
    let bom = crate::aibom(&Fixture::new());
    let found = &bom["vulnerabilities"][1];
    assert_eq!(found["id"], "CVE-2026-1669");
    assert_eq!(found["source"]["url"], "https://nvd.nist.gov/vuln/detail/CVE-2026-1669");
    assert_eq!(found["ratings"][0]["severity"], "critical");
    assert_eq!(found["ratings"][0]["source"]["name"], "nvd");
    assert_eq!(found["affects"][0]["ref"], "pkg:pypi/keras@3.15.1");
    assert_eq!(found["affects"][0]["versions"][0]["version"], "3.15.1");
    assert_eq!(found["recommendation"], "Update pkg:pypi/keras@3.15.1 to 3.16.0.");
}

#[test]
fn an_incomplete_scan_never_looks_clean() {
    let text = "not scanned: no vulnerability database";
    let bom = crate::aibom(&incomplete("no vulnerability database"));
    assert_eq!(crate::schema::errors(&bom), Vec::<String>::new());
    assert_eq!(crate::property(&bom["metadata"], "aibom:scan:0:status"), Some(text));
    let annotations = bom["annotations"].as_array().unwrap();
    assert!(annotations.iter().any(|a| a["text"].as_str().unwrap().starts_with(text)));
    let compositions = bom["compositions"].as_array().unwrap();
    let aggregate =
        |name: &str| &compositions.iter().find(|c| c["bom-ref"] == name).unwrap()["aggregate"];
    assert_eq!(aggregate("composition/image"), "incomplete");
    assert_eq!(aggregate("composition/vulnerabilities"), "incomplete");
}

#[test]
fn a_complete_scan_is_not_called_free_of_vulnerabilities() {
    let bom = crate::aibom(&Fixture::new());
    let compositions = bom["compositions"].as_array().unwrap();
    let named = |name: &str| compositions.iter().find(|c| c["bom-ref"] == name).unwrap();
    assert_eq!(named("composition/vulnerabilities")["aggregate"], "unknown");
    // Files that no package manager records are not seen, however complete a scan is.
    let image = json!({"aggregate": "unknown", "bom-ref": "composition/image",
                       "dependencies": ["image/trainer"]});
    assert_eq!(named("composition/image"), &image);
}

#[test]
fn findings_are_joined_and_point_somewhere_even_outside_the_inventory() {
    let fixture = Fixture::new().released(|_| ()).scans(|scans| {
        let mut second = scans[0].clone();
        let finding = |purl: &str, installed: &str| Finding {
            purl: purl.to_owned(),
            installed: installed.to_owned(),
            fixed: "9".to_owned(),
        };
        second.predicate.scanner.result[1].annotations =
            vec![finding("pkg:pypi/unlisted@1", "1"), finding("pkg:pypi/keras@3.15.1", "3.15.2")];
        scans.push(second);
    });
    let bom = crate::aibom(&fixture);
    assert_eq!(crate::schema::errors(&bom), Vec::<String>::new());
    crate::references::check(&bom);
    let affects = bom["vulnerabilities"][1]["affects"].as_array().unwrap();
    assert_eq!(affects.len(), 2);
    assert_eq!(affects[0]["versions"].as_array().unwrap().len(), 2);
    assert_eq!(bom["vulnerabilities"][1]["ratings"].as_array().unwrap().len(), 1);
}
