//! The specification of a job: inputs and image by digest, parameters, metadata, limits.

use std::{fmt, str::FromStr};

use ids::Sha256Digest;
use serde::{Deserialize, Serialize};

use crate::{BomOptions, DatasetInfo, ModelInfo};

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
