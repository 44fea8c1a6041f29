//! Trivy's JSON report (schema version 2), as far as we read it: types checked, sizes bounded,
//! members that we do not use ignored, for the format is not ours.

mod strict;

use std::collections::BTreeMap;

use serde::Deserialize;

/// The schema version that is read.
const SCHEMA_VERSION: u64 = 2;
/// The most packages in one report, before those of one purl are joined.
pub const PACKAGES_MAX: usize = 50_000;
/// The most findings (vulnerability and package) in one report.
pub const FINDINGS_MAX: usize = 200_000;

/// Why a report is not one.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No JSON, cut off, or of another shape.
    #[error("the report of {bytes} bytes does not parse ({cause})")]
    Malformed {
        /// Its length.
        bytes: usize,
        /// Where and why.
        cause: serde_json::Error,
    },
    /// Another schema version.
    #[error("the report has schema version {0}, this service reads version {SCHEMA_VERSION}")]
    Schema(u64),
    /// A report on something else than a container image.
    #[error("the report is about {0:?}, not about a container image")]
    Artifact(String),
    /// A report on another image.
    #[error("the report is about the image {got:?}, {wanted} was scanned")]
    Image {
        /// What it names.
        got: String,
        /// What was scanned.
        wanted: String,
    },
    /// More entries than are taken.
    #[error("the report lists more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// A text that is empty, too long, or has control characters.
    #[error("the {what} {text:?} is empty, too long or has control characters")]
    Text {
        /// Which member.
        what: &'static str,
        /// Its beginning.
        text: String,
    },
}

/// The whole report.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Report {
    schema_version: u64,
    pub(crate) trivy: Trivy,
    artifact_type: String,
    pub(crate) metadata: Metadata,
    results: Option<Vec<ResultEntry>>,
}

/// The tool about itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Trivy {
    pub(crate) version: String,
}

/// What was looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Metadata {
    #[serde(rename = "ImageID")]
    image_id: String,
    #[serde(rename = "OS")]
    pub(crate) os: Option<Os>,
}

/// The distribution that was recognised.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Os {
    pub(crate) family: String,
    pub(crate) name: String,
    #[serde(default, rename = "EOSL")]
    pub(crate) end_of_life: bool,
}

/// One group: the distribution's packages, or those of one language.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ResultEntry {
    #[serde(default)]
    class: String,
    packages: Option<Vec<PackageEntry>>,
    vulnerabilities: Option<Vec<VulnerabilityEntry>>,
}

/// A package.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PackageEntry {
    #[serde(default, rename = "ID")]
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) identifier: Identifier,
    pub(crate) licenses: Option<Vec<String>>,
    pub(crate) depends_on: Option<Vec<String>>,
    /// `<algorithm>:<hex>` of the package file; Alpine's, Red Hat's and Java's have one.
    #[serde(default)]
    pub(crate) digest: String,
    /// Distribution packages have one.
    #[serde(default)]
    pub(crate) maintainer: String,
    /// Language packages have one.
    #[serde(default)]
    pub(crate) file_path: String,
    /// Of distribution packages: the source package.
    #[serde(default)]
    pub(crate) src_name: String,
    /// Its version, without what the next two hold.
    #[serde(default)]
    pub(crate) src_version: String,
    #[serde(default)]
    pub(crate) src_release: String,
    #[serde(default)]
    pub(crate) src_epoch: u64,
}

/// How a package is named elsewhere.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Identifier {
    #[serde(default, rename = "PURL")]
    pub(crate) purl: String,
}

/// A vulnerability in a package.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VulnerabilityEntry {
    #[serde(rename = "VulnerabilityID")]
    pub(crate) id: String,
    #[serde(default, rename = "PkgName")]
    pub(crate) package: String,
    #[serde(default, rename = "PkgIdentifier")]
    pub(crate) identifier: Identifier,
    #[serde(default)]
    pub(crate) installed_version: String,
    #[serde(default)]
    pub(crate) fixed_version: String,
    #[serde(default)]
    pub(crate) severity: String,
    pub(crate) vendor_severity: Option<BTreeMap<String, u8>>,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(rename = "CweIDs")]
    pub(crate) cwe_ids: Option<Vec<String>>,
    #[serde(rename = "CVSS")]
    pub(crate) cvss: Option<BTreeMap<String, Cvss>>,
}

/// The CVSS vectors of one who rated.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Cvss {
    #[serde(default)]
    pub(crate) v2_vector: String,
    #[serde(default)]
    pub(crate) v3_vector: String,
    #[serde(default)]
    pub(crate) v40_vector: String,
}

impl Report {
    /// Reads a report and checks its schema and its bounds.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ReportError> {
        strict::check(bytes)?;
        let malformed = |cause| ReportError::Malformed { bytes: bytes.len(), cause };
        let report: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        if report.schema_version != SCHEMA_VERSION {
            return Err(ReportError::Schema(report.schema_version));
        }
        if report.artifact_type != "container_image" {
            let kind = report.artifact_type.chars().take(64).collect();
            return Err(ReportError::Artifact(kind));
        }
        Ok(report)
    }

    /// Checks that the report is about the image with this configuration digest.
    pub(crate) fn is_about(&self, config: ids::Sha256Digest) -> Result<(), ReportError> {
        let (got, wanted) = (&self.metadata.image_id, format!("sha256:{config}"));
        if *got == wanted {
            return Ok(());
        }
        Err(ReportError::Image { got: got.chars().take(80).collect(), wanted })
    }

    pub(crate) fn results(&self) -> &[ResultEntry] {
        self.results.as_deref().unwrap_or_default()
    }
}

impl ResultEntry {
    /// Whether it is about the distribution's packages.
    pub(crate) fn of_system(&self) -> bool {
        self.class == "os-pkgs"
    }

    pub(crate) fn packages(&self) -> &[PackageEntry] {
        self.packages.as_deref().unwrap_or_default()
    }

    pub(crate) fn vulnerabilities(&self) -> &[VulnerabilityEntry] {
        self.vulnerabilities.as_deref().unwrap_or_default()
    }
}
