//! What a job file says of the model, of the dataset and of the AIBoM.

use ids::Sha256Digest;
use job::{Compliance, Fairness, Risk};
use serde::Deserialize;

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Model {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<Version>,
    pub(crate) description: Option<String>,
    pub(crate) author: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(alias = "license")]
    pub(crate) licence: Option<String>,
    pub(crate) base_model: Option<BaseModel>,
    pub(crate) intended_use: Option<String>,
    pub(crate) out_of_scope: Option<String>,
    pub(crate) misuse: Option<String>,
    pub(crate) users: Texts,
    pub(crate) limitations: Texts,
    pub(crate) trade_offs: Texts,
    pub(crate) ethical_risks: Vec<Risk>,
    pub(crate) fairness: Vec<Fairness>,
    pub(crate) compliance: Vec<Compliance>,
    pub(crate) security_policy: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BaseModel {
    pub(crate) name: String,
    pub(crate) source: Option<String>,
    pub(crate) version: Option<Version>,
    pub(crate) sha256: Option<Sha256Digest>,
    pub(crate) derivation: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Dataset {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<Version>,
    pub(crate) description: Option<String>,
    #[serde(alias = "license")]
    pub(crate) licence: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) provenance: Option<String>,
    pub(crate) classification: Option<String>,
    pub(crate) sensitive_data: Texts,
    pub(crate) owners: Texts,
    pub(crate) custodians: Texts,
    pub(crate) stewards: Texts,
}

/// How the AIBoM is to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Aibom {
    pub(crate) cyclonedx: CycloneDx,
    #[serde(alias = "license")]
    pub(crate) licence: Option<String>,
    pub(crate) tlp: Option<Tlp>,
}

/// A version; YAML reads an unquoted `1.0` as a number, which would lose its zero.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a version is text: put it in quotes, as in version: \"1.0\"")]
pub(crate) enum Version {
    Text(String),
    Whole(u64),
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        match version {
            Version::Text(text) => text,
            Version::Whole(number) => number.to_string(),
        }
    }
}

/// A list of texts; one text is a list of one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a text, or a list of texts")]
pub(crate) enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl From<Texts> for Vec<String> {
    fn from(texts: Texts) -> Self {
        match texts {
            Texts::One(text) => vec![text],
            Texts::Many(texts) => texts,
        }
    }
}

/// A version of CycloneDX, with or without quotes: 1.6 and 1.7 lose nothing as numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Spelling")]
pub(crate) struct CycloneDx(pub(crate) job::CycloneDx);

#[derive(Deserialize)]
#[serde(untagged, expecting = "cyclonedx is 1.6 or 1.7")]
enum Spelling {
    Text(String),
    Number(f64),
}

impl TryFrom<Spelling> for CycloneDx {
    type Error = String;

    fn try_from(spelling: Spelling) -> Result<Self, Self::Error> {
        let text = match spelling {
            Spelling::Text(text) => text,
            Spelling::Number(number) => number.to_string(),
        };
        match text.as_str() {
            "1.6" => Ok(Self(job::CycloneDx::V1_6)),
            "1.7" => Ok(Self(job::CycloneDx::V1_7)),
            other => {
                let shown: String = other.chars().take(20).collect();
                Err(format!("cyclonedx is 1.6 or 1.7, not {shown}"))
            }
        }
    }
}

/// Whom an AIBoM may be shown to, as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tlp {
    Clear,
    Green,
    Amber,
    #[serde(rename = "amber+strict")]
    AmberAndStrict,
    Red,
}

impl From<Tlp> for job::Tlp {
    fn from(tlp: Tlp) -> Self {
        match tlp {
            Tlp::Clear => Self::Clear,
            Tlp::Green => Self::Green,
            Tlp::Amber => Self::Amber,
            Tlp::AmberAndStrict => Self::AmberAndStrict,
            Tlp::Red => Self::Red,
        }
    }
}
