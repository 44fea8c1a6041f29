//! The specification of a job: inputs and image by digest, parameters, metadata, limits.

use std::{fmt, str::FromStr};

use ids::Sha256Digest;
use serde::{Deserialize, Serialize};

/// What kind of learning problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Predict one of several classes.
    Classification,
    /// Predict a number.
    Regression,
}

/// An image that is named by digest: `sha256:<hex>` (image id) or `<repository>@sha256:<hex>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Image {
    repository: Option<String>,
    digest: Sha256Digest,
}

/// A text that does not name an image by digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an image is sha256:<64 hex> or <repository>@sha256:<64 hex>, never a tag: got {0:?}")]
pub struct ImageError(String);

impl Image {
    /// The digest.
    #[must_use]
    pub const fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The repository; `None` for a plain image id.
    #[must_use]
    pub fn repository(&self) -> Option<&str> {
        self.repository.as_deref()
    }
}

impl FromStr for Image {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ImageError(text.chars().take(200).collect());
        let (repository, digest) = match text.split_once('@') {
            Some((repository, digest)) => (Some(repository), digest),
            None => (None, text),
        };
        let repository_ok = repository.is_none_or(|r| {
            (1..=255).contains(&r.len())
                && r.bytes().all(
                    |b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'/' | b':'),
                )
        });
        if !repository_ok {
            return Err(error());
        }
        let digest = digest.strip_prefix("sha256:").ok_or_else(error)?;
        Ok(Self {
            repository: repository.map(str::to_owned),
            digest: digest.parse().map_err(|_| error())?,
        })
    }
}

impl TryFrom<String> for Image {
    type Error = ImageError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Image> for String {
    fn from(image: Image) -> Self {
        image.to_string()
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(repository) = &self.repository {
            write!(f, "{repository}@")?;
        }
        write!(f, "sha256:{}", self.digest)
    }
}

/// Which trainer runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Trainer {
    /// What the job file called it; a label, 1 to 64 characters.
    pub name: String,
    /// The image, by digest.
    pub image: Image,
}

/// An input by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InputFile {
    /// The file's name at the submitter; a label, never a path. 1 to 128 characters.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
    /// Length in bytes.
    pub size: u64,
}

/// The three inputs of a training job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Inputs {
    /// The model to train, `.keras`.
    pub model: InputFile,
    /// The data, CSV.
    pub dataset: InputFile,
    /// What the data means, YAML.
    pub definition: InputFile,
}

impl Inputs {
    /// Role and file of each input, in a fixed order.
    #[must_use]
    pub const fn each(&self) -> [(&'static str, &InputFile); 3] {
        [("model", &self.model), ("dataset", &self.dataset), ("definition", &self.definition)]
    }
}

/// How to train; `None` leaves the choice to the trainer, which reports what it chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Parameters {
    /// Passes over the data. 1 to 100,000.
    pub epochs: u32,
    /// Epoch to begin at, for resumed training. Less than `epochs`.
    pub initial_epoch: u32,
    /// Rows per step. 1 to 1,000,000.
    pub batch_size: Option<u32>,
    /// Share of the rows kept for validation. 0 to less than 1.
    pub validation_split: f64,
    /// Steps per epoch. 1 to 10,000,000.
    pub steps_per_epoch: Option<u32>,
    /// Validation steps. 1 to 10,000,000.
    pub validation_steps: Option<u32>,
    /// Epochs between validations. 1 to 100,000.
    pub validation_freq: u32,
    /// Seed of every random choice.
    pub seed: u32,
}

