//! The official CycloneDX 1.6 schema, compiled once.

use anyhow::{Context as _, ensure};
use jsonschema::{Registry, Validator};
use serde_json::Value;

const BOM: &str = include_str!("../../../libs/bom/schema/bom-1.6.schema.json");
const SPDX: &str = include_str!("../../../libs/bom/schema/spdx.schema.json");
const JSF: &str = include_str!("../../../libs/bom/schema/jsf-0.82.schema.json");

/// The schema with formats asserted.
pub(super) struct Judge(Validator);

impl Judge {
    /// Compiles it.
    pub(super) fn new() -> anyhow::Result<Self> {
        let registry = Registry::new()
            .add("http://cyclonedx.org/schema/spdx.schema.json", parse(SPDX)?)?
            .add("http://cyclonedx.org/schema/jsf-0.82.schema.json", parse(JSF)?)?
            .prepare()?;
        let options = jsonschema::options().should_validate_formats(true);
        let validator = options.with_registry(&registry).build(&parse(BOM)?)?;
        Ok(Self(validator))
    }

    /// Parses a document and judges it.
    ///
    /// # Errors
    /// When it is no JSON or not valid.
    pub(super) fn holds(&self, document: &[u8]) -> anyhow::Result<()> {
        let document: Value = serde_json::from_slice(document).context("the AIBoM is no JSON")?;
        ensure!(self.0.is_valid(&document), "the AIBoM is not valid CycloneDX 1.6");
        Ok(())
    }
}

fn parse(text: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(text)?)
}
