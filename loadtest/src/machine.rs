//! What this run was measured on.

use serde::Serialize;

/// The machine, as far as it explains figures.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// The processor's own name.
    pub(crate) processor: String,
    /// Cores that this process may use.
    pub(crate) cores: usize,
    /// Kernel release.
    pub(crate) kernel: String,
    /// Runnable tasks over the last minute, before anything was measured.
    pub(crate) load_before: String,
}

fn first_word(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

impl Machine {
    /// Looks around.
    pub(crate) fn here() -> Self {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let named =
            info.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
        Self {
            processor: named.unwrap_or("unknown").trim().to_owned(),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            kernel: first_word("/proc/sys/kernel/osrelease"),
            load_before: first_word("/proc/loadavg"),
        }
    }
}
