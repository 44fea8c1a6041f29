//! Energy of a run, by counters of the machine: those of its GPUs (NVML) and of whole processor
//! packages (RAPL, through the kernel's powercap files). What cannot be read is not told.

use std::path::{Path, PathBuf};

use evidence::Energy;
use nvml_wrapper::Nvml;

use crate::{events::MAX_SAFE_INTEGER, failure::clean};

/// Where the kernel shows the counters.
const POWERCAP: &str = "/sys/class/powercap";
/// The most processor packages that are told.
const MAX_PACKAGES: usize = 16;
/// The longest name of a counter, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// A counter of microjoules that begins again at its range.
#[derive(Debug)]
struct Package {
    name: String,
    counter: PathBuf,
    range_uj: u64,
    last_uj: u64,
    total_uj: u64,
}

fn text(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn number(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

impl Package {
    /// The counter in the directory of one zone; `None` for a part of a package, which is counted
    /// with it, and for what may not be read.
    fn open(zone: &Path) -> Option<Self> {
        let name = text(&zone.join("name"))?;
        let counter = zone.join("energy_uj");
        name.starts_with("package-").then_some(())?;
        Some(Self {
            name: format!("rapl:{}", clean(&name, MAX_NAME_BYTES)),
            range_uj: number(&zone.join("max_energy_range_uj"))?,
            last_uj: number(&counter)?,
            counter,
            total_uj: 0,
        })
    }

    /// Adds what was used since the last look, which must be less than the range.
    fn look(&mut self) -> Option<()> {
        let now_uj = number(&self.counter)?;
        let used_uj = match now_uj.checked_sub(self.last_uj) {
            Some(used_uj) => used_uj,
            None => self.range_uj.checked_sub(self.last_uj)?.saturating_add(now_uj),
        };
        self.total_uj = self.total_uj.saturating_add(used_uj);
        self.last_uj = now_uj;
        Some(())
    }
}

/// The packages of a machine, in the order of their names.
fn packages(powercap: &Path) -> Vec<Package> {
    let Ok(entries) = std::fs::read_dir(powercap) else {
        return Vec::new();
    };
    let zones = entries.flatten().map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("intel-rapl:")
    });
    let mut packages: Vec<Package> = zones.filter_map(|zone| Package::open(&zone)).collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    packages.dedup_by(|a, b| a.name == b.name);
    packages.truncate(MAX_PACKAGES);
    packages
}

/// The counters of GPUs as they were at the start, in millijoules, by the driver's index.
#[derive(Debug)]
struct Gpus {
    /// Some tens of kilobytes of function pointers.
    nvml: Box<Nvml>,
    before_mj: Vec<(u32, u64)>,
}

impl Gpus {
    /// The first `count` GPUs, which are those that the engine gives.
    fn open(count: u32) -> Option<Self> {
        if count == 0 {
            return None;
        }
        let nvml = Box::new(Nvml::init().ok()?);
        let indexes = 0..count.min(nvml.device_count().ok()?);
        let before_mj = indexes.filter_map(|i| Some((i, Self::counter_mj(&nvml, i)?))).collect();
        Some(Self { nvml, before_mj })
    }

    fn counter_mj(nvml: &Nvml, index: u32) -> Option<u64> {
        nvml.device_by_index(index).ok()?.total_energy_consumption().ok()
    }

    fn used(&self) -> Vec<Energy> {
        let used = |(index, before_mj): &(u32, u64)| {
            // The counter begins again when the driver is loaded.
            let millijoules = Self::counter_mj(&self.nvml, *index)?.checked_sub(*before_mj)?;
            Some(Energy { counter: format!("nvml:gpu/{index}"), millijoules })
        };
        self.before_mj.iter().filter_map(used).collect()
    }
}

/// Every counter that can be read, since the start of a run.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    gpus: Option<Gpus>,
    packages: Vec<Package>,
}

impl Meter {
    /// Reads the counters before a run with `gpus` GPUs.
    pub(crate) async fn start(gpus: u32) -> Self {
        let open = move || Self { gpus: Gpus::open(gpus), packages: packages(Path::new(POWERCAP)) };
        tokio::task::spawn_blocking(open).await.unwrap_or_default()
    }

    /// Looks at the counters that begin again within minutes; takes some microseconds.
    pub(crate) fn look(&mut self) {
        self.packages.retain_mut(|package| package.look().is_some());
    }

    fn used(mut self) -> Vec<Energy> {
        self.look();
        let gpus = self.gpus.as_ref().map(Gpus::used).unwrap_or_default();
        let packages = self
            .packages
            .into_iter()
            .map(|package| Energy { counter: package.name, millijoules: package.total_uj / 1_000 });
        let all = gpus.into_iter().chain(packages);
        all.filter(|energy| energy.millijoules <= MAX_SAFE_INTEGER).collect()
    }

    /// Reads the counters after the run: what was used since the start.
    pub(crate) async fn finish(self) -> Vec<Energy> {
        tokio::task::spawn_blocking(move || self.used()).await.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
