//! The image and its packages as CycloneDX 1.5, for tools that read nothing newer.

use cyclonedx_bom::prelude::{Bom, SpecVersion, Validate as _};
use report::Aibom;
use serde_json::{Value, json};

use crate::failure::Failure;

/// What 1.5 has of a component that is software; the rest stays in the AIBoM.
const MEMBERS: [&str; 8] =
    ["type", "bom-ref", "name", "version", "description", "purl", "hashes", "licenses"];

/// The inventory's bytes, written by the crate `cyclonedx-bom`.
pub(super) fn write(aibom: &Aibom) -> Result<Vec<u8>, Failure> {
    let cannot = || Failure::cannot("cannot write the inventory");
    let document = of(aibom).to_string();
    let bom =
        Bom::parse_from_json(document.as_bytes()).map_err(|error| cannot().caused_by(&error))?;
    let judged = bom.validate_version(SpecVersion::V1_5);
    if !judged.passed() {
        return Err(cannot()
            .because("a package's name, version, licence or purl is none in CycloneDX 1.5")
            .remedy("use --to cyclonedx"));
    }
    let mut bytes = Vec::new();
    bom.output_as_json_v1_5(&mut bytes).map_err(|error| cannot().caused_by(&error))?;
    Ok(bytes)
}

fn of(aibom: &Aibom) -> Value {
    let image = aibom.component("image/trainer");
    let nested = image.and_then(|image| image.pointer("/components")).and_then(Value::as_array);
    let top = aibom.list("/components").iter().filter(|c| {
        let reference = c.get("bom-ref").and_then(Value::as_str).unwrap_or_default();
        reference == "image/os" || (c["type"] == "library" && c.get("purl").is_some())
    });
    let packages = nested.into_iter().flatten().chain(top);
    let all: Vec<Value> = image.into_iter().chain(packages).map(software).collect();
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": all,
    })
}

fn software(component: &Value) -> Value {
    let mut kept = component.clone();
    if let Some(members) = kept.as_object_mut() {
        members.retain(|name, _| MEMBERS.contains(&name.as_str()));
    }
    // 1.5 does not know who acknowledged a licence.
    let licences = kept.get_mut("licenses").and_then(Value::as_array_mut).into_iter().flatten();
    for licence in licences.filter_map(Value::as_object_mut) {
        licence.remove("acknowledgement");
        if let Some(inner) = licence.get_mut("license").and_then(Value::as_object_mut) {
            inner.remove("acknowledgement");
        }
    }
    kept
}
