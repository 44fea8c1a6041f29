//! Standards, and what is declared to hold of them.

use serde::Serialize;

use super::{Contact, Entity};

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Definitions {
    pub(crate) standards: [Standard; 1],
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Standard {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: &'static str,
    pub(crate) description: &'static str,
    pub(crate) name: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) version: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Requirement {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) identifier: &'static str,
    pub(crate) text: &'static str,
    pub(crate) title: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Declarations {
    pub(crate) assessors: [Assessor; 1],
    pub(crate) attestations: [Attestation; 1],
    pub(crate) claims: Vec<Claim>,
    pub(crate) evidence: Vec<Evidence>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Assessor {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: &'static str,
    pub(crate) organization: Entity,
    pub(crate) third_party: bool,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Attestation {
    pub(crate) assessor: &'static str,
    pub(crate) map: Vec<Mapping>,
    pub(crate) summary: &'static str,
}

/// A requirement, what speaks for it and what against.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mapping {
    pub(crate) claims: Vec<String>,
    pub(crate) conformance: Conformance,
    pub(crate) counter_claims: Vec<String>,
    pub(crate) requirement: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Conformance {
    pub(crate) rationale: &'static str,
    /// 1 where the requirement is met, else 0.
    pub(crate) score: u8,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Claim {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) evidence: Vec<String>,
    pub(crate) predicate: &'static str,
    pub(crate) reasoning: &'static str,
    pub(crate) target: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evidence {
    pub(crate) author: Contact,
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) data: Vec<Data>,
    pub(crate) description: String,
    pub(crate) property_name: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Data {
    pub(crate) contents: Contents,
    pub(crate) name: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Contents {
    pub(crate) url: String,
}
