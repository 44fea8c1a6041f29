//! The technical documentation of Annex IV of Regulation (EU) 2024/1689, as far as an AIBoM has it.
//!
//! It is material for a provider's documentation, no proof of conformity: every point says what the
//! AIBoM holds and who says it, or that the provider must add it. No point is ever called fulfilled.

mod fill;
mod lines;
mod points;
mod write;

use ids::{Sha256Digest, canonical};
use serde::Serialize;

use crate::{Aibom, Source, card, html, spdx};

/// One file of the pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackFile {
    /// Its name in the directory.
    pub path: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The SPDX copy cannot be made.
    #[error("no SPDX copy: {0}")]
    Spdx(#[from] spdx::SpdxError),
    /// The index cannot be written.
    #[error("no index: {0}")]
    Index(#[from] canonical::Error),
}

/// How much of a point the AIBoM holds; never that the point is fulfilled, which only the provider can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every value that an AIBoM can have for it.
    Filled,
    /// Some, or the point asks for more than any AIBoM has.
    Partly,
    /// Nothing.
    Missing,
}

/// What the AIBoM has for one point of the annex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Its number in the annex, such as `2(d)`.
    pub point: &'static str,
    /// What it asks for, shortened.
    pub title: &'static str,
    /// How much of it the AIBoM has.
    pub status: Status,
    /// Who says what it has; sorted.
    pub sources: Vec<Source>,
    /// Where in the AIBoM it stands.
    pub pointers: Vec<String>,
    /// What the provider must add; empty when nothing.
    pub add: &'static str,
}

#[derive(Debug, Serialize)]
struct Index<'a> {
    schema: &'static str,
    regulation: &'static str,
    note: &'static str,
    #[serde(rename = "serialNumber")]
    serial_number: String,
    verification: Verification<'a>,
    points: Vec<Point>,
}

/// What a verifier said when the pack was made.
#[derive(Debug, Serialize)]
struct Verification<'a> {
    /// `verified`, `refused`, or `not-verified` when nobody looked.
    verdict: &'static str,
    /// What it was verified against; empty when nobody looked.
    against: &'a str,
    /// How many checks were made.
    checks: usize,
    /// The names of those that failed.
    failed: Vec<&'a str>,
}

impl<'a> Verification<'a> {
    fn new(verdict: Option<&'a html::Verdict>) -> Self {
        let Some(verdict) = verdict else {
            return Self { verdict: "not-verified", against: "", checks: 0, failed: Vec::new() };
        };
        let failed = verdict.checks.iter().filter(|check| !check.passed);
        Self {
            verdict: if verdict.holds() { "verified" } else { "refused" },
            against: &verdict.against,
            checks: verdict.checks.len(),
            failed: failed.map(|check| check.name.as_str()).collect(),
        }
    }
}

const NOTE: &str = "Material for a provider's technical documentation, made from an AIBoM. It is no proof of conformity, and no point of it replaces the provider's own assessment.";

/// The points of the annex and what the AIBoM has for each, in their order.
#[must_use]
pub fn points(aibom: &Aibom) -> Vec<Point> {
    fill::filled(aibom).into_iter().map(|filled| filled.point).collect()
}

/// The pack: the documentation, an index of it, and the AIBoM in every form, with `SHA256SUMS`.
///
/// `exact` are the bytes that `aibom` was read from; `verdict` is what a verifier said of them, and
/// `signed` whether they came with a signature.
///
/// # Errors
/// When the AIBoM cannot be written as SPDX: it does not say when or by whom it was made, or it refers
/// too much to itself.
pub fn pack(
    aibom: &Aibom,
    exact: &[u8],
    verdict: Option<&html::Verdict>,
    signed: bool,
) -> Result<Vec<PackFile>, PackError> {
    let filled = fill::filled(aibom);
    let text = write::markdown(aibom, verdict, &filled);
    let index = Index {
        schema: "aibom.annex-iv.v1",
        regulation: "Regulation (EU) 2024/1689, Annex IV",
        note: NOTE,
        serial_number: aibom.text("/serialNumber").to_owned(),
        verification: Verification::new(verdict),
        points: filled.into_iter().map(|filled| filled.point).collect(),
    };
    let file = |path, bytes| PackFile { path, bytes };
    let mut files = vec![
        file("technical-documentation.md", text.into_bytes()),
        file("index.json", canonical::to_vec(&index)?),
        file("aibom.cdx.json", exact.to_vec()),
        file("aibom.spdx.json", spdx::document(aibom)?),
        file("model-card.md", card::markdown(aibom).into_bytes()),
        file("aibom.html", html::page(aibom, verdict, signed).into_bytes()),
    ];
    let sums =
        files.iter().map(|f| format!("{}  {}\n", Sha256Digest::of(&f.bytes).to_hex(), f.path));
    let sums = sums.collect::<String>().into_bytes();
    files.push(file("SHA256SUMS", sums));
    Ok(files)
}
