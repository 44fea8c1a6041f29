//! Links and layouts to be signed, in the members and the spelling of the reference implementation
//! (in-toto specification v1.0, sections 4.3 and 4.4).

use std::collections::BTreeMap;

use ids::{Sha256Digest, Timestamp};
use keys::PublicKey;
use serde_json::{Value, json};

use super::functionary_key;

/// Artifacts by their exact names.
pub type ArtifactDigests = BTreeMap<String, Sha256Digest>;

/// An artifact rule, word by word.
pub type Rule = Vec<String>;

/// What a functionary did in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// The step's name.
    pub name: &'static str,
    /// What went in.
    pub materials: ArtifactDigests,
    /// What came out.
    pub products: ArtifactDigests,
    /// What was run; empty when nothing was.
    pub command: Vec<String>,
    /// How it ended; `None` when nothing was run.
    pub return_value: Option<i64>,
}

impl NewLink {
    /// The `signed` part of a link file.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let artifacts = |all: &ArtifactDigests| -> Value {
            all.iter().map(|(name, sha256)| (name, json!({ "sha256": sha256 }))).collect()
        };
        let byproducts = self.return_value.map(|value| ("return-value", value));
        json!({
            "_type": "link",
            "name": self.name,
            "materials": artifacts(&self.materials),
            "products": artifacts(&self.products),
            "byproducts": byproducts.into_iter().collect::<Value>(),
            "command": self.command,
            "environment": {},
        })
    }
}

/// One step of a layout; a single functionary does it.
#[derive(Debug, Clone)]
pub struct NewStep<'a> {
    /// Its name.
    pub name: &'static str,
    /// What is to be run; empty for anything.
    pub expected_command: Vec<String>,
    /// Rules over what goes in.
    pub expected_materials: Vec<Rule>,
    /// Rules over what comes out.
    pub expected_products: Vec<Rule>,
    /// Who does it.
    pub functionary: &'a PublicKey,
}

/// Who is to do what.
#[derive(Debug, Clone)]
pub struct NewLayout<'a> {
    /// Until when it may be used; fractions of a second are cut off.
    pub expires: Timestamp,
    /// For people.
    pub readme: &'a str,
    /// The steps.
    pub steps: Vec<NewStep<'a>>,
}

impl NewLayout<'_> {
    /// The `signed` part of a layout file.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let keys: Value = self.steps.iter().map(|step| functionary_key(step.functionary)).collect();
        let steps: Vec<Value> = self.steps.iter().map(NewStep::to_value).collect();
        let seconds: String = self.expires.to_string().chars().take(19).collect();
        json!({
            "_type": "layout",
            "expires": format!("{seconds}Z"),
            "readme": self.readme,
            "keys": keys,
            "steps": steps,
            "inspect": [],
        })
    }
}

impl NewStep<'_> {
    fn to_value(&self) -> Value {
        let (keyid, _) = functionary_key(self.functionary);
        json!({
            "_type": "step",
            "name": self.name,
            "expected_command": self.expected_command,
            "expected_materials": self.expected_materials,
            "expected_products": self.expected_products,
            "pubkeys": [keyid],
            "threshold": 1,
        })
    }
}

/// The name under which a verifier looks for the link of `step` by the functionary `key`.
#[must_use]
pub fn link_file_name(step: &str, key: &PublicKey) -> String {
    let (keyid, _) = functionary_key(key);
    let short: String = keyid.chars().take(8).collect();
    format!("{step}.{short}.link")
}
