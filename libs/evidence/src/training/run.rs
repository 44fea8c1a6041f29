//! What the executor saw of container and machine.

use std::collections::BTreeMap;

use ids::Sha256Digest;
use serde::{Deserialize, Serialize};

/// What the run used, as far as it was measured from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Usage {
    /// Processor time of the container, in milliseconds, at the last look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// Whether [`Self::cpu_ms`] is the engine's last sample, which may miss the end of the run, and
    /// not the kernel's own counter.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cpu_sampled: bool,
    /// The most memory that was seen, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// What [`Self::peak_memory_bytes`] is; absent when that is, and where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_kind: Option<PeakMemory>,
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

/// How the most memory was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeakMemory {
    /// The kernel keeps the most: nothing between two looks is missed.
    #[serde(rename = "kernel high-water mark")]
    HighWaterMark,
    /// The greatest of some samples: more may have been used between two.
    #[serde(rename = "greatest sample")]
    GreatestSample,
}

impl PeakMemory {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HighWaterMark => "kernel high-water mark",
            Self::GreatestSample => "greatest sample",
        }
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

/// Limits on the container; 0 is none.
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
