//! The parts of CycloneDX 1.6 and 1.7 that an AIBoM has, as types: names and vocabularies are checked
//! by the compiler, everything else by the official schemas in this crate's tests.
//!
//! Only writing is supported. Empty members (`None`, lists and objects without content) are left out by
//! [`Bom::to_canonical`], so that no type here carries serde attributes for it.

pub(crate) mod component;
pub(crate) mod declarations;
pub(crate) mod formulation;
pub(crate) mod model_card;
pub(crate) mod vulnerability;

use ids::canonical;
use serde::Serialize;

use component::Component;
use declarations::{Declarations, Definitions};
use formulation::Formula;
use vulnerability::Vulnerability;

use crate::licence::Licence;

/// The whole document.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bom {
    // In the order of their names, so that writing them needs no sorting.
    #[serde(rename = "$schema")]
    pub(crate) schema: &'static str,
    pub(crate) annotations: Vec<Annotation>,
    pub(crate) bom_format: &'static str,
    pub(crate) citations: Vec<Citation>,
    pub(crate) components: Vec<Component>,
    pub(crate) compositions: Vec<Composition>,
    pub(crate) declarations: Declarations,
    pub(crate) definitions: Definitions,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) external_references: Vec<ExternalReference>,
    pub(crate) formulation: Vec<Formula>,
    pub(crate) metadata: Metadata,
    pub(crate) serial_number: String,
    pub(crate) spec_version: &'static str,
    pub(crate) version: u32,
    pub(crate) vulnerabilities: Vec<Vulnerability>,
}

impl Bom {
    /// The RFC 8785 bytes, without `null`, `[]` and `{}`.
    pub(crate) fn to_canonical(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::rewrite_pruned(self)
    }
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) authors: Vec<Contact>,
    pub(crate) component: Component,
    pub(crate) distribution_constraints: Option<DistributionConstraints>,
    pub(crate) licenses: Vec<Licence>,
    pub(crate) lifecycles: [Lifecycle; 1],
    pub(crate) manufacturer: Entity,
    pub(crate) properties: Vec<Property>,
    pub(crate) timestamp: String,
    pub(crate) tools: Tools,
}

/// Whom the document may be shown to (1.7).
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DistributionConstraints {
    pub(crate) tlp: job::Tlp,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Lifecycle {
    pub(crate) phase: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Tools {
    pub(crate) components: Vec<Component>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Entity {
    pub(crate) contact: Vec<Contact>,
    pub(crate) name: Option<String>,
    pub(crate) url: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Contact {
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
}

impl Contact {
    pub(crate) fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Hash {
    pub(crate) alg: &'static str,
    pub(crate) content: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A property; every name begins with `aibom:`.
pub(crate) fn property(name: &str, value: impl std::fmt::Display) -> Property {
    Property { name: ["aibom:", name].concat(), value: value.to_string() }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct ExternalReference {
    pub(crate) comment: Option<String>,
    pub(crate) hashes: Vec<Hash>,
    #[serde(rename = "type")]
    pub(crate) kind: ReferenceKind,
    pub(crate) url: String,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReferenceKind {
    Attestation,
    BuildMeta,
    Distribution,
    Evidence,
    Log,
    SecurityContact,
    VulnerabilityAssertion,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dependency {
    pub(crate) depends_on: Vec<String>,
    #[serde(rename = "ref")]
    pub(crate) reference: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Composition {
    pub(crate) aggregate: Aggregate,
    pub(crate) assemblies: Vec<String>,
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) dependencies: Vec<String>,
    pub(crate) vulnerabilities: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aggregate {
    Complete,
    Incomplete,
    Unknown,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Annotation {
    pub(crate) annotator: Annotator,
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) subjects: Vec<String>,
    pub(crate) text: String,
    pub(crate) timestamp: String,
}

/// Who stands for a part of the document (1.7).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Citation {
    pub(crate) attributed_to: String,
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) note: String,
    pub(crate) pointers: Vec<String>,
    pub(crate) timestamp: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Annotator {
    Individual(Contact),
    Component(Box<Component>),
}
