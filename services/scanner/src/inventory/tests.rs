//! The sample is an excerpt of what the real Trivy wrote about a trainer image.

mod findings;
mod packages;
mod vulnerabilities;

use evidence::{
    Level, MAX_COPIES, MAX_FILE_FINDINGS, MAX_PACKAGES, MAX_PLACES, PackageCopy, Severity,
};
use ids::Sha256Digest;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const SAMPLE: &str = include_str!("sample.json");

fn config() -> About {
    About::Image(Sha256Digest::from_bytes([0xab; 32]))
}

fn sample() -> Inventory {
    Inventory::read(SAMPLE.as_bytes(), config()).unwrap()
}

fn changed(change: impl FnOnce(&mut serde_json::Value)) -> Result<Inventory, ReportError> {
    let mut report: serde_json::Value = serde_json::from_str(SAMPLE).unwrap();
    change(&mut report);
    Inventory::read(&serde_json::to_vec(&report).unwrap(), config())
}

#[test]
fn a_report_on_another_image_is_refused() {
    let other = Inventory::read(SAMPLE.as_bytes(), About::Image(Sha256Digest::of(b"other")));
    assert!(matches!(other, Err(ReportError::Image { .. })));
}

#[test]
fn no_results_are_an_empty_inventory_and_an_unknown_system_is_a_gap() {
    let empty = changed(|report| report["Results"] = serde_json::Value::Null).unwrap();
    assert!(empty.packages.is_empty() && empty.vulnerabilities.is_empty());
    let lost = ["debian 12.15: its package database was not found"];
    assert_eq!(empty.gaps, lost);
    let bare = changed(|report| report["Results"][0]["Packages"] = json!([])).unwrap();
    assert!(!bare.packages.is_empty(), "those of a language are there");
    assert_eq!(bare.gaps, lost);
    assert!(sample().gaps.is_empty());
    let unknown = changed(|report| {
        report["Metadata"].as_object_mut().unwrap().remove("OS");
    })
    .unwrap();
    assert_eq!((unknown.gaps.len(), unknown.operating_system), (1, None));
    let old = changed(|report| report["Metadata"]["OS"]["EOSL"] = true.into()).unwrap();
    assert_eq!(old.gaps, ["debian 12.15 gets no security updates any more"]);
}

#[test]
fn other_schemas_artifacts_and_types_are_refused() {
    let schema = changed(|report| report["SchemaVersion"] = 3.into());
    assert!(matches!(schema, Err(ReportError::Schema(3))));
    let artifact = changed(|report| report["ArtifactType"] = "filesystem".into());
    assert!(matches!(artifact, Err(ReportError::Artifact { .. })));
    let wrong_type = changed(|report| report["Results"][0]["Packages"][0]["Name"] = 7.into());
    assert!(matches!(wrong_type, Err(ReportError::Malformed { .. })));
    let control = changed(|report| {
        report["Results"][0]["Packages"][0]["Name"] = "a\u{1b}[2Jb".into();
    });
    assert!(matches!(control, Err(ReportError::Text { what: "package name", .. })));
}

#[test]
fn a_report_cut_off_anywhere_is_refused() {
    for end in (0..SAMPLE.trim_end().len()).step_by(997) {
        let cut = Inventory::read(&SAMPLE.as_bytes()[..end], config());
        assert!(matches!(cut, Err(ReportError::Malformed { .. })), "cut at {end}");
    }
}

#[test]
fn no_more_is_taken_than_the_rules_of_evidence_take() {
    let packages = |count: usize| {
        changed(|report| {
            let one = |n| json!({"Name": format!("p{n}"), "Version": "1"});
            report["Results"] = json!([
                {"Class": "os-pkgs", "Packages": (0..count).map(one).collect::<Vec<_>>()}
            ]);
        })
    };
    assert_eq!(packages(MAX_PACKAGES).unwrap().packages.len(), MAX_PACKAGES);
    let refused = packages(MAX_PACKAGES + 1);
    assert!(matches!(refused, Err(ReportError::TooMany { limit: MAX_PACKAGES, .. })));
    let places = changed(|report| {
        let one = |n| {
            let name = format!("p{n}");
            json!({"VulnerabilityID": "CVE-1", "PkgName": name, "InstalledVersion": "1"})
        };
        let found: Vec<_> = (0..=MAX_PLACES).map(one).collect();
        report["Results"] = json!([{"Class": "os-pkgs", "Vulnerabilities": found}]);
    });
    assert!(matches!(places, Err(ReportError::TooMany { limit: MAX_PLACES, .. })));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _refused = Inventory::read(&bytes, config()).unwrap_err();
    }

    #[test]
    fn a_flipped_byte_is_read_or_refused(at in 0..SAMPLE.len(), with in any::<u8>()) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        bytes[at] = with;
        drop(Inventory::read(&bytes, config()));
    }
}