/// What the submitter says of the model. Texts are at most 4,096 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ModelInfo {
    /// Name. 1 to 128 characters.
    pub name: String,
    /// Version. 1 to 64 characters.
    pub version: String,
    /// What it is.
    pub description: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// Kind of model, in the submitter's words.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// SPDX licence expression.
    pub licence: Option<String>,
    /// What it was derived from.
    pub base_model: Option<BaseModel>,
    /// What it is meant for.
    pub intended_use: Option<String>,
    /// What it is not meant for.
    pub out_of_scope: Option<String>,
    /// How it could be misused.
    pub misuse: Option<String>,
    /// Who is to use it. Every list here has at most [`MAX_LIST`] entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Known technical limitations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limitations: Vec<String>,
    /// Trade-offs between accuracy and other things.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trade_offs: Vec<String>,
    /// Ethical risks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ethical_risks: Vec<Risk>,
    /// How groups fare with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fairness: Vec<Fairness>,
    /// What it is said to comply with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compliance: Vec<Compliance>,
    /// Web address ([`crate::is_web_address`]) of the producer's security policy or `security.txt`
    /// (RFC 9116).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_policy: Option<String>,
}

/// The most entries of a list that a submitter gives.
pub const MAX_LIST: usize = 32;

/// The model that another was derived from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BaseModel {
    /// Name. 1 to 128 characters.
    pub name: String,
    /// URL or purl.
    pub source: Option<String>,
    /// Version. 1 to 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of its weights file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Digest>,
    /// How the submitted model was made from it, such as `full`, `lora` or `distillation`. 1 to 4,096
    /// characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivation: Option<String>,
}

/// A risk and what is done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Risk {
    /// The risk. 1 to 4,096 characters.
    pub name: String,
    /// What is done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigation: Option<String>,
}

/// How a group fares with the model. Every text is 1 to 4,096 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Fairness {
    /// The group at risk.
    pub group: String,
    /// What it gains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benefits: Option<String>,
    /// What it may suffer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harms: Option<String>,
    /// What is done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigation: Option<String>,
}

/// A standard or law that the submitter says the model complies with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Compliance {
    /// Its name, such as `Regulation (EU) 2024/1689`. 1 to 128 characters.
    pub standard: String,
    /// In what way, in the submitter's words. 1 to 4,096 characters.
    pub statement: String,
}

/// What the submitter says of the dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DatasetInfo {
    /// Name. 1 to 128 characters.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// SPDX licence expression.
    pub licence: Option<String>,
    /// URL, DOI or purl.
    pub source: Option<String>,
    /// Version. 1 to 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How it was collected and prepared before it came here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<String>,
    /// Its classification, such as `public` or `confidential`. 1 to 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<String>,
    /// What sensitive data it holds; `none` where the submitter says that there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitive_data: Vec<String>,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// Who keeps it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custodians: Vec<String>,
    /// Who answers for its content and use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stewards: Vec<String>,
}

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

/// The limits of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Resources {
    /// Processors, in thousandths. 100 to 256,000.
    pub cpu_millis: u32,
    /// Memory, in MiB. 32 to 1,048,576.
    pub memory_mib: u32,
    /// Processes and threads. 8 to 32,768.
    pub pids: u32,
    /// Wall clock, in seconds. 1 to 604,800.
    pub wall_clock_s: u32,
    /// All outputs together, in MiB. 1 to 1,048,576.
    pub output_mib: u32,
    /// GPUs. 0 to 64.
    pub gpus: u32,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            cpu_millis: 2_000,
            memory_mib: 2_048,
            pids: 256,
            wall_clock_s: 3_600,
            output_mib: 1_024,
            gpus: 0,
        }
    }
}

/// Everything that a user asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct JobSpec {
    /// The learning problem.
    pub task: Task,
    /// What runs.
    pub trainer: Trainer,
    /// On what.
    pub inputs: Inputs,
    /// How.
    pub parameters: Parameters,
    /// What the submitter says of the model.
    pub model: ModelInfo,
    /// What the submitter says of the dataset.
    pub dataset: DatasetInfo,
    /// Within which limits.
    pub resources: Resources,
    /// How the AIBoM is to be written.
    pub aibom: BomOptions,
}
