//! Training evidence: an in-toto Statement v1 with an SLSA provenance v1 predicate
//! (slsa.dev/provenance/v1), extended under `aibom_` names as that specification asks.

mod files;
mod run;

use std::collections::BTreeMap;

use envelope::{ResourceDescriptor, Statement};
use ids::{Attempt, FencingToken, JobId, Sha256Digest, SpiffeId, Timestamp};
use job::JobSpec;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use files::{Dataset, Layer, Model, Split, Tensor};
pub use run::{
    Container, Energy, Engine, Firmware, Gpu, Host, ImageFacts, Limits, Mount, PeakMemory, Usage,
};

/// The predicate type.
pub const PROVENANCE_PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// The build type.
pub const BUILD_TYPE: &str = "urn:aibom:training:v1";

/// What an executor signs: the subjects are the outputs.
pub type TrainingStatement = Statement<Provenance>;

/// SLSA provenance v1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Provenance {
    /// What was to be run, with what.
    pub build_definition: BuildDefinition,
    /// How it ran.
    pub run_details: RunDetails,
}

/// What was to be run, with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BuildDefinition {
    /// Always [`BUILD_TYPE`].
    pub build_type: String,
    /// Under the user's control.
    pub external_parameters: ExternalParameters,
    /// Under the platform's control.
    pub internal_parameters: InternalParameters,
    /// Inputs (`model`, `dataset`, `definition`) and the image (`trainer`), by digest as the
    /// executor hashed them before any byte was parsed.
    pub resolved_dependencies: Vec<ResourceDescriptor>,
}

/// The user's part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExternalParameters {
    /// SHA-256 of the request's envelope.
    pub request: Sha256Digest,
    /// The specification in it.
    pub spec: JobSpec,
}

/// The platform's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InternalParameters {
    /// The job.
    pub job: JobId,
    /// From 1.
    pub attempt: Attempt,
    /// SHA-256 of the grant's envelope, the last one after renewals.
    pub grant: Sha256Digest,
    /// The grant's nonce.
    pub nonce: Sha256Digest,
    /// The grant's fencing token.
    pub fencing_token: FencingToken,
}

/// How it ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RunDetails {
    /// Who ran it.
    pub builder: Builder,
    /// When.
    pub metadata: RunMetadata,
    /// What else came out: the log (`training.log`).
    pub byproducts: Vec<ResourceDescriptor>,
    /// What the executor saw from outside the container.
    #[serde(rename = "aibom_observed")]
    pub observed: Observed,
    /// What the trainer said from inside it.
    #[serde(rename = "aibom_reported")]
    pub reported: Reported,
}

/// Who ran it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Builder {
    /// The executor.
    pub id: SpiffeId,
    /// Component to version.
    pub version: BTreeMap<String, String>,
    /// The executor's own binary (`aibom-executor`), by digest.
    pub builder_dependencies: Vec<ResourceDescriptor>,
}

/// When it ran, by the executor's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RunMetadata {
    /// `<job>/<attempt>`.
    pub invocation_id: String,
    /// Just before the container was started.
    pub started_on: Timestamp,
    /// Just after it was gone.
    pub finished_on: Timestamp,
}

/// What the executor saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Observed {
    /// The container's effective settings, read back from the engine.
    pub container: Container,
    /// The machine.
    pub host: Host,
    /// The submitted model, read without running it.
    pub model: Model,
    /// The dataset, read without running anything.
    pub dataset: Dataset,
    /// The model that came out, read in the same way.
    pub trained: Trained,
    /// What the run used.
    #[serde(default, skip_serializing_if = "Usage::is_empty")]
    pub usage: Usage,
}

/// The model that came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trained {
    /// As the executor read it.
    Read(Model),
    /// Why the executor could not read it.
    Unreadable(String),
}

/// What the trainer said; the platform vouches for none of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Reported {
    /// Framework to version.
    pub frameworks: BTreeMap<String, String>,
    /// Facts on the data: rows used, split sizes, classes.
    pub data: BTreeMap<String, Value>,
    /// The parameters that were in effect.
    pub effective: BTreeMap<String, Value>,
    /// Epochs that were run.
    pub epochs: u32,
    /// Metrics of the last epoch.
    pub final_metrics: BTreeMap<String, f64>,
    /// Best value over all epochs of each metric whose [`direction`](crate::direction) is known.
    pub best_metrics: BTreeMap<String, f64>,
    /// The trainer's own name and version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trainer: String,
    /// Metrics over the epochs: at most 256 points each, evenly spread when there were more epochs,
    /// the last one always among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub series: BTreeMap<String, Vec<Point>>,
}

/// A metric after one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point(
    /// The epoch, from 1.
    pub u32,
    /// The value.
    pub f64,
);
