//! The sample is an excerpt of what the real Trivy wrote about a trainer image.

use evidence::Severity;
use proptest::prelude::*;

use super::*;

const SAMPLE: &str = include_str!("sample.json");

fn config() -> Sha256Digest {
    Sha256Digest::from_bytes([0xab; 32])
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
fn packages_are_sorted_and_each_purl_is_there_once() {
    let packages = sample().packages;
    assert!(packages.len() > 15);
    assert!(packages.windows(2).all(|pair| pair[0].purl < pair[1].purl));
    let apt = packages.iter().find(|p| p.name == "apt").unwrap();
    assert_eq!(apt.purl, "pkg:deb/debian/apt@2.6.2?arch=amd64&distro=debian-12.15");
    assert_eq!(apt.class, "operating-system");
    assert!(apt.licences.contains(&"GPL-2.0-or-later".to_owned()));
    let keras = packages.iter().find(|p| p.name == "keras").unwrap();
    assert_eq!((keras.class.as_str(), keras.version.as_str()), ("library", "3.15.1"));
}

#[test]
fn dependencies_are_purls_of_packages_that_are_there() {
    let packages = sample().packages;
    let apt = packages.iter().find(|p| p.name == "apt").unwrap();
    assert!(apt.depends_on.iter().any(|purl| purl.starts_with("pkg:deb/debian/libc6@")));
    for package in &packages {
        assert!(package.depends_on.windows(2).all(|pair| pair[0] < pair[1]));
        for purl in &package.depends_on {
            assert!(packages.iter().any(|p| p.purl == *purl), "{purl}");
        }
    }
}

#[test]
fn vulnerabilities_are_grouped_by_id() {
    let found = sample().vulnerabilities;
    assert!(found.windows(2).all(|pair| pair[0].id < pair[1].id));
    let zlib = found.iter().find(|v| v.id == "CVE-2023-45853").unwrap();
    let by = |method: &str, score: &str| Severity {
        method: method.into(),
        score: score.into(),
        vector: None,
    };
    assert_eq!(zlib.severity, [by("nvd", "CRITICAL"), by("trivy", "CRITICAL")]);
    assert_eq!(zlib.annotations.len(), 1);
    assert_eq!(zlib.annotations[0].fixed, "");
    let util_linux = found.iter().find(|v| v.id == "CVE-2022-0563").unwrap();
    assert_eq!(util_linux.annotations.len(), 2);
    assert!(util_linux.annotations.windows(2).all(|pair| pair[0].purl < pair[1].purl));
}

#[test]
fn a_report_on_another_image_is_refused() {
    let other = Inventory::read(SAMPLE.as_bytes(), Sha256Digest::of(b"other"));
    assert!(matches!(other, Err(ReportError::Image { .. })));
}

#[test]
fn no_results_are_an_empty_inventory_and_an_unknown_system_is_a_gap() {
    let empty = changed(|report| report["Results"] = serde_json::Value::Null).unwrap();
    assert!(empty.packages.is_empty() && empty.vulnerabilities.is_empty());
    assert!(empty.gaps.is_empty());
    let unknown = changed(|report| {
        report["Metadata"].as_object_mut().unwrap().remove("OS");
    });
    assert_eq!(unknown.unwrap().gaps.len(), 1);
    let old = changed(|report| report["Metadata"]["OS"]["EOSL"] = true.into()).unwrap();
    assert_eq!(old.gaps, ["debian 12.15 gets no security updates any more"]);
}

#[test]
fn other_schemas_artifacts_and_types_are_refused() {
    let schema = changed(|report| report["SchemaVersion"] = 3.into());
    assert!(matches!(schema, Err(ReportError::Schema(3))));
    let artifact = changed(|report| report["ArtifactType"] = "filesystem".into());
    assert!(matches!(artifact, Err(ReportError::Artifact(_))));
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
fn a_package_without_a_purl_gets_a_generic_one_and_a_licence_text_its_digest() {
    let inventory = changed(|report| {
        let package = &mut report["Results"][0]["Packages"][0];
        package["Name"] = "odd name".into();
        package["Version"] = "1+2".into();
        package["Identifier"] = serde_json::json!({});
        package["Licenses"] = serde_json::json!(["text://line\nline", "MIT", "MIT"]);
    });
    let inventory = inventory.unwrap();
    let odd = inventory.packages.iter().find(|p| p.name == "odd name").unwrap();
    assert_eq!(odd.purl, "pkg:generic/odd%20name@1%2B2");
    let digest = Sha256Digest::of(b"line\nline");
    assert_eq!(odd.licences, [format!("LicenseRef-sha256-{digest}"), "MIT".into()]);
}

#[test]
fn the_same_package_twice_is_merged() {
    let twice = changed(|report| {
        let packages = report["Results"][1]["Packages"].as_array_mut().unwrap();
        let mut copy = packages[0].clone();
        copy["Licenses"] = serde_json::json!(["Extra"]);
        packages.push(copy);
    });
    let twice = twice.unwrap();
    assert_eq!(twice.packages.len(), sample().packages.len());
    assert!(twice.packages.iter().any(|p| p.licences.contains(&"Extra".to_owned())));
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
