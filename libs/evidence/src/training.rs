//! Training evidence: an in-toto Statement v1 with an SLSA provenance v1 predicate
//! (slsa.dev/provenance/v1), extended under `aibom_` names as that specification asks.

use std::collections::BTreeMap;

use envelope::{ResourceDescriptor, Statement};
use ids::{Attempt, FencingToken, JobId, Sha256Digest, SpiffeId, Timestamp};
use job::JobSpec;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// What the run used, as far as it was measured from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Usage {
    /// Processor time of the container, in milliseconds, at the last sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// The most memory that a sample saw, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// Energy that was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub energy: Vec<Energy>,
}

impl Usage {
    /// Whether nothing was measured.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.cpu_ms.is_none() && self.peak_memory_bytes.is_none() && self.energy.is_empty()
    }
}

/// Energy that a counter of the machine measured between start and end of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Energy {
    /// The counter: `nvml:gpu/0` (that GPU alone) or `rapl:package-0` (the whole processor package,
    /// whatever else ran on it).
    pub counter: String,
    /// Millijoules.
    pub millijoules: u64,
}

/// A container's effective settings as the engine reports them after creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Container {
    /// The engine.
    pub engine: Engine,
    /// OCI runtime, such as `runc`.
    pub runtime: String,
    /// `sha256:<hex>` of the image configuration.
    pub image_id: String,
    /// `<repository>@sha256:<hex>` names that the engine knows for it.
    pub repo_digests: Vec<String>,
    /// What was executed: entrypoint and arguments.
    pub command: Vec<String>,
    /// Names of the environment variables that were set; values may hold anything.
    pub environment_names: Vec<String>,
    /// User and group.
    pub user: String,
    /// `none` when there is no network.
    pub network_mode: String,
    /// Whether the root filesystem was read-only.
    pub readonly_rootfs: bool,
    /// Whether it ran privileged.
    pub privileged: bool,
    /// Dropped capabilities.
    pub cap_drop: Vec<String>,
    /// Added capabilities.
    pub cap_add: Vec<String>,
    /// Security options, such as `no-new-privileges`.
    pub security_options: Vec<String>,
    /// PID namespace mode; empty for its own.
    pub pid_mode: String,
    /// IPC mode; `private` or `none`.
    pub ipc_mode: String,
    /// User namespace mode; empty for the engine's default.
    pub userns_mode: String,
    /// Limits.
    pub limits: Limits,
    /// Scratch space: path to options.
    pub tmpfs: BTreeMap<String, String>,
    /// Bind mounts.
    pub mounts: Vec<Mount>,
    /// Device paths and device requests.
    pub devices: Vec<String>,
    /// Exit status.
    pub exit_code: i64,
    /// Whether the kernel killed it for memory.
    pub oom_killed: bool,
    /// The image's own facts.
    #[serde(default, skip_serializing_if = "ImageFacts::is_empty")]
    pub image: ImageFacts,
}

/// What the engine knows of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ImageFacts {
    /// Bytes of all layers; absent when the engine does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// `sha256:<hex>` of each layer's tar (OCI `rootfs.diff_ids`), lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl ImageFacts {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size_bytes.is_none() && self.layers.is_empty() && self.labels.is_empty()
    }
}

/// The container engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Engine {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Its parts, such as `containerd` and `runc`, by version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<String, String>,
}

/// Limits on the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limits {
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Memory and swap, in bytes.
    pub memory_swap_bytes: u64,
    /// Processors, in thousandths.
    pub cpu_millis: u64,
    /// Processes and threads.
    pub pids: u64,
    /// Wall clock, in seconds, kept by the executor.
    pub wall_clock_s: u64,
    /// All outputs together, in bytes, kept by the executor.
    pub output_bytes: u64,
}

/// A bind mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Mount {
    /// What it is: `inputs` or `outputs`; host paths are not told.
    pub source: String,
    /// Path inside.
    pub destination: String,
    /// Whether it could not be written.
    pub read_only: bool,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Host {
    /// Operating system, such as `Debian GNU/Linux 12 (bookworm)`.
    pub os: String,
    /// Kernel release.
    pub kernel: String,
    /// Machine architecture.
    pub architecture: String,
    /// Processor model.
    pub cpu_model: String,
    /// Logical processors.
    pub cpus: u32,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// GPUs that the container was given.
    pub gpus: Vec<Gpu>,
    /// Firmware of the machine: `BIOS`, `CPU microcode`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firmware: Vec<Firmware>,
}

/// A piece of firmware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Firmware {
    /// What it is.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who made it; empty when the machine does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vendor: String,
}

/// One GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Gpu {
    /// Product name.
    pub name: String,
    /// SHA-256 of the driver's UUID: tells GPUs apart without naming them.
    pub uuid_sha256: Sha256Digest,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Driver version.
    pub driver: String,
    /// VBIOS version; absent when the driver does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vbios: Option<String>,
}

/// The submitted model file, read without running it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Model {
    /// File format, such as `keras-v3`.
    pub format: String,
    /// Version that wrote it.
    pub framework_version: String,
    /// Top-level class, such as `Sequential`.
    pub class_name: String,
    /// Layers in file order.
    pub layers: Vec<Layer>,
    /// Inputs.
    pub inputs: Vec<Tensor>,
    /// Outputs, where the file tells.
    pub outputs: Vec<Tensor>,
    /// Trainable and other weights, where the file tells.
    pub parameter_count: Option<u64>,
    /// The optimizer that it is compiled with, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<String>,
    /// The losses that it is compiled with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<String>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Its class.
    pub class_name: String,
}

/// The form of one input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Dimensions; `null` where any size goes.
    pub shape: Vec<Option<u64>>,
    /// Element type.
    pub dtype: String,
}

/// The dataset, read without running anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Dataset {
    /// Records.
    pub records: u64,
    /// Columns.
    pub columns: u64,
    /// The label's column.
    pub label: String,
    /// Further statistics: dotted name to value, such as `alcohol.mean` to `13.0006`.
    pub statistics: BTreeMap<String, String>,
    /// Root of the RFC 6962 Merkle tree over the records in file order; a leaf is a record's bytes
    /// without its line end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merkle_root: Option<Sha256Digest>,
    /// The splits that the asked-for seed and share give by the rule `sha256-rank.v1`, computed by
    /// the executor; none for a dataset of more records than it splits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<Split>,
    /// Whether the trainer's own record of its split (`split.json`) names the same rows; absent when
    /// it left none that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_agrees: Option<bool>,
}

/// The records of one split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Split {
    /// `train` or `validation`.
    pub name: String,
    /// How many.
    pub records: u64,
    /// Root of the RFC 6962 Merkle tree over them, in the order of use.
    pub merkle_root: Sha256Digest,
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
    /// Best value of each metric over all epochs: least for `loss` names, greatest otherwise.
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
