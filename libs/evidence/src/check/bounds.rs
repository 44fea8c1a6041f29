//! The bounds of training evidence: no list in it is longer than the platform writes it.

use super::{Checker, MAX_SERIES, MAX_SERIES_POINTS, MAX_STATISTICS};
use crate::{Observed, Reported, RunDetails};

/// The most splits of a dataset: training and validation.
const MAX_SPLITS: usize = 2;
/// The most energy counters of one machine.
const MAX_ENERGY: usize = 128;
/// The most pieces of firmware of one machine.
const MAX_FIRMWARE: usize = 16;
/// The most layers of an image; engines stop at 127.
const MAX_LAYERS: usize = 256;
/// The most labels of an image.
const MAX_LABELS: usize = 64;
/// The most parts of an engine.
const MAX_ENGINE_PARTS: usize = 16;
/// The most GPUs of one run.
const MAX_GPUS: usize = 64;
/// The most frameworks that a trainer names.
const MAX_FRAMEWORKS: usize = 64;
/// The most metrics of one epoch.
const MAX_METRICS: usize = 64;
/// The most facts that a trainer reports, and parameters: each has some bytes of 64 KiB.
const MAX_FACTS: usize = 16 * 1024;
/// The most words of a command: the program and its arguments.
const MAX_COMMAND: usize = 257;
/// The most entries of any other list of a container's.
const MAX_ENTRIES: usize = 256;

impl Checker<'_> {
    pub(super) fn bounds(&mut self, details: &RunDetails) -> bool {
        let over = longest(&details.observed, &details.reported)
            .into_iter()
            .find(|(_, got, limit)| got > limit);
        let (what, got, limit) = over.unwrap_or_default();
        let bounds = self.checks.require(
            "training.bounds",
            over.is_none(),
            "no list is longer than its bound",
            format_args!("{got} {what}, at most {limit} are taken"),
        );
        let records = details.observed.dataset.records;
        let splits = &details.observed.dataset.splits;
        let sum = splits.iter().fold(0_u64, |sum, split| sum.saturating_add(split.records));
        let whole = self.checks.require(
            "training.split-records",
            splits.is_empty() || sum == records,
            "every record is in one split",
            format_args!("the splits have {sum} records, the dataset has {records}"),
        );
        let known = splits.iter().map(|split| split.name.as_str());
        let distinct = splits.first().map(|s| &s.name) != splits.get(1).map(|s| &s.name);
        let splits = self.checks.require(
            "training.splits",
            known.clone().all(|name| matches!(name, "train" | "validation"))
                && (distinct || splits.is_empty()),
            "train and validation, each at most once",
            format_args!("{:?}, expected train and validation", known.collect::<Vec<_>>()),
        );
        bounds && whole && splits
    }
}

/// Each list, its length and its bound.
fn longest(observed: &Observed, reported: &Reported) -> [(&'static str, usize, usize); 24] {
    let (container, host) = (&observed.container, &observed.host);
    let dataset = &observed.dataset;
    let points = reported.series.values().map(Vec::len).max().unwrap_or_default();
    [
        ("splits", dataset.splits.len(), MAX_SPLITS),
        ("statistics", dataset.statistics.len(), MAX_STATISTICS),
        ("energy counters", observed.usage.energy.len(), MAX_ENERGY),
        ("pieces of firmware", host.firmware.len(), MAX_FIRMWARE),
        ("image layers", container.image.layers.len(), MAX_LAYERS),
        ("image labels", container.image.labels.len(), MAX_LABELS),
        ("parts of the engine", container.engine.components.len(), MAX_ENGINE_PARTS),
        ("repository digests", container.repo_digests.len(), MAX_ENTRIES),
        ("words of the command", container.command.len(), MAX_COMMAND),
        ("environment variables", container.environment_names.len(), MAX_ENTRIES),
        ("dropped capabilities", container.cap_drop.len(), MAX_ENTRIES),
        ("added capabilities", container.cap_add.len(), MAX_ENTRIES),
        ("security options", container.security_options.len(), MAX_ENTRIES),
        ("scratch spaces", container.tmpfs.len(), MAX_ENTRIES),
        ("mounts", container.mounts.len(), MAX_ENTRIES),
        ("devices", container.devices.len(), MAX_ENTRIES),
        ("GPUs", host.gpus.len(), MAX_GPUS),
        ("frameworks", reported.frameworks.len(), MAX_FRAMEWORKS),
        ("facts on the data", reported.data.len(), MAX_FACTS),
        ("parameters in effect", reported.effective.len(), MAX_FACTS),
        ("final metrics", reported.final_metrics.len(), MAX_METRICS),
        ("best metrics", reported.best_metrics.len(), MAX_METRICS),
        ("series", reported.series.len(), MAX_SERIES),
        ("points of one series", points, MAX_SERIES_POINTS),
    ]
}
