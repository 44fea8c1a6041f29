//! What is measured of one run from outside: processes, processor time, memory and energy.

use evidence::{PeakMemory, Usage};

use crate::{control_group::Watch, energy::Meter, engine::Stats, events::MAX_SAFE_INTEGER};

/// The measurements of one container, from just before its start to its end.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// The kernel's own counters, where they can be seen.
    group: Option<Watch>,
    /// The greatest of what the engine said otherwise.
    stats: Stats,
    /// Whether the engine counted as many processes as there may be.
    full: bool,
    meter: Meter,
}

impl Measured {
    /// Begins with what must be read before the start.
    pub(crate) async fn before(gpus: u32) -> Self {
        Self { meter: Meter::start(gpus).await, ..Self::default() }
    }

    /// Goes on with the container whose first process is `pid`.
    pub(crate) fn watch(&mut self, pid: u32) {
        self.group = Watch::open(pid);
    }

    /// Whether the engine has to be asked, because the kernel's counters cannot be seen.
    pub(crate) const fn needs_stats(&self) -> bool {
        self.group.is_none()
    }

    /// Takes what the engine said, with the limit of processes.
    pub(crate) fn take(&mut self, stats: Stats, max_pids: u64) {
        self.full |= stats.pids >= max_pids;
        self.stats.cpu_ms = self.stats.cpu_ms.max(stats.cpu_ms);
        self.stats.memory_bytes = self.stats.memory_bytes.max(stats.memory_bytes);
    }

    /// Looks at what has to be looked at now and then.
    pub(crate) fn look(&mut self) {
        self.meter.look();
    }

    /// Whether the container ran into its limit of processes, as far as it was seen.
    pub(crate) fn pids_limit_touched(&self) -> bool {
        self.full || self.group.as_ref().is_some_and(Watch::fork_refused)
    }

    /// What the run used, when it is over; what was not measured is absent.
    pub(crate) async fn usage(self) -> Usage {
        let safe = |counted: Option<u64>| counted.filter(|counted| *counted <= MAX_SAFE_INTEGER);
        let sampled = |bytes| (bytes, PeakMemory::GreatestSample);
        let (cpu_ms, memory) = match &self.group {
            Some(group) => (group.cpu_ms(), group.memory_bytes()),
            None => (self.stats.cpu_ms, self.stats.memory_bytes.map(sampled)),
        };
        let cpu_ms = safe(cpu_ms);
        let memory = memory.filter(|(bytes, _)| safe(Some(*bytes)).is_some());
        Usage {
            cpu_sampled: cpu_ms.is_some() && self.group.is_none(),
            cpu_ms,
            peak_memory_bytes: memory.map(|(bytes, _)| bytes),
            peak_memory_kind: memory.map(|(_, kind)| kind),
            energy: self.meter.finish().await,
        }
    }
}

#[cfg(test)]
mod tests {
    //! What was measured is told, the rest is absent.
    use super::*;

    #[tokio::test]
    async fn what_was_not_measured_is_absent() {
        let mut nothing = Measured::default();
        nothing.watch(0);
        nothing.look();
        nothing.take(Stats::default(), 1);
        assert!(nothing.needs_stats());
        assert!(!nothing.pids_limit_touched());
        assert_eq!(nothing.usage().await, Usage::default());
    }

    #[tokio::test]
    async fn the_greatest_sample_of_the_engine_counts() {
        let mut measured = Measured::default();
        let stats = |pids, cpu_ms, memory_bytes| Stats { pids, cpu_ms, memory_bytes };
        measured.take(stats(1, Some(5), Some(900)), 3);
        measured.take(stats(3, Some(7), Some(100)), 3);
        // The engine no longer knows the container.
        measured.take(Stats::default(), 3);
        assert!(measured.pids_limit_touched());
        let usage = measured.usage().await;
        assert_eq!((usage.cpu_ms, usage.peak_memory_bytes), (Some(7), Some(900)));
        let told = (usage.cpu_sampled, usage.peak_memory_kind);
        assert_eq!(told, (true, Some(PeakMemory::GreatestSample)));
    }

    #[tokio::test]
    async fn what_canonical_json_would_round_is_absent() {
        let mut measured = Measured::default();
        let stats = Stats { pids: 1, cpu_ms: Some(u64::MAX), memory_bytes: Some(MAX_SAFE_INTEGER) };
        measured.take(stats, 3);
        let usage = measured.usage().await;
        assert_eq!((usage.cpu_ms, usage.peak_memory_bytes), (None, Some(MAX_SAFE_INTEGER)));
        assert!(!usage.cpu_sampled, "what is absent is no sample");
    }
}
