//! How the AIBoM of a job is to be written.

use serde::{Deserialize, Serialize};

/// The version of CycloneDX that the AIBoM is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CycloneDx {
    /// CycloneDX 1.6 (ECMA-424, first edition): who says what stands in `annotations`.
    #[default]
    #[serde(rename = "1.6")]
    V1_6,
    /// CycloneDX 1.7: who says what stands in `citations`.
    #[serde(rename = "1.7")]
    V1_7,
}

/// Whom an AIBoM may be shown to (Traffic Light Protocol 2.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Tlp {
    /// Everybody.
    Clear,
    /// The community.
    Green,
    /// The organisation and its clients.
    Amber,
    /// The organisation.
    AmberAndStrict,
    /// Its recipients only.
    Red,
}

/// The rules that the AIBoM of a job is written by; the request fixes them, so that every verifier
/// of any later version writes it by the same ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BomOptions {
    /// Which rules; only [`PROFILE`] is known.
    pub profile: u32,
    /// In which version of CycloneDX.
    pub cyclone_dx: CycloneDx,
    /// SPDX licence expression of the AIBoM itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Whom it may be shown to; written in 1.7 only, which has a place for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlp: Option<Tlp>,
}

/// The rules by which AIBoMs are written.
pub const PROFILE: u32 = 2;

impl Default for BomOptions {
    fn default() -> Self {
        Self { profile: PROFILE, cyclone_dx: CycloneDx::default(), licence: None, tlp: None }
    }
}
