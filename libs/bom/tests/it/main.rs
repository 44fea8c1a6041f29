//! The AIBoM as others read it: official schema, references, provenance, bytes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod examples;
mod golden;
mod in_toto;
mod inventory;
mod provenance;
mod random;
mod references;
mod scans;
mod schema;
mod signing;
mod sources;
mod taint;

use serde_json::Value;
use testkit::evidence::Fixture;

/// The fixture's AIBoM as JSON.
fn aibom(fixture: &Fixture) -> Value {
    let aibom = bom::assemble(&fixture.verified()).unwrap();
    serde_json::from_slice(aibom.as_bytes()).unwrap()
}

/// The component of that reference among the top-level ones.
fn component<'a>(bom: &'a Value, reference: &str) -> &'a Value {
    let components = bom["components"].as_array().unwrap();
    components.iter().find(|c| c["bom-ref"] == reference).unwrap()
}

/// Value of the property of that name.
fn property<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    let found = of["properties"].as_array()?.iter().find(|p| p["name"] == name)?;
    found["value"].as_str()
}
