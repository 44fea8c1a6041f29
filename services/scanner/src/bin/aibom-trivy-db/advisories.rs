//! The advisory file, and the buckets that Trivy looks it up in.

use std::collections::BTreeMap;

use ids::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bolt::Bucket;

/// The bucket of Debian 12, and of PyPI packages as GitHub rates them.
const DEBIAN: &str = "debian 12";
const PIP: &str = "pip::GitHub Security Advisory Pip";
/// The version of the schema in the database, in Trivy's `metadata.json`.
const SCHEMA: u32 = 2;
/// How long after its update the database says that the next one comes, in milliseconds.
const UPDATE_INTERVAL_MS: i64 = 24 * 3_600_000;

/// How bad, as Trivy numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Severity {
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
pub(crate) enum Status {
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

/// One advisory of PyPI.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pip {
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

/// `advisories.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advisories {
    updated_at: Timestamp,
    debian_12: Vec<Debian>,
    pip: Vec<Pip>,
}

impl Advisories {
    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.debian_12.len() + self.pip.len()
    }

    /// The database.
    pub(crate) fn buckets(&self) -> Result<Bucket, serde_json::Error> {
        let mut root = Bucket::default();
        let sources = root.bucket("data-source");
        for (bucket, id, name) in [
            (DEBIAN, "debian", "Debian Security Tracker"),
            (PIP, "ghsa", "GitHub Security Advisory Pip"),
        ] {
            sources.put(bucket, serde_json::to_vec(&json!({"ID": id, "Name": name}))?);
        }
        for advisory in &self.debian_12 {
            let mut value = json!({});
            if let Some(severity) = advisory.severity.get("debian") {
                value["Severity"] = json!(*severity as u8);
            }
            match (&advisory.fixed, advisory.status) {
                (Some(fixed), _) => value["FixedVersion"] = json!(fixed),
                (None, status) => {
                    value["Status"] = json!(status.unwrap_or(Status::Affected) as u8);
                }
            }
            let package = root.bucket(DEBIAN).bucket(&advisory.package);
            package.put(&advisory.id, serde_json::to_vec(&value)?);
            let Debian { id, title, severity, cvss, cwes, .. } = advisory;
            detail(&mut root, id, &Detail { title, severity, cvss, cwes })?;
        }
        for advisory in &self.pip {
            let value = json!({
                "VendorIDs": [advisory.ghsa],
                "PatchedVersions": advisory.patched,
                "VulnerableVersions": advisory.vulnerable,
            });
            for package in &advisory.packages {
                let package = root.bucket(PIP).bucket(package);
                package.put(&advisory.id, serde_json::to_vec(&value)?);
            }
            let Pip { id, title, severity, cvss, cwes, .. } = advisory;
            detail(&mut root, id, &Detail { title, severity, cvss, cwes })?;
        }
        Ok(root)
    }

    /// Trivy's `metadata.json`; downloaded when it was updated, so that nothing depends on a clock.
    pub(crate) fn metadata(&self) -> Value {
        json!({
            "Version": SCHEMA,
            "NextUpdate": self.updated_at.plus_ms(UPDATE_INTERVAL_MS).to_string(),
            "UpdatedAt": self.updated_at.to_string(),
            "DownloadedAt": self.updated_at.to_string(),
        })
    }
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
