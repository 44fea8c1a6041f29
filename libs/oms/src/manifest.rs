//! What a model signature says: the files of a model with their digests, and how they were taken.

use std::collections::BTreeSet;

use envelope::{ResourceDescriptor, Statement, StatementType};
use ids::{Sha256Digest, canonical};
use serde::{Deserialize, Serialize};

use crate::{MAX_BUNDLE_BYTES, MODEL_SIGNATURE_FILE, Resource};

/// The predicate type of model signatures.
pub const PREDICATE_TYPE: &str = "https://model_signing/signature/v1.0";
/// The most resources in a manifest.
pub const MAX_RESOURCES: usize = 1_000_000;
/// The longest name of a resource or of a model, in bytes.
pub const MAX_NAME_BYTES: usize = 4096;

const SHA256: &str = "sha256";

/// Why a signed statement is not a manifest that we take.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Longer than the bound.
    #[error("the statement is longer than {MAX_BUNDLE_BYTES} bytes")]
    TooLong,
    /// Not an in-toto statement of the right shape.
    #[error("not a model signing statement: {0}")]
    Parse(#[source] serde_json::Error),
    /// Another type of predicate.
    #[error("the predicate type is {0:?}, expected {PREDICATE_TYPE}: have the model signed again")]
    PredicateType(String),
    /// Not one named subject with a SHA-256.
    #[error("the statement must have one subject, with a name and a SHA-256")]
    Subject,
    /// Hashed with something else.
    #[error("the files are hashed with {0:?}; only sha256 is taken")]
    HashType(String),
    /// An unknown or incomplete serialization.
    #[error("the serialization {0:?} is unknown or lacks its shard size; taken: files, shards")]
    Method(String),
    /// Too many resources, or none.
    #[error("{0} resources, expected 1 to {MAX_RESOURCES}")]
    Count(usize),
    /// A name that is no clean relative path.
    #[error("{0:?} is not a clean relative path of at most {MAX_NAME_BYTES} bytes")]
    Name(String),
    /// The same name twice.
    #[error("{0:?} is listed twice")]
    Twice(String),
    /// Neither of the two orders that signers use.
    #[error("the resources are neither in code-point order nor in order of their path's parts")]
    Order,
    /// The digest of the whole is not that of its parts.
    #[error("the subject's digest is not the digest of the resources' digests")]
    Root,
}

/// How a model was cut into resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serialization {
    /// One resource for each file.
    Files,
    /// One resource for each shard of a file, named `path:start:end`; empty files have none.
    Shards {
        /// Length of a shard, in bytes; the last one of a file may be shorter.
        size: u64,
    },
}

impl Serialization {
    /// What model_signing calls the digest of a resource; it compares that too.
    fn algorithm(self) -> String {
        match self {
            Self::Files => SHA256.to_owned(),
            Self::Shards { size } => format!("{SHA256}-sharded-{size}"),
        }
    }
}

/// The files of a model with their digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The model's name; a label.
    pub model: String,
    /// How files became resources.
    pub serialization: Serialization,
    /// Paths that the signer left out, with everything below them.
    pub ignore_paths: Vec<String>,
    /// What was hashed.
    pub resources: Vec<Resource>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Predicate {
    serialization: WireSerialization,
    resources: Vec<WireResource>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireSerialization {
    method: String,
    hash_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard_size: Option<ShardSize>,
    allow_symlinks: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ignore_paths: Vec<String>,
}

/// Protobuf knows one type of number, and writes some integers as `1000000000.0`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum ShardSize {
    Integer(u64),
    Float(f64),
}

