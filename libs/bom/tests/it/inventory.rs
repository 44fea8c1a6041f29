//! The package inventory as another library reads it (its CycloneDX 1.5 part).

use cyclonedx_bom::prelude::{Bom, SpecVersion, Validate as _};
use serde_json::{Value, json};
use testkit::evidence::Fixture;

/// The image and its packages as a document of version 1.5, which knows no `acknowledgement`.
fn as_1_5(bom: &Value) -> Value {
    let mut image = crate::component(bom, "image/trainer").clone();
    for package in image["components"].as_array_mut().unwrap() {
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
    json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [image]})
}

#[test]
fn another_library_reads_every_package() {
    let fixture = Fixture::new().packages(50);
    let document = as_1_5(&crate::aibom(&fixture)).to_string();
    let bom = Bom::parse_from_json(document.as_bytes()).unwrap();
    let result = bom.validate_version(SpecVersion::V1_5);
    assert!(result.passed(), "{result:?}");
    let image = &bom.components.unwrap().0[0];
    let parts = &image.components.as_ref().unwrap().0;
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
    let image = crate::component(&bom, "image/trainer");
    let parts = image["components"].as_array().unwrap();
    let packages: Vec<_> = parts.iter().filter(|part| part["type"] == "library").collect();
    assert_eq!((parts.len(), packages.len()), (9, 8));
    let numpy = packages.iter().find(|p| p["name"] == "numpy").unwrap();
    assert_eq!(numpy["licenses"].as_array().unwrap().len(), 2);
    assert_eq!(bom["vulnerabilities"].as_array().unwrap().len(), 2);
    crate::references::check(&bom);
    assert_eq!(crate::schema::errors(&bom), Vec::<String>::new());
}
