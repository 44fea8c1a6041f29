//! The control group of a running container, looked at from outside: whether it ran into its limit
//! of processes, its processor time and its memory. The group goes soon after the container: so it
//! is read often. Where it cannot be seen, as from inside a container of one's own, nothing is told.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use evidence::PeakMemory;
use tokio::task::JoinHandle;

/// Between two looks at the counters, in milliseconds; a look takes some microseconds.
const LOOK_MS: u64 = 10;
/// Where control groups are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// The directory of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Directory {
    /// Version 1: one tree for each controller.
    Own(PathBuf),
    /// Version 2: one tree for all.
    Unified(PathBuf),
}

/// Where the counters of `controller` are, from the text of `/proc/<pid>/cgroup`: version 1 has a
/// line for it, version 2 has the line `0::<path>`.
fn directory(cgroup: &str, controller: &str) -> Option<Directory> {
    let mut unified = None;
    for line in cgroup.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let path = path.trim_start_matches('/');
        if controllers.split(',').any(|name| name == controller) {
            return Some(Directory::Own(Path::new(ROOT).join(controller).join(path)));
        }
        if controllers.is_empty() {
            unified = Some(Directory::Unified(Path::new(ROOT).join(path)));
        }
    }
    unified
}

/// The number behind `key` at the start of a line; 0 when there is none.
fn number(text: &str, key: &str) -> u64 {
    text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok()).unwrap_or(0)
}

/// One open counter.
#[derive(Debug)]
struct Counter {
    file: File,
    /// What stands before the number.
    key: &'static str,
    /// What the number is divided by.
    unit: u64,
}

impl Counter {
    fn open(path: &Path, key: &'static str, unit: u64) -> Option<Self> {
        Some(Self { file: File::open(path).ok()?, key, unit })
    }

    /// Refused forks.
    fn refused(cgroup: &str) -> Option<Self> {
        let (Directory::Own(dir) | Directory::Unified(dir)) = directory(cgroup, "pids")?;
        Self::open(&dir.join("pids.events"), "max ", 1)
    }

    /// Processor time in milliseconds.
    fn cpu_ms(cgroup: &str) -> Option<Self> {
        match directory(cgroup, "cpuacct")? {
            Directory::Own(dir) => Self::open(&dir.join("cpuacct.usage"), "", 1_000_000),
            Directory::Unified(dir) => Self::open(&dir.join("cpu.stat"), "usage_usec ", 1_000),
        }
    }

    /// The most memory so far, in bytes; only the memory now on kernels that do not keep the most.
    fn memory_bytes(directory: &Directory) -> Option<(Self, PeakMemory)> {
        let (dir, most, now) = match directory {
            Directory::Own(dir) => (dir, "memory.max_usage_in_bytes", "memory.usage_in_bytes"),
            Directory::Unified(dir) => (dir, "memory.peak", "memory.current"),
        };
        let open = |file, kind| Some((Self::open(&dir.join(file), "", 1)?, kind));
        open(most, PeakMemory::HighWaterMark).or_else(|| open(now, PeakMemory::GreatestSample))
    }

    /// What it says now; `None` when the control group is gone.
    fn read(&self) -> Option<u64> {
        let mut buffer = [0; 256];
        let count = self.file.read_at(&mut buffer, 0).ok()?;
        let text = buffer.get(..count).unwrap_or_default();
        Some(number(&String::from_utf8_lossy(text), self.key) / self.unit)
    }
}

/// The counters of one container.
#[derive(Debug)]
struct Counters {
    refused: Counter,
    cpu_ms: Option<Counter>,
    memory_bytes: Option<Counter>,
}

/// What the looks saw; 0 is nothing.
#[derive(Debug, Default)]
struct Seen {
    refused: AtomicBool,
    cpu_ms: AtomicU64,
    memory_bytes: AtomicU64,
}

impl Counters {
    /// Looks once; `None` when the control group is gone.
    fn look(&self, seen: &Seen) -> Option<()> {
        let read = |counter: &Option<Counter>| counter.as_ref().and_then(Counter::read);
        if let Some(cpu_ms) = read(&self.cpu_ms) {
            seen.cpu_ms.fetch_max(cpu_ms, Ordering::Relaxed);
        }
        if let Some(memory_bytes) = read(&self.memory_bytes) {
            seen.memory_bytes.fetch_max(memory_bytes, Ordering::Relaxed);
        }
        let refused = self.refused.read()? > 0;
        seen.refused.fetch_or(refused, Ordering::Relaxed);
        Some(())
    }
}

/// A watch on the control group of one container.
#[derive(Debug)]
pub(crate) struct Watch {
    seen: Arc<Seen>,
    memory_kind: Option<PeakMemory>,
    looks: JoinHandle<()>,
}

impl Watch {
    /// Watches the control group of the process `pid`; `None` where it cannot be seen.
    pub(crate) fn open(pid: u32) -> Option<Self> {
        if pid == 0 {
            return None;
        }
        let cgroup = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let memory = directory(&cgroup, "memory").as_ref().and_then(Counter::memory_bytes);
        let (memory_bytes, memory_kind) = memory.unzip();
        let counters = Counters {
            refused: Counter::refused(&cgroup)?,
            cpu_ms: Counter::cpu_ms(&cgroup),
            memory_bytes,
        };
        let seen = Arc::new(Seen::default());
        counters.look(&seen)?;
        let told = Arc::clone(&seen);
        let looks = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(LOOK_MS));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while counters.look(&told).is_some() {
                ticks.tick().await;
            }
        });
        Some(Self { seen, memory_kind, looks })
    }

    /// Whether a fork was refused so far.
    pub(crate) fn fork_refused(&self) -> bool {
        self.seen.refused.load(Ordering::Relaxed)
    }

    /// Processor time so far, in milliseconds.
    pub(crate) fn cpu_ms(&self) -> Option<u64> {
        Some(self.seen.cpu_ms.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    /// The most memory so far, in bytes, and how it was found.
    pub(crate) fn memory_bytes(&self) -> Option<(u64, PeakMemory)> {
        let bytes = self.seen.memory_bytes.load(Ordering::Relaxed);
        Some((bytes, self.memory_kind?)).filter(|(bytes, _)| *bytes > 0)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.looks.abort();
    }
}

#[cfg(test)]
mod tests;
