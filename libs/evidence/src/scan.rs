//! Scan evidence: an in-toto Statement v1 with the vulns predicate v0.2
//! (in-toto/attestation, `spec/predicates/vulns_02.md`), extended under `aibom`.

use envelope::Statement;
use ids::{JobId, Sha256Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{InspectedFile, Misconfiguration, Program, SecretFinding};

/// The predicate type.
pub const SCAN_PREDICATE_TYPE: &str = "https://in-toto.io/attestation/vulns/v0.2";

/// What a scanner signs: the subjects are what it looked at.
pub type ScanStatement = Statement<ScanPredicate>;

/// The vulns predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScanPredicate {
    /// The tool and what it found.
    pub scanner: Scanner,
    /// When.
    pub metadata: Metadata,
    /// What the vulns predicate has no place for.
    pub aibom: ScanExtension,
}

/// The tool and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scanner {
    /// purl of the tool.
    pub uri: String,
    /// Its version.
    pub version: String,
    /// Its database; absent when it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db: Option<ScannerDatabase>,
    /// What it found, sorted by id.
    pub result: Vec<VulnerabilityResult>,
}

/// A vulnerability database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScannerDatabase {
    /// Where it came from.
    pub uri: String,
    /// Its schema version.
    pub version: String,
    /// When its content was last updated.
    pub last_update: Timestamp,
}

/// One vulnerability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VulnerabilityResult {
    /// CVE, GHSA or vendor id.
    pub id: String,
    /// Severities by method.
    pub severity: Vec<Severity>,
    /// Where it was found.
    pub annotations: Vec<Finding>,
    /// Its title; empty when the tool gives none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Weaknesses (CWE numbers), sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwes: Vec<u32>,
}

/// A severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Severity {
    /// Who rated, such as `nvd` or `trivy`.
    pub method: String,
    /// `CRITICAL`, `HIGH`, `MEDIUM`, `LOW` or `UNKNOWN`.
    pub score: String,
    /// CVSS vector, where this method gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
}

/// A package that a vulnerability was found in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Finding {
    /// purl of the package.
    pub purl: String,
    /// Installed version.
    pub installed: String,
    /// First fixed version; empty when there is none.
    pub fixed: String,
}

/// When the scan ran, by the scanner's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Metadata {
    /// Start.
    pub scan_started_on: Timestamp,
    /// End.
    pub scan_finished_on: Timestamp,
}

/// How much of the scan was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Completeness {
    /// Inventory and vulnerabilities.
    Complete,
    /// Something is missing; an empty result means nothing.
    Incomplete,
}

/// What the vulns predicate has no place for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScanExtension {
    /// What was looked at.
    pub target: ScanTarget,
    /// The run that the scan was made for; absent in a scan of an image for its own sake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<ScannedRun>,
    /// How much was done.
    pub completeness: Completeness,
    /// Why it is incomplete; empty when complete.
    pub reason: String,
    /// SHA-256 of the tool's binary.
    pub tool_sha256: Sha256Digest,
    /// SHA-256 of the database file; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_sha256: Option<Sha256Digest>,
    /// SHA-256 of the tool's raw report.
    pub report_sha256: Sha256Digest,
    /// Every package that was found, sorted by purl.
    pub packages: Vec<Package>,
    /// Texts that look like secrets, sorted by path, line and rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretFinding>,
    /// Configuration that a rule of the tool objects to, sorted by path and id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misconfigurations: Vec<Misconfiguration>,
    /// Each subject of a scan of files, in the order of the subjects; empty in other scans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<InspectedFile>,
    /// The image's operating system, such as `debian 12.5`; absent when none was recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system: Option<OperatingSystem>,
    /// The scanner service's own program.
    pub scanner: Program,
}

/// What a scan is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScanTarget {
    /// The trainer's image: one subject.
    Image,
    /// The files that the job came with: a subject for each.
    Inputs,
    /// The files that training left: a subject for each.
    Outputs,
    /// The programs of the mesh's services: a subject for each.
    Mesh,
}

impl ScanTarget {
    /// Every target, in the order in which a set holds their scans.
    pub const ALL: [Self; 4] = [Self::Image, Self::Inputs, Self::Outputs, Self::Mesh];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
            Self::Mesh => "mesh",
        }
    }
}

impl std::fmt::Display for ScanTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The run that a scan belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScannedRun {
    /// The job.
    pub job: JobId,
    /// SHA-256 of the training evidence's envelope.
    pub training: Sha256Digest,
}

/// An operating system inside an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OperatingSystem {
    /// Family, such as `debian`.
    pub family: String,
    /// Version.
    pub version: String,
}

/// A package in the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Package {
    /// Package URL.
    pub purl: String,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// `operating-system` packages come from the distribution, `library` ones from a language's
    /// package manager.
    pub class: String,
    /// Licences as the package states them, sorted.
    pub licences: Vec<String>,
    /// purls of the packages that it depends on, sorted.
    pub depends_on: Vec<String>,
    /// `<algorithm>:<hex>` of the package file, where the tool knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Who maintains it, where the tool knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
    /// Where in the image it was found, where the tool says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where else it was found: after the first place, sorted, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<PackageCopy>,
    /// The source package that it was built from: advisories of distributions are by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
}

/// A further place of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PackageCopy {
    /// Where in the image it was found, where the tool says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `<algorithm>:<hex>` of its file, where the tool knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A source package of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SourcePackage {
    /// Name, such as `glibc`.
    pub name: String,
    /// Whole version, with epoch and release, such as `1:4.13+dfsg1-1+deb12u2`.
    pub version: String,
}
