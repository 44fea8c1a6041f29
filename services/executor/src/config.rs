//! Configuration of the executor: read once from TOML into a value that builds.

use std::{collections::BTreeMap, fmt::Display, path::PathBuf};

use ids::{Role, SpiffeId};
use job::Image;
use rpc::{ClientConfig, IdentityFiles, ServerConfig};
use serde::Deserialize;
use telemetry::TelemetryConfig;

use crate::workdir::ContainerUser;

/// The most jobs at once.
const MAX_SLOTS: u32 = 64;
/// The most trainers (`aibom.dispatch.v1.Inventory`).
const MAX_TRAINERS: usize = 64;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not TOML of this shape.
    #[error("the configuration does not parse: {0}")]
    Parse(#[from] toml::de::Error),
    /// A value outside its bound.
    #[error("{key} = {value:?}: {wanted}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        wanted: String,
    },
}

fn value(key: &'static str, value: &dyn Display, wanted: impl Into<String>) -> ConfigError {
    ConfigError::Value { key, value: value.to_string(), wanted: wanted.into() }
}

/// What one job may get on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Caps {
    /// Memory, in MiB.
    pub max_memory_mib: u32,
    /// All outputs together, in MiB.
    pub max_output_mib: u32,
    /// Wall clock, in seconds.
    pub max_wall_clock_s: u32,
    /// Processes and threads.
    pub max_pids: u32,
    /// GPUs.
    pub max_gpus: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            max_memory_mib: 1_048_576,
            max_output_mib: 1_048_576,
            max_wall_clock_s: 604_800,
            max_pids: 32_768,
            max_gpus: 64,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserFile {
    uid: u32,
    gid: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    work_dir: PathBuf,
    #[serde(default = "default_socket")]
    docker_socket: PathBuf,
    #[serde(default = "default_slots")]
    slots: u32,
    #[serde(default = "default_drain_ms")]
    drain_ms: u64,
    #[serde(default)]
    any_image: bool,
    container_user: Option<UserFile>,
    #[serde(default)]
    limits: Caps,
    identity: IdentityFiles,
    scheduler: ClientConfig,
    #[serde(default)]
    trainers: BTreeMap<String, String>,
    #[serde(default)]
    server: ServerConfig,
    #[serde(default)]
    telemetry: TelemetryConfig,
}

fn default_socket() -> PathBuf {
    PathBuf::from("/var/run/docker.sock")
}

const fn default_slots() -> u32 {
    1
}

const fn default_drain_ms() -> u64 {
    20_000
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The executor's name: the last part of its SPIFFE id, and the label of its containers.
    pub name: String,
    /// Where attempts have their directories; on the engine's machine, and this executor's alone.
    pub work_dir: PathBuf,
    /// The engine's socket.
    pub docker_socket: PathBuf,
    /// Jobs at once. 1 to 64.
    pub slots: u32,
    /// How long running jobs may go on after SIGTERM, in milliseconds.
    pub drain_ms: u64,
    /// Whether any image of the engine may run, not only the trainers'.
    pub any_image: bool,
    /// Who containers run as, and who owns their output directory.
    pub container_user: ContainerUser,
    /// What one job may get.
    pub limits: Caps,
    /// Who we are.
    pub identity: IdentityFiles,
    /// Where work comes from.
    pub scheduler: ClientConfig,
    /// Trainer name to image.
    pub trainers: BTreeMap<String, Image>,
    /// Where health is served.
    pub server: ServerConfig,
    /// Logs, traces, metrics.
    pub telemetry: TelemetryConfig,
}

fn trainers(file: BTreeMap<String, String>) -> Result<BTreeMap<String, Image>, ConfigError> {
    if file.len() > MAX_TRAINERS {
        return Err(value("trainers", &file.len(), format!("at most {MAX_TRAINERS}")));
    }
    let mut parsed = BTreeMap::new();
    for (name, text) in file {
        if !(1..=64).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(value("trainers", &name, "names have 1 to 64 characters"));
        }
        let image = text.parse().map_err(|e: job::ImageError| {
            value("trainers", &format_args!("{name} = {text}"), e.to_string())
        })?;
        parsed.insert(name, image);
    }
    Ok(parsed)
}

fn container_user(file: Option<UserFile>) -> Result<ContainerUser, ConfigError> {
    let UserFile { uid, gid } = file.unwrap_or(UserFile { uid: 65_532, gid: 65_532 });
    if uid == 0 || gid == 0 {
        let text = "neither may be 0: containers never run as root";
        return Err(value("container_user", &format_args!("{uid}:{gid}"), text));
    }
    Ok(ContainerUser { uid, gid })
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// When the text does not parse, has an unknown key, or a value outside its bound.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text)?;
        SpiffeId::new("example", Role::Executor, &file.name)
            .map_err(|e| value("name", &file.name, e.to_string()))?;
        if !(1..=MAX_SLOTS).contains(&file.slots) {
            return Err(value("slots", &file.slots, format!("1 to {MAX_SLOTS}")));
        }
        if !file.work_dir.is_absolute() {
            let shown = file.work_dir.display();
            return Err(value("work_dir", &shown, "an absolute path: the engine mounts it"));
        }
        if file.scheduler.spiffe_id.role() != Role::Scheduler {
            let id = &file.scheduler.spiffe_id;
            return Err(value("scheduler.spiffe_id", id, "the id of a scheduler"));
        }
        if file.server.public {
            return Err(value("server.public", &true, "an executor has no public listener"));
        }
        Ok(Self {
            name: file.name,
            work_dir: file.work_dir,
            docker_socket: file.docker_socket,
            slots: file.slots,
            drain_ms: file.drain_ms,
            any_image: file.any_image,
            container_user: container_user(file.container_user)?,
            limits: file.limits,
            identity: file.identity,
            scheduler: file.scheduler,
            trainers: trainers(file.trainers)?,
            server: file.server,
            telemetry: file.telemetry,
        })
    }
}

#[cfg(test)]
mod tests;
