//! Trivy's JSON report (schema version 2), as far as we read it: types checked, sizes bounded,
//! members that we do not use ignored, for the format is not ours.

mod strict;

use std::collections::BTreeMap;

use serde::Deserialize;

/// The schema version that is read.
const SCHEMA_VERSION: u64 = 2;
/// The most packages in one report, before those of one purl are joined.
pub const PACKAGES_MAX: usize = 50_000;
/// The most findings (a vulnerability in a package, a secret, a misconfiguration) in one report.
pub const FINDINGS_MAX: usize = 200_000;
/// What findings are about that are in no file of an image.
const IMAGE_ITSELF: &str = "image configuration";

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
    /// A report on another kind of thing than was scanned.
    #[error("the report is about {got:?}, not about a {wanted}")]
    Artifact {
        /// What it names.
        got: String,
        /// What was scanned.
        wanted: &'static str,
    },
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

/// What a report must be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The image whose configuration has this digest.
    Image(ids::Sha256Digest),
    /// A directory.
    Directory,
    /// Something that was checked when the report was first read.
    Checked,
}

/// The whole report.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Report {
    schema_version: u64,
    pub(crate) trivy: Trivy,
    #[serde(default)]
    artifact_name: String,
    artifact_type: String,
    #[serde(default)]
    pub(crate) metadata: Metadata,
    results: Option<Vec<ResultEntry>>,
}

/// The tool about itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Trivy {
    pub(crate) version: String,
}

/// What was looked at; a directory has none.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Metadata {
    #[serde(default, rename = "ImageID")]
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

/// One group: the distribution's packages, those of one language, or the findings in one file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ResultEntry {
    /// A file, or what else was looked at.
    #[serde(default)]
    pub(crate) target: String,
    #[serde(default)]
    class: String,
    #[serde(default, rename = "Type")]
    kind: String,
    packages: Option<Vec<PackageEntry>>,
    vulnerabilities: Option<Vec<VulnerabilityEntry>>,
    secrets: Option<Vec<SecretEntry>>,
    misconfigurations: Option<Vec<MisconfigurationEntry>>,
}

/// A text that looks like a secret. The text itself, which the report masks, is not read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SecretEntry {
    #[serde(rename = "RuleID")]
    pub(crate) rule: String,
    #[serde(default)]
    pub(crate) severity: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) start_line: u32,
}

/// What a rule says of a configuration.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MisconfigurationEntry {
    #[serde(rename = "ID")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) severity: String,
    #[serde(default)]
    pub(crate) title: String,
    pub(crate) status: String,
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
    /// Reads a report and checks its schema, what it is about, and its bounds.
    pub(crate) fn parse(bytes: &[u8], about: About) -> Result<Self, ReportError> {
        strict::check(bytes)?;
        let malformed = |cause| ReportError::Malformed { bytes: bytes.len(), cause };
        let report: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        if report.schema_version != SCHEMA_VERSION {
            return Err(ReportError::Schema(report.schema_version));
        }
        report.is_about(about)?;
        Ok(report)
    }

    /// A report on one thing must not be taken for one on another.
    fn is_about(&self, about: About) -> Result<(), ReportError> {
        let wanted = match about {
            About::Image(_) => "container_image",
            About::Directory => "filesystem",
            About::Checked => return Ok(()),
        };
        if self.artifact_type != wanted {
            let got = self.artifact_type.chars().take(64).collect();
            return Err(ReportError::Artifact { got, wanted });
        }
        let About::Image(config) = about else { return Ok(()) };
        let (got, wanted) = (&self.metadata.image_id, format!("sha256:{config}"));
        if *got == wanted {
            return Ok(());
        }
        Err(ReportError::Image { got: got.chars().take(80).collect(), wanted })
    }

    /// The report without its groups and its system.
    pub(crate) fn bare(&self) -> Self {
        Self {
            schema_version: self.schema_version,
            trivy: Trivy { version: self.trivy.version.clone() },
            artifact_name: String::new(),
            artifact_type: String::new(),
            metadata: Metadata::default(),
            results: None,
        }
    }

    /// Takes in the groups of a report on one program among several, whose packages all lie in it.
    pub(crate) fn join(&mut self, other: Self, program: &str) {
        let mut groups = other.results.unwrap_or_default();
        for package in groups.iter_mut().flat_map(|group| group.packages.iter_mut().flatten()) {
            program.clone_into(&mut package.file_path);
        }
        for group in &mut groups {
            program.clone_into(&mut group.target);
        }
        self.results.get_or_insert_default().extend(groups);
    }

    /// What a finding is about: a file, or the image itself.
    pub(crate) fn place<'a>(&self, group: &'a ResultEntry) -> &'a str {
        if group.target == self.artifact_name { IMAGE_ITSELF } else { &group.target }
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

    /// Whether it is about one program with a list of what it was built from.
    pub(crate) fn of_program(&self) -> bool {
        matches!(self.kind.as_str(), "rustbinary" | "gobinary")
    }

    pub(crate) fn packages(&self) -> &[PackageEntry] {
        self.packages.as_deref().unwrap_or_default()
    }

    pub(crate) fn vulnerabilities(&self) -> &[VulnerabilityEntry] {
        self.vulnerabilities.as_deref().unwrap_or_default()
    }

    pub(crate) fn secrets(&self) -> &[SecretEntry] {
        self.secrets.as_deref().unwrap_or_default()
    }

    pub(crate) fn misconfigurations(&self) -> &[MisconfigurationEntry] {
        self.misconfigurations.as_deref().unwrap_or_default()
    }
}
