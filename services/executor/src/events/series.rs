//! Metrics over the epochs, thinned while they come: few points, evenly spread, the last among them.

use std::collections::BTreeMap;

use evidence::Point;

/// The most points of one metric.
pub const MAX_POINTS: usize = 256;
/// The most metrics with a series.
pub const MAX_SERIES: usize = 16;

/// How one metric is thinned: of all points so far, every `stride`th one is kept, and the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thinning {
    stride: u64,
    seen: u64,
}

impl Thinning {
    const NONE: Self = Self { stride: 1, seen: 0 };

    fn push(&mut self, points: &mut Vec<Point>, point: Point) {
        // The last point is kept beside the others only as long as it is the last.
        if self.seen > 0 && !(self.seen - 1).is_multiple_of(self.stride) {
            points.pop();
        }
        if points.len() >= MAX_POINTS {
            let mut keep = false;
            points.retain(|_| {
                keep = !keep;
                keep
            });
            self.stride = self.stride.saturating_mul(2);
        }
        points.push(point);
        self.seen = self.seen.saturating_add(1);
    }
}

/// Takes the metrics of one epoch into `series`; an epoch that does not come after the last one of a
/// metric is left out.
pub(super) fn take(
    series: &mut BTreeMap<String, Vec<Point>>,
    thinned: &mut BTreeMap<String, Thinning>,
    epoch: u32,
    metrics: &BTreeMap<String, f64>,
) {
    for (name, value) in metrics {
        if !series.contains_key(name) && series.len() >= MAX_SERIES {
            continue;
        }
        let points = series.entry(name.clone()).or_default();
        if points.last().map_or(0, |last| last.0) < epoch {
            let thinning = thinned.entry(name.clone()).or_insert(Thinning::NONE);
            thinning.push(points, Point(epoch, *value));
        }
    }
    series.retain(|_, points| !points.is_empty());
}
