//! The report on what is known of an image today.

use evidence::{Completeness, ScanStatement, ScanTarget};
use report::{Aibom, VdrError, vdr};
use serde_json::Value;
use testkit::evidence::Fixture;

/// A scan of the fixture's image for its own sake, in which a new vulnerability is found.
fn rescan(edit: impl Fn(&mut ScanStatement)) -> ScanStatement {
    let mut scan = Fixture::new().parts().scans.remove(0);
    scan.predicate.aibom.run = None;
    let mut new = scan.predicate.scanner.result[0].clone();
    new.id = "CVE-2027-0001".to_owned();
    new.annotations[0].purl = "pkg:pypi/unlisted@1".to_owned();
    scan.predicate.scanner.result.push(new);
    edit(&mut scan);
    scan
}

fn read(bytes: &[u8]) -> Value {
    let value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(crate::bsi::errors(&value), Vec::<String>::new());
    value
}

#[test]
fn a_report_links_into_the_aibom_and_says_what_is_new() {
    let aibom = Aibom::parse(Fixture::new().aibom().as_bytes()).unwrap();
    let bytes = vdr(&rescan(|_| ()), 3, Some(&aibom)).unwrap();
    assert_eq!(bytes, vdr(&rescan(|_| ()), 3, Some(&aibom)).unwrap());
    let report = read(&bytes);
    assert_eq!(ids::canonical::to_vec(&report).unwrap(), bytes);
    assert_eq!(report["version"], 3);
    let serial = aibom.text("/serialNumber").strip_prefix("urn:uuid:").unwrap();
    let found = report["vulnerabilities"].as_array().unwrap();
    assert_eq!(found.len(), 3);
    let keras = found[1]["affects"][0]["ref"].as_str().unwrap();
    assert!(keras.starts_with(&format!("urn:cdx:{serial}/1#pkg")), "{keras}");
    assert_eq!(found[1]["properties"][0]["value"], "known when it was signed");
    assert_eq!(found[2]["properties"][0]["value"], "became known since");
    assert_eq!(found[2]["affects"][0]["ref"], "pkg:pypi/unlisted@1");
    assert_eq!(report["components"].as_array().unwrap().len(), 1);
}

#[test]
fn without_an_aibom_it_names_the_packages_itself() {
    let report = read(&vdr(&rescan(|_| ()), 1, None).unwrap());
    let names: Vec<_> = report["components"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 3);
    for found in report["vulnerabilities"].as_array().unwrap() {
        let at = &found["affects"][0]["ref"];
        assert!(names.iter().any(|component| component["bom-ref"] == *at), "{at}");
    }
    assert_eq!(report["externalReferences"], Value::Null);
}

#[test]
fn an_incomplete_scan_is_told() {
    let report = read(
        &vdr(
            &rescan(|scan| {
                scan.predicate.aibom.completeness = Completeness::Incomplete;
                scan.predicate.aibom.reason = "no database".to_owned();
            }),
            1,
            None,
        )
        .unwrap(),
    );
    assert!(report["annotations"][0]["text"].as_str().unwrap().contains("no database"));
}

#[test]
fn other_scans_and_other_images_are_refused() {
    let refused = |scan: &ScanStatement| vdr(scan, 1, None).unwrap_err();
    assert!(matches!(refused(&Fixture::new().parts().scans[0]), VdrError::NotAnImage));
    let files = rescan(|scan| scan.predicate.aibom.target = ScanTarget::Inputs);
    assert!(matches!(refused(&files), VdrError::NotAnImage));
    let aibom = Aibom::parse(Fixture::new().aibom().as_bytes()).unwrap();
    let other = rescan(|scan| {
        let digest = scan.subject[0].digest.get_mut("sha256").unwrap();
        *digest = "0".repeat(64);
    });
    assert!(matches!(vdr(&other, 1, Some(&aibom)).unwrap_err(), VdrError::OtherImage));
}
