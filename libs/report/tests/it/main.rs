//! Reading AIBoMs through the crate's public face; SPDX under its schema, the Annex IV pack.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod annex_iv;
mod bsi;
mod hostile;
mod ours;
mod spdx;
mod vdr;

use report::Aibom;
use serde_json::Value;

/// An AIBoM with a value for everything that reports read (docs/formats/aibom.md), made by hand.
const SAMPLE: &str = include_str!("sample.cdx.json");

fn sample() -> Aibom {
    Aibom::parse(SAMPLE.as_bytes()).unwrap()
}

/// The sample after a change.
fn changed(change: impl FnOnce(&mut Value)) -> Aibom {
    let mut value: Value = serde_json::from_str(SAMPLE).unwrap();
    change(&mut value);
    Aibom::parse(value.to_string().as_bytes()).unwrap()
}
