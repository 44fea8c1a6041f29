//! A small database from a list of advisories: for machines without a network, for tests and for
//! the demo. The list is `deploy/trivy-db/advisories.json`; the buckets are those of Aqua's trivy-db.

use std::collections::BTreeMap;

use ids::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    SCHEMA_VERSION,
    bolt::write::{self, Bucket, TooLarge},
};

/// The bucket of Debian 12, and those of PyPI packages and of Rust crates as GitHub rates them.
/// Trivy looks in every bucket whose name begins with the ecosystem; a crate is looked up alike in a
/// `Cargo.lock` and in what cargo-auditable left in a program.
const DEBIAN: &str = "debian 12";
const PIP: &str = "pip::GitHub Security Advisory Pip";
const CARGO: &str = "cargo::GitHub Security Advisory Rust";
/// How long after its update the database says that the next one comes, in milliseconds.
const UPDATE_INTERVAL_MS: i64 = 24 * 3_600_000;

/// How bad, as Trivy numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Severity {
    Unknown = 0,
    Low = 1,
    Medium = 2,
    High = 3,
    Critical = 4,
}

impl Severity {
    const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

/// Why there is no fixed version, as Trivy numbers it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Affected = 2,
    WillNotFix = 5,
    FixDeferred = 6,
}

/// One advisory of Debian 12, by source package.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Debian {
    id: String,
    package: String,
    title: String,
    /// By who rated: `debian` or `nvd`.
    severity: BTreeMap<String, Severity>,
    /// CVSS vectors, by who gives them.
    #[serde(default)]
    cvss: BTreeMap<String, String>,
    /// Weaknesses, such as `CWE-190`.
    #[serde(default)]
    cwes: Vec<String>,
    fixed: Option<String>,
    status: Option<Status>,
}

/// One advisory of a language's packages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    id: String,
    ghsa: String,
    packages: Vec<String>,
    title: String,
    severity: BTreeMap<String, Severity>,
    /// CVSS vectors, by who gives them.
    #[serde(default)]
    cvss: BTreeMap<String, String>,
    /// Weaknesses, such as `CWE-190`.
    #[serde(default)]
    cwes: Vec<String>,
    vulnerable: Vec<String>,
    patched: Vec<String>,
}

/// A list of advisories, such as `deploy/trivy-db/advisories.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisories {
    updated_at: Timestamp,
    #[serde(default)]
    debian_12: Vec<Debian>,
    #[serde(default)]
    pip: Vec<Package>,
    #[serde(default)]
    cargo: Vec<Package>,
}

/// Why a list makes no database.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// It is no such list.
    #[error("no list of advisories: {0}")]
    List(serde_json::Error),
    /// An entry of the database cannot be written.
    #[error("an advisory cannot be written: {0}")]
    Entry(#[from] serde_json::Error),
    /// It is longer than the writer's pages.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// A database, not yet on disk. The same list makes the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// `trivy.db`.
    pub database: Vec<u8>,
    /// `metadata.json`.
    pub metadata: Vec<u8>,
}

impl Advisories {
    /// Reads a list.
    ///
    /// # Errors
    /// When it is no such list; members that are not known are refused.
    pub fn parse(text: &[u8]) -> Result<Self, BuildError> {
        serde_json::from_slice(text).map_err(BuildError::List)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.debian_12.len() + self.pip.len() + self.cargo.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The database.
    ///
    /// # Errors
    /// When the list is longer than a small database can hold.
    pub fn build(&self) -> Result<Built, BuildError> {
        let database = write::file(&self.buckets()?)?;
        let mut metadata = serde_json::to_vec_pretty(&self.metadata())?;
        metadata.push(b'\n');
        Ok(Built { database, metadata })
    }

    fn buckets(&self) -> Result<Bucket, serde_json::Error> {
        let mut root = Bucket::default();
        let sources = root.bucket("data-source");
        for (bucket, id, name) in [
            (DEBIAN, "debian", "Debian Security Tracker"),
            (PIP, "ghsa", "GitHub Security Advisory Pip"),
            (CARGO, "ghsa", "GitHub Security Advisory Rust"),
        ] {
            sources.put(bucket, serde_json::to_vec(&json!({"ID": id, "Name": name}))?);
        }
        for advisory in &self.debian_12 {
            debian(&mut root, advisory)?;
        }
        for (bucket, advisories) in [(PIP, &self.pip), (CARGO, &self.cargo)] {
            for advisory in advisories {
                package(&mut root, bucket, advisory)?;
            }
        }
        Ok(root)
    }

    /// Downloaded when it was updated, so that nothing depends on a clock.
    fn metadata(&self) -> Value {
        json!({
            "Version": SCHEMA_VERSION,
            "NextUpdate": self.updated_at.plus_ms(UPDATE_INTERVAL_MS).to_string(),
            "UpdatedAt": self.updated_at.to_string(),
            "DownloadedAt": self.updated_at.to_string(),
        })
    }
}

fn debian(root: &mut Bucket, advisory: &Debian) -> Result<(), serde_json::Error> {
    let mut value = json!({});
    if let Some(severity) = advisory.severity.get("debian") {
        value["Severity"] = json!(*severity as u8);
    }
    match (&advisory.fixed, advisory.status) {
        (Some(fixed), _) => value["FixedVersion"] = json!(fixed),
        (None, status) => value["Status"] = json!(status.unwrap_or(Status::Affected) as u8),
    }
    let package = root.bucket(DEBIAN).bucket(&advisory.package);
    package.put(&advisory.id, serde_json::to_vec(&value)?);
    let Debian { id, title, severity, cvss, cwes, .. } = advisory;
    detail(root, id, &Detail { title, severity, cvss, cwes })
}

fn package(root: &mut Bucket, bucket: &str, advisory: &Package) -> Result<(), serde_json::Error> {
    let value = json!({
        "VendorIDs": [advisory.ghsa],
        "PatchedVersions": advisory.patched,
        "VulnerableVersions": advisory.vulnerable,
    });
    for package in &advisory.packages {
        let package = root.bucket(bucket).bucket(package);
        package.put(&advisory.id, serde_json::to_vec(&value)?);
    }
    let Package { id, title, severity, cvss, cwes, .. } = advisory;
    detail(root, id, &Detail { title, severity, cvss, cwes })
}

/// What is known of a vulnerability, wherever it is found.
struct Detail<'a> {
    title: &'a str,
    severity: &'a BTreeMap<String, Severity>,
    cvss: &'a BTreeMap<String, String>,
    cwes: &'a [String],
}

fn detail(root: &mut Bucket, id: &str, known: &Detail<'_>) -> Result<(), serde_json::Error> {
    let severity = known.severity;
    let highest = severity.values().max().copied().unwrap_or(Severity::Unknown);
    let by_vendor: BTreeMap<&str, u8> =
        severity.iter().map(|(vendor, severity)| (vendor.as_str(), *severity as u8)).collect();
    let mut value = json!({
        "Title": known.title,
        "Severity": highest.name(),
        "VendorSeverity": by_vendor,
    });
    if !known.cwes.is_empty() {
        value["CweIDs"] = json!(known.cwes);
    }
    for (vendor, vector) in known.cvss {
        let version = match vector.get(..6) {
            Some("CVSS:4") => "V40Vector",
            Some("CVSS:3") => "V3Vector",
            _ => "V2Vector",
        };
        value["CVSS"][vendor][version] = json!(vector);
    }
    root.bucket("vulnerability").put(id, serde_json::to_vec(&value)?);
    Ok(())
}

#[cfg(test)]
mod tests;
