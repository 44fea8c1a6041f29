//! The bounds of training evidence: no list in it is longer than the platform writes it.

use super::{Checker, MAX_SERIES, MAX_SERIES_POINTS};
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
        let splits = &details.observed.dataset.splits;
        let known = splits.iter().map(|split| split.name.as_str());
        let distinct = splits.first().map(|s| &s.name) != splits.get(1).map(|s| &s.name);
        let splits = self.checks.require(
            "training.splits",
            known.clone().all(|name| matches!(name, "train" | "validation"))
                && (distinct || splits.is_empty()),
            "train and validation, each at most once",
            format_args!("{:?}, expected train and validation", known.collect::<Vec<_>>()),
        );
        bounds && splits
    }
}

/// Each list, its length and its bound.
fn longest(observed: &Observed, reported: &Reported) -> [(&'static str, usize, usize); 8] {
    let (container, host) = (&observed.container, &observed.host);
    let points = reported.series.values().map(Vec::len).max().unwrap_or_default();
    [
        ("splits", observed.dataset.splits.len(), MAX_SPLITS),
        ("energy counters", observed.usage.energy.len(), MAX_ENERGY),
        ("pieces of firmware", host.firmware.len(), MAX_FIRMWARE),
        ("image layers", container.image.layers.len(), MAX_LAYERS),
        ("image labels", container.image.labels.len(), MAX_LABELS),
        ("parts of the engine", container.engine.components.len(), MAX_ENGINE_PARTS),
        ("series", reported.series.len(), MAX_SERIES),
        ("points of one series", points, MAX_SERIES_POINTS),
    ]
}
