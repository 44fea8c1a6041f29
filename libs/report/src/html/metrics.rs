//! Measurements: curves and tables, and who measured.

use std::collections::BTreeMap;

use super::badge::{self, From, badges};
use super::chart::{self, Line};
use super::facts::{fact, facts, told};
use super::table::{Column, Row, details, table};
use super::units;
use super::view::{Place, View};
use super::write::{Html, grouped};

/// The prefix of the properties that hold a series.
const SERIES: &str = "aibom:reported:series:";
/// The most charts that are drawn and the most points of a line; the producer's own bounds are
/// lower.
const MAX_CHARTS: usize = 32;
const MAX_POINTS: usize = 2048;

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    let Some(model) = view.component("output/model.keras") else {
        h.leaf("p", "none", "The document holds no trained model.");
        return;
    };
    curves(h, &model);
    let metrics = model.items("/modelCard/quantitativeAnalysis/performanceMetrics");
    by_split(h, &metrics);
    others(h, &metrics);
    energy(h, &model);
}

/// One chart for each metric, with a line for each split.
fn curves(h: &mut Html, model: &Place<'_>) {
    let Some(card) = model.at("/modelCard") else { return };
    let series = card.properties(SERIES);
    let mut charts: BTreeMap<&str, Vec<Line>> = BTreeMap::new();
    for (name, place) in &series {
        let points = points(place);
        if points.is_empty() {
            continue;
        }
        let (metric, validation) = match name.strip_prefix("val_") {
            Some(metric) => (metric, true),
            None => (*name, false),
        };
        charts.entry(metric).or_default().push(Line { validation, points });
    }
    if charts.is_empty() {
        return;
    }
    h.el("h3", &[], |h| {
        h.text("Learning curves");
        badges(h, &badge::from(series.iter().map(|(_, place)| place)));
    });
    h.leaf("p", "note", "Drawn from the numbers that the trainer reported, epoch by epoch.");
    h.el("div", &[("class", "charts")], |h| {
        // The loss first: it is what training lowers.
        let (loss, rest): (Vec<_>, Vec<_>) = charts.iter().partition(|(name, _)| **name == "loss");
        let ordered = loss.into_iter().chain(rest).take(MAX_CHARTS).enumerate();
        for (number, (metric, lines)) in ordered {
            chart::draw(h, number, metric, lines);
        }
    });
}

/// `[[epoch, value], …]`, whatever of it is finite.
fn points(place: &Place<'_>) -> Vec<(f64, f64)> {
    let text = place.value().as_str().unwrap_or_default();
    let read: Vec<(f64, f64)> = serde_json::from_str(text).unwrap_or_default();
    let finite = read.into_iter().filter(|(x, y)| x.is_finite() && y.is_finite());
    finite.filter(|(x, y)| x.abs() < 1e15 && y.abs() < 1e15).take(MAX_POINTS).collect()
}

/// Split and moment of a metric, from its slice `<split>, <when>; reported by the trainer`.
fn slice<'v>(metric: &Place<'v>) -> Option<(&'v str, &'v str)> {
    let (slice, _) = metric.text("/slice").split_once("; reported by")?;
    let (split, when) = slice.split_once(", ")?;
    matches!(split, "train" | "validation").then_some((split, when))
}

fn by_split(h: &mut Html, metrics: &[Place<'_>]) {
    const CELLS: [(&str, &str); 4] =
        [("train", "final"), ("train", "best"), ("validation", "final"), ("validation", "best")];
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut last = "";
    for metric in metrics {
        let Some((split, when)) = slice(metric) else { continue };
        let wanted = |&(s, w): &(&str, &str)| s == split && when.starts_with(w);
        let Some(cell) = CELLS.iter().position(wanted) else { continue };
        if when.starts_with("final") {
            last = when;
        }
        let kind = metric.text("/type");
        let row = rows.entry(kind).or_insert_with(|| {
            Row::new(
                vec![kind.to_owned(), String::new(), String::new(), String::new(), String::new()],
                From::new(),
            )
        });
        if let Some(place) = row.cells.get_mut(cell + 1) {
            metric.text("/value").clone_into(place);
        }
        row.from.extend(metric.at("/value").iter().filter_map(Place::source));
    }
    let columns = [
        Column::Text("Metric"),
        Column::Number("train, final"),
        Column::Number("train, best"),
        Column::Number("validation, final"),
        Column::Number("validation, best"),
    ];
    let rows: Vec<Row> = rows.into_values().collect();
    let caption = match last.strip_prefix("final ") {
        Some(epoch) => format!("Metrics by split; final is {}", epoch.trim_matches(['(', ')'])),
        None => "Metrics by split".to_owned(),
    };
    table(h, &caption, &columns, &rows);
}

/// What is not of a split: measured from outside, or in a form of others.
fn others(h: &mut Html, metrics: &[Place<'_>]) {
    let row = |metric: &Place<'_>| {
        let (kind, value) = units::metric(metric.text("/type"), metric.text("/value"));
        let cells = vec![kind, value, metric.text("/slice").to_owned()];
        Row::new(cells, badge::from(&metric.at("/value")))
    };
    let rest = metrics.iter().filter(|metric| slice(metric).is_none());
    let rows: Vec<Row> = rest.map(row).collect();
    let columns =
        [Column::Text("Measured"), Column::Number("Value"), Column::Text("Of what, by whom")];
    table(h, "Cost of the run", &columns, &rows);
}

fn energy(h: &mut Html, model: &Place<'_>) {
    let uses =
        model.items("/modelCard/considerations/environmentalConsiderations/energyConsumptions");
    if uses.is_empty() {
        return;
    }
    h.leaf("h3", "", "Energy");
    facts(h, |h| {
        for usage in uses {
            let Some(cost) = usage.at("/activityEnergyCost") else { continue };
            let value = cost.at("/value").map(|value| value.show()).unwrap_or_default();
            let text = format!("{} {}", grouped(&value), cost.text("/unit"));
            told(h, usage.text("/activity"), &text, &[cost]);
            for (name, value) in usage.properties("aibom:energy:") {
                fact(h, &super::model::words(name), Some(value));
            }
        }
    });
}

/// What the trainer says of its frameworks and data.
pub(super) fn reported(h: &mut Html, model: &Place<'_>) {
    let Some(card) = model.at("/modelCard") else { return };
    let mut said = card.properties("aibom:reported:");
    said.retain(|(name, _)| !name.starts_with("series:"));
    let row = |(name, place): &(&str, Place<'_>)| {
        Row::new(vec![name.replace(':', ": "), place.show()], badge::from([place]))
    };
    let rows: Vec<Row> = said.iter().map(row).collect();
    details(h, &format!("What the trainer said of itself and its data ({})", rows.len()), |h| {
        table(h, "Reported by the trainer", &[Column::Text("Name"), Column::Text("Value")], &rows);
    });
}