impl ShardSize {
    fn bytes(self) -> Option<u64> {
        /// Up to here every integer has a float of its own.
        const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
        match self {
            Self::Integer(bytes) => Some(bytes),
            Self::Float(bytes) if bytes.fract() == 0.0 && (1.0..=MAX_EXACT).contains(&bytes) => {
                format!("{bytes:.0}").parse().ok()
            }
            Self::Float(_) => None,
        }
        .filter(|bytes| *bytes > 0)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct WireResource {
    name: String,
    algorithm: String,
    digest: String,
}

impl Manifest {
    /// A manifest of whole files, from which only the signature file itself is left out.
    #[must_use]
    pub fn of_files(model: &str, resources: Vec<Resource>) -> Self {
        Self {
            model: model.to_owned(),
            serialization: Serialization::Files,
            ignore_paths: vec![MODEL_SIGNATURE_FILE.to_owned()],
            resources,
        }
    }

    /// The statement over this manifest, its resources in code-point order: the bytes to sign.
    ///
    /// # Errors
    /// Never in practice: every member is a string.
    pub fn to_statement(&self) -> Result<Vec<u8>, canonical::Error> {
        let mut resources: Vec<&Resource> = self.resources.iter().collect();
        resources.sort_unstable();
        let root = root(resources.iter().map(|resource| resource.sha256));
        let algorithm = self.serialization.algorithm();
        let (method, shard_size) = match self.serialization {
            Serialization::Files => ("files", None),
            Serialization::Shards { size } => ("shards", Some(ShardSize::Integer(size))),
        };
        canonical::to_vec(&Statement {
            kind: StatementType::V1,
            subject: vec![ResourceDescriptor::sha256(&self.model, root)],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: Predicate {
                serialization: WireSerialization {
                    method: method.to_owned(),
                    hash_type: SHA256.to_owned(),
                    shard_size,
                    allow_symlinks: false,
                    ignore_paths: self.ignore_paths.clone(),
                },
                resources: resources
                    .into_iter()
                    .map(|resource| WireResource {
                        name: resource.name.clone(),
                        algorithm: algorithm.clone(),
                        digest: resource.sha256.to_hex(),
                    })
                    .collect(),
            },
        })
    }

    /// Reads the statement of a signature that somebody verified, or will not trust.
    ///
    /// Members that v1.0 does not know are passed over in the predicate, as it asks for.
    ///
    /// # Errors
    /// When it is not a consistent manifest.
    pub fn from_statement(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(ManifestError::TooLong);
        }
        let head: Statement<serde::de::IgnoredAny> =
            serde_json::from_slice(bytes).map_err(ManifestError::Parse)?;
        if head.predicate_type != PREDICATE_TYPE {
            return Err(ManifestError::PredicateType(short(&head.predicate_type)));
        }
        let statement: Statement<Predicate> =
            serde_json::from_slice(bytes).map_err(ManifestError::Parse)?;
        let [subject] = statement.subject.as_slice() else {
            return Err(ManifestError::Subject);
        };
        let (Some(model), Some(expected)) = (&subject.name, subject.sha256_digest()) else {
            return Err(ManifestError::Subject);
        };
        let Predicate { serialization, resources } = statement.predicate;
        let kind = serialization.kind()?;
        let resources = read(resources, kind)?;
        if root(resources.iter().map(|resource| resource.sha256)) != expected {
            return Err(ManifestError::Root);
        }
        Ok(Self {
            model: short(model),
            serialization: kind,
            ignore_paths: serialization.ignore_paths,
            resources,
        })
    }

    /// Whether the signer left this path out: it, or a directory that it is in, is named.
    #[must_use]
    pub fn ignores(&self, path: &str) -> bool {
        self.ignore_paths.iter().any(|ignored| covers(ignored, path))
    }
}

/// Whether the path `ignored` is `path` or a directory above it.
fn covers(ignored: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let wanted = ignored.split('/').filter(|part| !part.is_empty() && *part != ".");
    // An absolute path is outside of the model.
    !ignored.starts_with('/') && wanted.into_iter().all(|part| parts.next() == Some(part))
}

impl WireSerialization {
    fn kind(&self) -> Result<Serialization, ManifestError> {
        if self.hash_type != SHA256 {
            return Err(ManifestError::HashType(short(&self.hash_type)));
        }
        match (self.method.as_str(), self.shard_size.map(ShardSize::bytes)) {
            ("files", _) => Ok(Serialization::Files),
            ("shards", Some(Some(size))) => Ok(Serialization::Shards { size }),
            (method, _) => Err(ManifestError::Method(short(method))),
        }
    }
}

/// Takes the list of resources: distinct clean names, in one of the two orders.
fn read(wire: Vec<WireResource>, kind: Serialization) -> Result<Vec<Resource>, ManifestError> {
    if wire.is_empty() || wire.len() > MAX_RESOURCES {
        return Err(ManifestError::Count(wire.len()));
    }
    let mut resources = Vec::with_capacity(wire.len());
    let expected = kind.algorithm();
    for WireResource { name, algorithm, digest } in wire {
        if algorithm != expected {
            return Err(ManifestError::HashType(short(&algorithm)));
        }
        let Ok(sha256) = digest.parse() else {
            return Err(ManifestError::HashType(short(&digest)));
        };
        if !is_clean(&name) {
            return Err(ManifestError::Name(short(&name)));
        }
        resources.push(Resource { name, sha256 });
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = resources.iter().find(|resource| !names.insert(&resource.name)) {
        return Err(ManifestError::Twice(short(&twice.name)));
    }
    // The specification asks for code points; model_signing sorts by the parts of the path, and
    // shards of one file by their numbers.
    let by_parts =
        |a: &Resource, b: &Resource| part_order(&a.name, kind) <= part_order(&b.name, kind);
    if resources.is_sorted_by(|a, b| a.name <= b.name) || resources.is_sorted_by(by_parts) {
        return Ok(resources);
    }
    Err(ManifestError::Order)
}

/// What model_signing sorts by: the parts of the path, and where a shard begins and ends.
fn part_order(name: &str, kind: Serialization) -> (Vec<&str>, Option<(u64, u64)>) {
    let shard = |name| {
        let mut parts = str::rsplitn(name, 3, ':');
        let (end, start, path) = (parts.next()?, parts.next()?, parts.next()?);
        Some((path, (start.parse().ok()?, end.parse().ok()?)))
    };
    let shard = if kind == Serialization::Files { None } else { shard(name) };
    let (path, range) = shard.map_or((name, None), |(path, range)| (path, Some(range)));
    (path.split('/').collect(), range)
}

/// A relative path that names one place: no empty, `.` or `..` part, no NUL.
fn is_clean(name: &str) -> bool {
    name.len() <= MAX_NAME_BYTES
        && !name.contains('\0')
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The digest of the whole: over the resources' digests, in their order. It does not cover names.
fn root(digests: impl Iterator<Item = Sha256Digest>) -> Sha256Digest {
    let bytes: Vec<u8> = digests.flat_map(|digest| *digest.as_bytes()).collect();
    Sha256Digest::of(&bytes)
}

/// Text from elsewhere, cut for messages and labels.
fn short(text: &str) -> String {
    text.chars().take(256).collect()
}
