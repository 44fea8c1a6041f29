//! The machine as the executor finds it, and the executor's own program.

use std::path::Path;

use evidence::{Firmware, Gpu, Host};
use ids::{Digests, Sha256Digest};
use nvml_wrapper::Nvml;

use crate::{engine::Engine, failure::clean};

/// The most GPUs that are told.
const MAX_GPUS: u32 = 64;
/// Where the kernel shows what the machine's firmware says of itself.
const DMI: &str = "/sys/class/dmi/id";
/// The longest text of the system that is kept, in bytes.
const MAX_TEXT_BYTES: usize = 128;

/// A GPU with the identity that the scheduler is told and the evidence only hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuFact {
    /// The driver's UUID.
    pub uuid: String,
    /// What goes into the evidence.
    pub gpu: Gpu,
}

/// What is known of the machine since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// Whether the executor itself runs in a container: files of its own root tell of that, not of
    /// the machine.
    pub contained: bool,
    /// What goes into the evidence; its GPUs are those of a run, so here none.
    pub host: Host,
    /// Every GPU of the machine, by the driver's index.
    pub gpus: Vec<GpuFact>,
    /// The executor's program.
    pub binary: Digests,
}

/// The value of `key` in lines of `key<separator>value`, without quotes.
fn field(text: &str, key: &str, separator: char) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(separator)?;
        let value = value.trim().trim_matches('"');
        (name.trim() == key).then(|| clean(value, MAX_TEXT_BYTES))
    })
}

fn os_name(os_release: &str) -> String {
    field(os_release, "PRETTY_NAME", '=')
        .or_else(|| field(os_release, "NAME", '='))
        .unwrap_or_else(|| "unknown".to_owned())
}

fn cpu_model(cpuinfo: &str) -> String {
    ["model name", "Model", "Hardware", "cpu"]
        .iter()
        .find_map(|key| field(cpuinfo, key, ':'))
        .unwrap_or_else(|| "unknown".to_owned())
}

fn cpu_count(cpuinfo: &str) -> u32 {
    let count = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    u32::try_from(count.max(1)).unwrap_or(1)
}

fn memory_bytes(meminfo: &str) -> u64 {
    let line = field(meminfo, "MemTotal", ':').unwrap_or_default();
    let kib: u64 = line.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    kib.saturating_mul(1024)
}

/// Whether this process is in a container: engines leave a file in its root, and most name
/// themselves in its control group.
fn contained(root: &Path, cgroup: &str) -> bool {
    const ENGINES: [&str; 5] = ["docker", "containerd", "kubepods", "libpod", "lxc"];
    let marked = [".dockerenv", "run/.containerenv"].iter().any(|file| root.join(file).exists());
    marked || ENGINES.iter().any(|engine| cgroup.contains(engine))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Firmware with a version; none where the machine does not tell it, as in many virtual ones.
fn firmware(dmi: &Path, cpuinfo: &str) -> Vec<Firmware> {
    let bios = |file: &str| {
        let text = std::fs::read_to_string(dmi.join(file)).unwrap_or_default();
        clean(text.trim(), MAX_TEXT_BYTES)
    };
    let cpu = |key: &str| field(cpuinfo, key, ':').unwrap_or_default();
    let all = [
        ("BIOS", bios("bios_version"), bios("bios_vendor")),
        ("CPU microcode", cpu("microcode"), cpu("vendor_id")),
    ];
    let told = all.into_iter().filter(|(_, version, _)| !version.is_empty());
    told.map(|(name, version, vendor)| Firmware { name: name.to_owned(), version, vendor })
        .collect()
}

/// GPUs through the NVIDIA management library; none where it or its driver is missing.
fn gpus() -> Vec<GpuFact> {
    let Ok(nvml) = Nvml::init() else {
        return Vec::new();
    };
    let driver = nvml.sys_driver_version().unwrap_or_default();
    let count = nvml.device_count().unwrap_or(0).min(MAX_GPUS);
    let fact = |index| {
        let device = nvml.device_by_index(index).ok()?;
        let uuid = device.uuid().ok()?;
        let gpu = Gpu {
            name: clean(&device.name().unwrap_or_default(), MAX_TEXT_BYTES),
            uuid_sha256: Sha256Digest::of(uuid.as_bytes()),
            memory_bytes: device.memory_info().map_or(0, |memory| memory.total),
            driver: clean(&driver, 64),
            vbios: device.vbios_version().ok().map(|version| clean(&version, 64)),
        };
        Some(GpuFact { uuid: clean(&uuid, 64), gpu })
    };
    (0..count).filter_map(fact).collect()
}

impl HostFacts {
    /// Looks at the machine once; blocks. Only the own program must be readable, the rest is told
    /// as far as the system tells it.
    ///
    /// # Errors
    /// When the own program cannot be read.
    pub fn read() -> std::io::Result<Self> {
        let uname = rustix::system::uname();
        let text = |c: &std::ffi::CStr| clean(&c.to_string_lossy(), MAX_TEXT_BYTES);
        let cpuinfo = read("/proc/cpuinfo");
        let host = Host {
            os: os_name(&read("/etc/os-release")),
            kernel: text(uname.release()),
            architecture: text(uname.machine()),
            cpu_model: cpu_model(&cpuinfo),
            cpus: cpu_count(&cpuinfo),
            memory_bytes: memory_bytes(&read("/proc/meminfo")),
            gpus: Vec::new(),
            firmware: firmware(Path::new(DMI), &cpuinfo),
        };
        let contained = contained(Path::new("/"), &read("/proc/self/cgroup"));
        Ok(Self { contained, host, gpus: gpus(), binary: telemetry::own_program()? })
    }

    /// From inside a container, takes the machine's operating system from the engine; what the
    /// own root says stays where the engine does not say it.
    pub async fn ask(&mut self, engine: &dyn Engine) {
        if !self.contained {
            return;
        }
        match engine.host_os().await {
            Ok(os) => self.host.os = os.unwrap_or_else(|| std::mem::take(&mut self.host.os)),
            Err(error) => tracing::warn!(%error, "the engine does not name the host's system"),
        }
    }

    /// The host as a run with `gpus` GPUs saw it: the engine gives the first ones by index.
    #[must_use]
    pub fn for_run(&self, gpus: u32) -> Host {
        let count = usize::try_from(gpus).unwrap_or(usize::MAX);
        let given = self.gpus.iter().take(count).map(|fact| fact.gpu.clone()).collect();
        Host { gpus: given, ..self.host.clone() }
    }
}

#[cfg(test)]
mod tests;
