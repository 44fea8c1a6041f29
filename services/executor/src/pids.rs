//! Whether a container ran into its limit of processes: the kernel counts refused forks in
//! `pids.events`, and an inotify watch keeps the news even when the control group is gone.

use std::{
    mem::MaybeUninit,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};

/// A watch on the counter of one container.
#[derive(Debug)]
pub struct PidsWatch {
    inotify: OwnedFd,
    /// Whether a fork was refused before the watch began.
    before: bool,
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
        let under = |root: &str| {
            Path::new(root).join(path.trim_start_matches('/')).join("pids.events")
        };
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
    events
        .lines()
        .find_map(|line| line.strip_prefix("max ")?.trim().parse().ok())
        .unwrap_or(0)
}

impl PidsWatch {
    /// Watches the control group of the process `pid`; `None` where it cannot be seen, as from
    /// inside a container of one's own.
    #[must_use]
    pub fn open(pid: u32) -> Option<Self> {
        if pid == 0 {
            return None;
        }
        let cgroup = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let file = events_file(&cgroup)?;
        let inotify = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
        add_watch(&inotify, &file, WatchFlags::MODIFY).ok()?;
        let before = refused(&std::fs::read_to_string(&file).ok()?) > 0;
        Some(Self { inotify, before })
    }

    /// Whether a fork was refused so far.
    #[must_use]
    pub fn touched(&mut self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            if event.events().contains(ReadFlags::MODIFY) {
                self.before = true;
            }
        }
        self.before
    }
}

#[cfg(test)]
mod tests {
    //! Where the counter is, and what it says.
    use super::{events_file, refused};

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
    fn the_count_is_read() {
        assert_eq!(refused("max 3\n"), 3);
        assert_eq!(refused(""), 0);
    }
}
