//! Whether a container ran into its limit of processes, by the kernel's log: the first refusal of a
//! control group stands there, and may be read when the control group is gone.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Read as _},
    os::unix::fs::OpenOptionsExt as _,
};

use rustix::fs::OFlags;

/// The most records of the kernel's log that are looked through.
const MAX_RECORDS: usize = 100_000;

/// Whether a line of the kernel's log tells of a refusal in the control group of container `id`.
fn tells(line: &str, id: &str) -> bool {
    line.contains("fork rejected by pids controller") && line.contains(id)
}

/// Whether the kernel refused container `id` a fork, by its log; false where it may not be read. Blocks for some milliseconds.
pub(crate) fn fork_refused(id: &str) -> bool {
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

#[cfg(test)]
mod tests {
    //! The kernel's line.
    use super::tells;

    #[test]
    fn the_kernels_line_is_known() {
        let line = "6,1,2,-;cgroup: fork rejected by pids controller in /docker/ab12";
        assert!(tells(line, "ab12"));
        assert!(!tells(line, "cd34"));
        assert!(!tells("6,1,2,-;something else about ab12", "ab12"));
    }
}
