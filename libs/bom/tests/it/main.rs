//! The AIBoM as others read it: official schema, references, provenance, bytes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod decision;
mod declarations;
mod examples;
mod findings;
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
    let aibom = fixture.aibom();
    serde_json::from_slice(aibom.as_bytes()).unwrap()
}

/// Where the component of that reference stands: at the top level, or in one that does.
fn place(bom: &Value, reference: &str) -> String {
    let below = |at: &str| {
        let components = bom.pointer(at).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let named = move |c: &Value| c["bom-ref"] == reference;
        (components.len(), components.iter().position(named))
    };
    let (count, found) = below("/components");
    let nested = (0..count).filter_map(|index| {
        let at = format!("/components/{index}/components");
        below(&at).1.map(|found| format!("{at}/{found}"))
    });
    let found = found.map(|index| format!("/components/{index}"));
    found.into_iter().chain(nested).next().unwrap()
}

/// The component of that reference.
fn component<'a>(bom: &'a Value, reference: &str) -> &'a Value {
    bom.pointer(&place(bom, reference)).unwrap()
}

/// Value of the property of that name.
fn property<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    let found = of["properties"].as_array()?.iter().find(|p| p["name"] == name)?;
    found["value"].as_str()
}
