//! Whether a container ran into its limit of processes. The kernel counts refused forks in
//! `pids.events` of the control group, which goes soon after the container: so it is read often.
//! The first refusal of a control group also stands in the kernel's log, which may be read later.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::fs::OFlags;
use tokio::task::JoinHandle;

/// Between two looks at the counter, in milliseconds; a look takes some microseconds.
const LOOK_MS: u64 = 10;
/// The most records of the kernel's log that are looked through.
const MAX_RECORDS: usize = 100_000;

/// A watch on the counter of one container.
#[derive(Debug)]
pub(crate) struct PidsWatch {
    touched: Arc<AtomicBool>,
    looks: JoinHandle<()>,
}

/// The counter's file, from the text of `/proc/<pid>/cgroup`: version 1 has a line for `pids`,
/// version 2 has the line `0::<path>`.
fn events_file(cgroup: &str) -> Option<PathBuf> {
    let mut unified = None;
    for line in cgroup.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let under =
            |root: &str| Path::new(root).join(path.trim_start_matches('/')).join("pids.events");
        if controllers.split(',').any(|controller| controller == "pids") {
            return Some(under("/sys/fs/cgroup/pids"));
        }
        if controllers.is_empty() {
            unified = Some(under("/sys/fs/cgroup"));
        }
    }
    unified
}

/// The count in a `pids.events` file.
fn refused(events: &str) -> u64 {
    events.lines().find_map(|line| line.strip_prefix("max ")?.trim().parse().ok()).unwrap_or(0)
}

/// What the open counter says; `None` when the control group is gone.
fn read(file: &File) -> Option<u64> {
    let mut buffer = [0; 256];
    let count = file.read_at(&mut buffer, 0).ok()?;
    let text = buffer.get(..count).unwrap_or_default();
    Some(refused(&String::from_utf8_lossy(text)))
}

/// Whether a line of the kernel's log tells of a refusal in the control group of container `id`.
fn tells(line: &str, id: &str) -> bool {
    line.contains("fork rejected by pids controller") && line.contains(id)
}

/// Looks through the kernel's log; false where it may not be read. Blocks for some milliseconds.
pub(crate) fn kernel_log_tells(id: &str) -> bool {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let Ok(mut log) = OpenOptions::new().read(true).custom_flags(flags).open("/dev/kmsg") else {
        return false;
    };
    let mut record = [0; 8192];
    for _ in 0..MAX_RECORDS {
        match log.read(&mut record) {
            Ok(count) => {
                let line = record.get(..count).unwrap_or_default();
                if tells(&String::from_utf8_lossy(line), id) {
                    return true;
                }
            }
            // A record that was overwritten while it was waited for.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            Err(_) => return false,
        }
    }
    false
}

impl PidsWatch {
    /// Watches the control group of the process `pid`; `None` where it cannot be seen, as from
    /// inside a container of one's own.
    pub(crate) fn open(pid: u32) -> Option<Self> {
        if pid == 0 {
            return None;
        }
        let cgroup = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let path = events_file(&cgroup)?;
        let file = File::open(&path).ok()?;
        let touched = Arc::new(AtomicBool::new(read(&file)? > 0));
        let seen = Arc::clone(&touched);
        let looks = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(LOOK_MS));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while let Some(count) = read(&file) {
                if count > 0 {
                    seen.store(true, Ordering::Relaxed);
                    return;
                }
                ticks.tick().await;
            }
        });
        Some(Self { touched, looks })
    }

    /// Whether a fork was refused so far.
    pub(crate) fn touched(&self) -> bool {
        self.touched.load(Ordering::Relaxed)
    }
}

impl Drop for PidsWatch {
    fn drop(&mut self) {
        self.looks.abort();
    }
}

#[cfg(test)]
mod tests {
    //! Where the counter is, and what it says.
    use super::{events_file, refused, tells};

    #[test]
    fn the_counter_is_found_in_both_versions_of_control_groups() {
        let one = "12:cpu,cpuacct:/docker/ab\n7:pids:/docker/ab\n0::/system.slice\n";
        let path = events_file(one).unwrap();
        assert_eq!(path.to_str(), Some("/sys/fs/cgroup/pids/docker/ab/pids.events"));
        let two = "0::/system.slice/docker-ab.scope\n";
        let path = events_file(two).unwrap();
        assert_eq!(path.to_str(), Some("/sys/fs/cgroup/system.slice/docker-ab.scope/pids.events"));
        assert_eq!(events_file("nonsense"), None);
    }

    #[test]
    fn the_kernels_line_is_known() {
        let line = "6,1,2,-;cgroup: fork rejected by pids controller in /docker/ab12";
        assert!(tells(line, "ab12"));
        assert!(!tells(line, "cd34"));
        assert!(!tells("6,1,2,-;something else about ab12", "ab12"));
    }

    #[test]
    fn the_count_is_read() {
        assert_eq!(refused("max 3\n"), 3);
        assert_eq!(refused(""), 0);
    }
}
