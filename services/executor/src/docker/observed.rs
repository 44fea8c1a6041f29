//! What a container is, read back from the engine: the evidence tells this, not what was asked.

use std::{collections::BTreeMap, path::Path};

use bollard::models::{
    ContainerInspectResponse, ContainerStatsResponse, HostConfig, ImageInspect, MountPoint,
    SystemVersionComponents,
};
use evidence::{Container, Engine, ImageFacts, Limits, Mount};

use crate::{
    engine::{Inspection, Settings, Stats},
    events::MAX_SAFE_INTEGER,
    failure::clean,
};

/// The longest text that is kept, in bytes.
const MAX_TEXT_BYTES: usize = 1024;
/// The most entries of a list that are kept.
const MAX_ENTRIES: usize = 256;
/// The most labels of an image that are kept.
const MAX_LABELS: usize = 64;
/// The most parts of the engine that are kept.
const MAX_COMPONENTS: usize = 16;
/// The longest name of a label, and name and version of a part of the engine, in bytes.
const MAX_NAME_BYTES: usize = 128;

fn unsigned(value: Option<i64>) -> u64 {
    value.and_then(|v| u64::try_from(v).ok()).unwrap_or(0)
}

fn text(value: Option<String>) -> String {
    clean(&value.unwrap_or_default(), MAX_TEXT_BYTES)
}

fn list(values: Option<Vec<String>>) -> Vec<String> {
    let values = values.unwrap_or_default().into_iter().take(MAX_ENTRIES);
    values.map(|value| clean(&value, MAX_TEXT_BYTES)).collect()
}

fn cpu_millis(host: &HostConfig) -> u64 {
    let nano = unsigned(host.nano_cpus);
    if nano > 0 {
        return nano / 1_000_000;
    }
    let (quota, period) = (unsigned(host.cpu_quota), unsigned(host.cpu_period));
    let period = if period == 0 { 100_000 } else { period };
    quota.saturating_mul(1000) / period
}

/// Host paths become what they are to us; one that is neither stays visible as `other`.
fn mount(point: MountPoint, settings: &Settings) -> Mount {
    let source = point.source.unwrap_or_default();
    let source = match Path::new(&source) {
        path if path == settings.inputs => "inputs",
        path if path == settings.outputs => "outputs",
        _ => "other",
    };
    Mount {
        source: source.to_owned(),
        destination: text(point.destination),
        read_only: point.rw == Some(false),
    }
}

fn devices(host: &HostConfig) -> Vec<String> {
    let paths = host.devices.iter().flatten().map(|d| text(d.path_on_host.clone()));
    let requests = host.device_requests.iter().flatten().map(|request| {
        let capabilities: Vec<String> =
            request.capabilities.iter().flatten().map(|all| all.join("+")).collect();
        format!("{}x{}", request.count.unwrap_or(0), clean(&capabilities.join(","), 64))
    });
    paths.chain(requests).take(MAX_ENTRIES).collect()
}

/// The parts of the engine, by version; the engine itself, which is listed too, is none.
pub(super) fn engine_components(
    components: Vec<SystemVersionComponents>,
) -> BTreeMap<String, String> {
    let parts = components.into_iter().filter(|part| !part.name.ends_with("Engine"));
    let name = |text: &str| clean(text, MAX_NAME_BYTES);
    parts.take(MAX_COMPONENTS).map(|part| (name(&part.name), name(&part.version))).collect()
}

/// What the engine knows of an image; labels in the order of their names.
pub(super) fn image_facts(found: &ImageInspect) -> ImageFacts {
    let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
    let labels: BTreeMap<_, _> = labels.into_iter().flatten().collect();
    let label = |(name, value): (&String, &String)| {
        (clean(name, MAX_NAME_BYTES), clean(value, MAX_TEXT_BYTES))
    };
    let size_bytes = found.size.and_then(|size| u64::try_from(size).ok());
    ImageFacts {
        size_bytes: size_bytes.filter(|size| (1..=MAX_SAFE_INTEGER).contains(size)),
        layers: list(found.root_fs.as_ref().and_then(|root| root.layers.clone())),
        labels: labels.into_iter().take(MAX_LABELS).map(label).collect(),
    }
}

/// One sample; counters that the engine leaves out, or at 0, are none.
pub(super) fn stats(found: ContainerStatsResponse) -> Stats {
    let cpu_ns = found.cpu_stats.and_then(|cpu| cpu.cpu_usage?.total_usage);
    let memory = found.memory_stats.unwrap_or_default();
    Stats {
        pids: found.pids_stats.and_then(|pids| pids.current).unwrap_or(0),
        cpu_ms: cpu_ns.map(|ns| ns / 1_000_000).filter(|ms| *ms > 0),
        memory_bytes: memory.max_usage.or(memory.usage).filter(|bytes| *bytes > 0),
    }
}

/// Reads the engine's description. Limits that the executor keeps itself come from `settings`;
/// engine and repository digests are filled in by the caller, who asks for them elsewhere.
pub(super) fn inspection(found: ContainerInspectResponse, settings: &Settings) -> Inspection {
    let host = found.host_config.unwrap_or_default();
    let config = found.config.unwrap_or_default();
    let state = found.state.unwrap_or_default();
    let limits = Limits {
        memory_bytes: unsigned(host.memory),
        memory_swap_bytes: unsigned(host.memory_swap),
        cpu_millis: cpu_millis(&host),
        pids: unsigned(host.pids_limit),
        wall_clock_s: settings.limits.wall_clock_s,
        output_bytes: settings.limits.output_bytes,
    };
    let names = config.env.unwrap_or_default().into_iter().take(MAX_ENTRIES);
    let names = names.map(|e| clean(e.split('=').next().unwrap_or_default(), MAX_TEXT_BYTES));
    let mut mounts: Vec<Mount> =
        found.mounts.unwrap_or_default().into_iter().map(|point| mount(point, settings)).collect();
    mounts.sort_by(|a, b| a.destination.cmp(&b.destination));
    let mut command = vec![text(found.path)];
    command.extend(list(found.args));
    let devices = devices(&host);
    let container = Container {
        engine: Engine { name: String::new(), version: String::new(), components: BTreeMap::new() },
        runtime: text(host.runtime),
        image_id: text(found.image),
        repo_digests: Vec::new(),
        command,
        environment_names: names.collect(),
        user: text(config.user),
        network_mode: text(host.network_mode),
        readonly_rootfs: host.readonly_rootfs == Some(true),
        privileged: host.privileged != Some(false),
        cap_drop: list(host.cap_drop),
        cap_add: list(host.cap_add),
        security_options: list(host.security_opt),
        pid_mode: text(host.pid_mode),
        ipc_mode: text(host.ipc_mode),
        userns_mode: text(host.userns_mode),
        limits,
        tmpfs: host.tmpfs.unwrap_or_default().into_iter().collect(),
        mounts,
        devices,
        exit_code: state.exit_code.unwrap_or(-1),
        oom_killed: state.oom_killed == Some(true),
        image: ImageFacts::default(),
    };
    let pid = state.pid.and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
    Inspection { container, pid, running: state.running == Some(true) }
}

#[cfg(test)]
mod tests;
