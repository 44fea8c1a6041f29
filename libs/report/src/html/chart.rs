//! A line chart as inline SVG: axes, ticks, a line for each split.

use super::write::{Html, clip};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 38.0;

/// The values of one split: `(epoch, value)`, finite.
pub(super) struct Line {
    /// Whether it is the validation split.
    pub(super) validation: bool,
    /// In the order of the epochs.
    pub(super) points: Vec<(f64, f64)>,
}

impl Line {
    const fn name(&self) -> &'static str {
        if self.validation { "validation" } else { "train" }
    }
}

/// From values to places: a range of values and the range of the drawing.
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn new(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = values.fold(start, |(low, high), v| (low.min(v), high.max(v)));
        // One value alone still needs a range.
        let room = if high > low { 0.0 } else { high.abs().mul_add(0.1, 0.5) };
        Self { low: low - room, high: high + room, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        share.mul_add(self.to - self.from, self.from)
    }

    /// Widens the range to whole steps, and tells them: about five, of 1, 2 or 5 times a power
    /// of ten, and no shorter than `shortest`.
    fn ticks(&mut self, shortest: f64) -> Vec<f64> {
        let rough = (self.high - self.low) / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let step = steps.into_iter().find(|step| *step >= rough).unwrap_or(rough).max(shortest);
        self.low = (self.low / step + 1e-9).floor() * step;
        self.high = (self.high / step - 1e-9).ceil() * step;
        let ticks = std::iter::successors(Some(0.0), |n| Some(n + 1.0));
        let (low, high) = (self.low, self.high);
        ticks
            .map(|n| step.mul_add(n, low))
            .take_while(|t| *t <= step.mul_add(0.5, high))
            .take(16)
            .collect()
    }
}

/// Draws the chart of one metric as a figure; `number` tells it from the others of the page.
pub(super) fn draw(h: &mut Html, number: usize, metric: &str, lines: &[Line]) {
    let points = || lines.iter().flat_map(|line| &line.points);
    let mut x = Scale::new(points().map(|p| p.0), LEFT, WIDTH - RIGHT);
    let mut y = Scale::new(points().map(|p| p.1), HEIGHT - BOTTOM, TOP);
    let (first, last) = (x.low, x.high);
    let epochs = x.ticks(1.0);
    let values = y.ticks(0.0);
    // Only the labels are of whole steps; the line fills the width.
    (x.low, x.high) = (first, last);
    let (title, description) = (format!("c{number}-title"), format!("c{number}-desc"));
    let size = format!("0 0 {WIDTH} {HEIGHT}");
    let labelled = format!("{title} {description}");
    let attributes = [
        ("viewBox", size.as_str()),
        ("role", "img"),
        ("aria-labelledby", labelled.as_str()),
        ("class", "chart"),
    ];
    h.el("figure", &[], |h| {
        h.el("svg", &attributes, |h| {
            h.el("title", &[("id", &title)], |h| h.text(&format!("{metric} by epoch")));
            h.el("desc", &[("id", &description)], |h| h.text(&in_words(lines)));
            mark(h, "metric", (LEFT, 16.0), "start", &clip(metric, 32));
            for value in values {
                let at = y.place(value);
                line(h, "grid", (LEFT, at), (WIDTH - RIGHT, at));
                mark(h, "tick", (LEFT - 8.0, at + 4.0), "end", &number_text(value));
            }
            line(h, "axis", (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM));
            for epoch in epochs.into_iter().filter(|e| *e >= first && *e <= last) {
                let at = x.place(epoch);
                line(h, "axis", (at, HEIGHT - BOTTOM), (at, HEIGHT - BOTTOM + 4.0));
                mark(h, "tick", (at, HEIGHT - BOTTOM + 17.0), "middle", &number_text(epoch));
            }
            mark(h, "tick", (WIDTH - RIGHT, HEIGHT - 5.0), "end", "epoch");
            for (index, one) in lines.iter().enumerate() {
                trace(h, one, &x, &y);
                key(h, one, index);
            }
        });
    });
}

/// The line itself, with a dot at its end.
fn trace(h: &mut Html, line: &Line, x: &Scale, y: &Scale) {
    let places = line
        .points
        .iter()
        .map(|(epoch, value)| format!("{:.1},{:.1}", x.place(*epoch), y.place(*value)));
    let places: Vec<String> = places.collect();
    let attributes = [("class", line.name()), ("points", &places.join(" "))];
    h.el("polyline", &attributes, |_| {});
    if let Some((epoch, value)) = line.points.last() {
        let [cx, cy] = [x.place(*epoch), y.place(*value)].map(|at| format!("{at:.1}"));
        let class = format!("dot {}", line.name());
        let dot = [("class", class.as_str()), ("cx", &cx), ("cy", &cy), ("r", "3")];
        h.el("circle", &dot, |_| {});
    }
}

/// The line's entry in the legend, at the top right.
fn key(h: &mut Html, of: &Line, index: usize) {
    let left = if index == 0 { WIDTH - 190.0 } else { WIDTH - 108.0 };
    let points = format!("{left:.0},12 {:.0},12", left + 22.0);
    h.el("polyline", &[("class", of.name()), ("points", &points)], |_| {});
    mark(h, "key", (left + 28.0, 16.0), "start", of.name());
}

fn line(h: &mut Html, class: &'static str, from: (f64, f64), to: (f64, f64)) {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(|at| format!("{at:.1}"));
    h.el("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)], |_| {});
}

fn mark(h: &mut Html, class: &'static str, at: (f64, f64), anchor: &'static str, text: &str) {
    let [x, y] = [at.0, at.1].map(|at| format!("{at:.1}"));
    let attributes = [("class", class), ("x", x.as_str()), ("y", &y), ("text-anchor", anchor)];
    h.el("text", &attributes, |h| h.text(text));
}

/// A number as short as a tick needs it.
fn number_text(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.5}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// What the chart shows, for those who do not see it.
fn in_words(lines: &[Line]) -> String {
    let tell = |line: &Line| {
        let ends = line.points.first().zip(line.points.last());
        ends.map(|((e1, v1), (e2, v2))| {
            format!("{}: from {v1} at epoch {e1} to {v2} at epoch {e2}", line.name())
        })
    };
    lines.iter().filter_map(tell).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
