//! Advisories: what is known today of an image that AIBoMs name, as a signed file.

use evidence::{Checks, Document, MAX_DOCUMENT_BYTES, TrustRoot, VerifiedAdvisory, check_advisory};
use ids::{Role, Sha256Digest, SpiffeId, Timestamp, canonical};
use serde::{Deserialize, Serialize};

/// The value of `schema`.
pub const ADVISORY_SCHEMA: &str = "aibom.advisory.v1";
/// The longest advisory file, in bytes: a document whose members are in base64.
pub const MAX_ADVISORY_BYTES: usize = 2 * MAX_DOCUMENT_BYTES;
/// How the name of an image's advisories begins.
const URN: &str = "urn:aibom:advisory:";

/// A signed scan in a file of its own, canonical JSON (docs/formats/advisory.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AdvisoryFile {
    /// Always [`ADVISORY_SCHEMA`].
    pub schema: String,
    /// Counts the scans of this image that said something new, from 1. Nobody signs it.
    pub revision: u32,
    /// The signed scan.
    pub scan: Document,
}

/// Why bytes are no advisory file.
#[derive(Debug, thiserror::Error)]
pub enum AdvisoryFileError {
    /// Not canonical JSON of this form.
    #[error("not an advisory: {0}")]
    Malformed(#[from] canonical::Error),
    /// Another schema.
    #[error("the schema is {0:?}, this program reads {ADVISORY_SCHEMA:?}")]
    Schema(String),
    /// Counted from 0.
    #[error("the revision is 0, the first one is 1")]
    Revision,
}

impl AdvisoryFile {
    /// The file of a signed scan.
    #[must_use]
    pub fn new(scan: Document, revision: u32) -> Self {
        Self { schema: ADVISORY_SCHEMA.to_owned(), revision, scan }
    }

    /// Reads a file; nothing in it is verified yet.
    ///
    /// # Errors
    /// When it is too long, not canonical, of another schema, or has the revision 0.
    pub fn parse(bytes: &[u8]) -> Result<Self, AdvisoryFileError> {
        let file: Self = canonical::from_slice(bytes, MAX_ADVISORY_BYTES)?;
        if file.schema != ADVISORY_SCHEMA {
            return Err(AdvisoryFileError::Schema(file.schema.chars().take(64).collect()));
        }
        if file.revision == 0 { Err(AdvisoryFileError::Revision) } else { Ok(file) }
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// Never for a document; writing JSON may fail in general.
    pub fn to_bytes(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }
}

/// The name by which AIBoMs link what becomes known of their image later:
/// `urn:aibom:advisory:<trust domain>:sha256:<image digest>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvisoryName {
    /// Whose scanner says it.
    pub trust_domain: String,
    /// SHA-256 of the image.
    pub image: Sha256Digest,
}

impl std::fmt::Display for AdvisoryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{URN}{}:sha256:{}", self.trust_domain, self.image)
    }
}

/// A text that is no name of an image's advisories.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("advisories are named {URN}<trust domain>:sha256:<64 hex digits>, got {0:?}")]
pub struct AdvisoryNameError(String);

impl std::str::FromStr for AdvisoryName {
    type Err = AdvisoryNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (trust_domain, image) = text.strip_prefix(URN)?.split_once(":sha256:")?;
            // A trust domain is one that a SPIFFE id can have.
            let scanner = SpiffeId::new(trust_domain, Role::Scanner, "any").ok()?;
            let trust_domain = scanner.trust_domain().to_owned();
            Some(Self { trust_domain, image: image.parse().ok()? })
        };
        parse().ok_or_else(|| AdvisoryNameError(text.chars().take(200).collect()))
    }
}

/// Every check that was made on an advisory, and what it proves when all of them held.
#[derive(Debug, Clone)]
pub struct AdvisoryVerdict {
    /// The checks, in the order they were made; each name begins with `advisory`.
    pub checks: Checks,
    /// What is known of the image; there only when every check held.
    pub advisory: Option<VerifiedAdvisory>,
}

/// Checks that `scan` is what a scanner of the mesh of `root` says of `image`, by the rules that
/// scans in bundles follow, at the instant `at` (today).
///
/// The names of the checks are stable. In their order: `advisory.format`, `.certificate`,
/// `.signature`, `.role`, `.content`, `.type`, `.target`, `.image`, `.run`, `.time`, `.database`,
/// `.completeness`, `.revocation`, `.certificates`.
#[must_use]
pub fn verify_advisory(
    scan: &Document,
    image: Sha256Digest,
    root: &TrustRoot,
    at: Timestamp,
) -> AdvisoryVerdict {
    let mut checks = Checks::new();
    let advisory = check_advisory(scan, image, root, at, &mut checks);
    AdvisoryVerdict { checks, advisory }
}
