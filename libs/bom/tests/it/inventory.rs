//! The package inventory as another library reads it (its CycloneDX 1.5 part).

use cyclonedx_bom::prelude::{Bom, SpecVersion, Validate as _};
use serde_json::{Value, json};
use testkit::evidence::Fixture;

/// Operating system and packages of the image.
fn contents(bom: &Value) -> Vec<&Value> {
    let all = bom["components"].as_array().unwrap().iter();
    all.filter(|c| c["type"] == "library" || c["type"] == "operating-system").collect()
}

/// The packages as a document of version 1.5, which knows no `acknowledgement`.
fn as_1_5(bom: &Value) -> Value {
    let mut packages: Vec<Value> = contents(bom).into_iter().cloned().collect();
    for package in &mut packages {
        for licence in package["licenses"].as_array_mut().into_iter().flatten() {
            for member in [Some("license"), None] {
                let object = match member {
                    Some(name) => licence.get_mut(name),
                    None => Some(&mut *licence),
                };
                object.and_then(Value::as_object_mut).and_then(|o| o.remove("acknowledgement"));
            }
        }
    }
    json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": packages})
}

#[test]
fn another_library_reads_every_package() {
    let fixture = Fixture::new().packages(50);
    let document = as_1_5(&crate::aibom(&fixture)).to_string();
    let bom = Bom::parse_from_json(document.as_bytes()).unwrap();
    let result = bom.validate_version(SpecVersion::V1_5);
    assert!(result.passed(), "{result:?}");
    let parts = &bom.components.unwrap().0;
    // The one without a purl is the operating system.
    let purls: Vec<String> =
        parts.iter().filter_map(|part| Some(part.purl.as_ref()?.to_string())).collect();
    assert_eq!((parts.len(), purls.len()), (51, 50));
    let parts = fixture.parts();
    let mut wanted: Vec<&str> =
        parts.scans[0].predicate.aibom.packages.iter().map(|p| p.purl.as_str()).collect();
    wanted.sort_unstable();
    assert_eq!(purls, wanted);
}

#[test]
fn scanners_find_one_operating_system_and_the_source_packages() {
    let bom = crate::aibom(&Fixture::new());
    let parts = contents(&bom);
    let systems: Vec<_> = parts.iter().filter(|c| c["type"] == "operating-system").collect();
    assert_eq!(systems.len(), 1);
    assert_eq!((&systems[0]["name"], &systems[0]["version"]), (&json!("debian"), &json!("12.8")));
    let libc = parts.iter().find(|c| c["name"] == "libc6").unwrap();
    let source = crate::property(libc, "aquasecurity:trivy:SrcName");
    assert_eq!(source, Some("libc6-source"));
    assert!(crate::property(libc, "aquasecurity:trivy:SrcVersion").is_some());
    assert_eq!(crate::component(&bom, "host")["components"][1]["type"], "operating-system");
}

#[test]
fn packages_that_scans_repeat_stand_once_with_everything_that_is_known() {
    let fixture = Fixture::new().scans(|scans| {
        let mut second = scans[0].clone();
        for package in &mut second.predicate.aibom.packages {
            package.licences = vec!["Zlib".to_owned()];
        }
        second.predicate.aibom.packages.reverse();
        scans.push(second);
    });
    let bom = crate::aibom(&fixture);
    let parts = contents(&bom);
    let packages: Vec<_> = parts.iter().filter(|part| part["type"] == "library").collect();
    assert_eq!((parts.len(), packages.len()), (9, 8));
    let numpy = packages.iter().find(|p| p["name"] == "numpy").unwrap();
    assert_eq!(numpy["licenses"].as_array().unwrap().len(), 2);
    assert_eq!(bom["vulnerabilities"].as_array().unwrap().len(), 2);
    crate::references::check(&bom);
    assert_eq!(crate::schema::errors(&bom), Vec::<String>::new());
}
