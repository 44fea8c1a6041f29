//! What the submitter says of the model and of the dataset; nobody checks that it is true.

use ids::Sha256Digest;
use serde::{Deserialize, Serialize};

/// What the submitter says of the model. Texts are at most 4,096 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ModelInfo {
    /// Name. 1 to 128 characters.
    pub name: String,
    /// Version. 1 to 64 characters.
    pub version: String,
    /// What it is.
    pub description: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// Kind of model, in the submitter's words.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// SPDX licence expression.
    pub licence: Option<String>,
    /// What it was derived from.
    pub base_model: Option<BaseModel>,
    /// What it is meant for.
    pub intended_use: Option<String>,
    /// What it is not meant for.
    pub out_of_scope: Option<String>,
    /// How it could be misused.
    pub misuse: Option<String>,
    /// Who is to use it. Every list here has at most [`MAX_LIST`] entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Known technical limitations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limitations: Vec<String>,
    /// Trade-offs between accuracy and other things.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trade_offs: Vec<String>,
    /// Ethical risks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ethical_risks: Vec<Risk>,
    /// How groups fare with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fairness: Vec<Fairness>,
    /// What it is said to comply with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compliance: Vec<Compliance>,
    /// Web address ([`crate::is_web_address`]) of the producer's security policy or `security.txt`
    /// (RFC 9116).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_policy: Option<String>,
}

/// The most entries of a list that a submitter gives.
pub const MAX_LIST: usize = 32;

/// The model that another was derived from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BaseModel {
    /// Name. 1 to 128 characters.
    pub name: String,
    /// URL or purl.
    pub source: Option<String>,
    /// Version. 1 to 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of its weights file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Digest>,
    /// How the submitted model was made from it, such as `full`, `lora` or `distillation`. 1 to 4,096
    /// characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivation: Option<String>,
}

/// A risk and what is done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Risk {
    /// The risk. 1 to 4,096 characters.
    pub name: String,
    /// What is done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigation: Option<String>,
}

/// How a group fares with the model. Every text is 1 to 4,096 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Fairness {
    /// The group at risk.
    pub group: String,
    /// What it gains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benefits: Option<String>,
    /// What it may suffer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harms: Option<String>,
    /// What is done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigation: Option<String>,
}

/// A standard or law that the submitter says the model complies with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Compliance {
    /// Its name, such as `Regulation (EU) 2024/1689`. 1 to 128 characters.
    pub standard: String,
    /// In what way, in the submitter's words. 1 to 4,096 characters.
    pub statement: String,
}

/// What the submitter says of the dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DatasetInfo {
    /// Name. 1 to 128 characters.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// SPDX licence expression.
    pub licence: Option<String>,
    /// URL, DOI or purl.
    pub source: Option<String>,
    /// Version. 1 to 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How it was collected and prepared before it came here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<String>,
    /// Its classification, such as `public` or `confidential`. 1 to 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<String>,
    /// What sensitive data it holds; `none` where the submitter says that there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitive_data: Vec<String>,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// Who keeps it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custodians: Vec<String>,
    /// Who answers for its content and use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stewards: Vec<String>,
}
