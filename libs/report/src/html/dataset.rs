//! The dataset: what was read of it, how it was split, and what its submitter says of it.

use std::collections::BTreeMap;

use super::badge::{self, From, badges};
use super::facts::{code, fact, facts, texts};
use super::table::{Column, Row, details, table};
use super::view::{Place, View};
use super::write::{Html, clip, grouped};
use super::{model, overview};

const PROPERTY: &str = "aibom:dataset:";
const STATISTIC: &str = "aibom:dataset:statistic:";
/// The kinds of statistic of a column, in the order of the table.
const KINDS: [&str; 6] = ["kind", "missing", "min", "max", "mean", "std"];
/// Classes that are drawn; the rest only stands in the table.
const MAX_BARS: usize = 40;

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    let Some(dataset) = view.component("input/dataset") else {
        h.leaf("p", "none", "The document holds no dataset.");
        return;
    };
    facts(h, |h| {
        overview::described(h, &dataset);
        model::file(h, &dataset);
    });
    if let Some(data) = dataset.at("/data/0") {
        governance(h, &data);
        if let Some(contents) = data.at("/contents") {
            read(h, &contents);
        }
    }
    splits(h, view);
}

fn governance(h: &mut Html, data: &Place<'_>) {
    h.leaf("h3", "", "Origin, sensitivity, governance");
    facts(h, |h| {
        fact(h, "Provenance", data.at("/description"));
        fact(h, "Classification", data.at("/classification"));
        texts(h, "Sensitive data", &data.items("/sensitiveData"));
        for (label, role) in
            [("Owners", "owners"), ("Custodians", "custodians"), ("Stewards", "stewards")]
        {
            let people = data.items(&format!("/governance/{role}"));
            let mut names = Vec::new();
            for person in &people {
                names
                    .extend(person.at("/organization/name").or_else(|| person.at("/contact/name")));
            }
            texts(h, label, &names);
        }
    });
}

/// What the executor read out of the file.
fn read(h: &mut Html, contents: &Place<'_>) {
    h.leaf("h3", "", "Contents");
    let label = contents.property("aibom:dataset:label").map(|label| label.show());
    let statistics = contents.properties(STATISTIC);
    facts(h, |h| {
        for (name, value) in contents.properties(PROPERTY) {
            if name.starts_with("merkle-root") {
                code(h, "Merkle root over the records (SHA-256)", Some(value));
            } else if name == "split:agrees" {
                fact(h, "The trainer’s split is the computed one", Some(value));
            } else if !name.starts_with("statistic:") {
                fact(h, &model::words(name), Some(value));
            }
        }
        for (name, value) in &statistics {
            if name.starts_with("ignored.") {
                fact(h, "Column that was left out", Some(value.clone()));
            } else if !name.contains('.') {
                fact(h, &model::words(name), Some(value.clone()));
            }
        }
    });
    classes(h, label.as_deref().unwrap_or_default(), &statistics);
    columns(h, &statistics);
}

/// Between the label and a class in the name of a statistic.
const COUNT: &str = ".count.";

/// A column's or class's name out of that of a statistic: `%2E` is a dot, `%25` the sign itself, and
/// `%~` stands where a long name was cut.
fn plain(name: &str) -> String {
    name.replace("%2E", ".").replace("%~", "…").replace("%25", "%")
}

/// How many records there are of each class, as bars.
fn classes(h: &mut Html, label: &str, statistics: &[(&str, Place<'_>)]) {
    let count = |(name, place): &(&str, Place<'_>)| {
        let class = plain(name.split_once(COUNT)?.1);
        let count = place.show().parse::<f64>().ok()?;
        (count.is_finite() && count >= 0.0).then_some((class, count))
    };
    let counts: Vec<(String, f64)> = statistics.iter().filter_map(count).collect();
    let from = badge::from(
        statistics.iter().filter(|(name, _)| name.contains(COUNT)).map(|(_, place)| place),
    );
    if counts.is_empty() {
        return;
    }
    h.el("figure", &[("class", "bars")], |h| {
        h.el("figcaption", &[], |h| {
            h.text(&format!("Records by class of “{label}” ({} classes)", counts.len()));
            badges(h, &from);
        });
        bars(h, &counts);
    });
    if counts.len() > MAX_BARS {
        let row = |(class, count): &(String, f64)| {
            Row::new(vec![class.clone(), count.to_string()], from.clone())
        };
        let rows: Vec<Row> = counts.iter().map(row).collect();
        details(h, &format!("All {} classes", counts.len()), |h| {
            table(
                h,
                "Records by class",
                &[Column::Text("Class"), Column::Number("Records")],
                &rows,
            );
        });
    }
}

fn bars(h: &mut Html, counts: &[(String, f64)]) {
    const WIDTH: f64 = 480.0;
    const LINE: f64 = 24.0;
    const LEFT: f64 = 110.0;
    const ROOM: f64 = 240.0;
    let total: f64 = counts.iter().map(|(_, count)| count).sum::<f64>().max(1.0);
    let most = counts.iter().map(|(_, count)| *count).fold(1.0, f64::max);
    let mut below = 0.0;
    let shown = counts.len().min(MAX_BARS);
    let size = format!("0 0 {WIDTH} {}", counts.iter().take(shown).fold(0.0, |sum, _| sum + LINE));
    let attributes = [
        ("viewBox", size.as_str()),
        ("role", "img"),
        ("aria-labelledby", "bars-t bars-d"),
        ("class", "chart"),
    ];
    h.el("svg", &attributes, |h| {
        h.el("title", &[("id", "bars-t")], |h| h.text("Records by class"));
        let told: Vec<String> =
            counts.iter().take(shown).map(|(class, count)| format!("{class}: {count}")).collect();
        h.el("desc", &[("id", "bars-d")], |h| h.text(&told.join(", ")));
        for (class, count) in counts.iter().take(shown) {
            let width = count / most * ROOM;
            let [y, base] = [below + 4.0, below + 16.0].map(|at| format!("{at:.0}"));
            let [x, w, end] =
                [LEFT, width.max(1.0), LEFT + width + 8.0].map(|at| format!("{at:.1}"));
            let left = (LEFT - 8.0).to_string();
            let name =
                [("class", "key"), ("x", left.as_str()), ("y", &base), ("text-anchor", "end")];
            h.el("text", &name, |h| h.text(&clip(class, 14)));
            let bar = [
                ("class", "bar"),
                ("x", x.as_str()),
                ("y", &y),
                ("width", &w),
                ("height", "15"),
                ("rx", "2"),
            ];
            h.el("rect", &bar, |_| {});
            let share = format!("{} · {:.1} %", grouped(&count.to_string()), count / total * 100.0);
            h.el("text", &[("class", "tick"), ("x", &end), ("y", &base)], |h| h.text(&share));
            below += LINE;
        }
    });
}

/// The statistics `<column>.<kind>` as a table.
fn columns(h: &mut Html, statistics: &[(&str, Place<'_>)]) {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for (name, place) in statistics {
        let Some((column, kind)) = name.rsplit_once('.') else { continue };
        let Some(cell) = KINDS.iter().position(|known| *known == kind) else { continue };
        let empty = || {
            let mut cells = vec![String::new(); KINDS.len() + 1];
            cells.iter_mut().take(1).for_each(|first| *first = plain(column));
            Row::new(cells, From::new())
        };
        let row = rows.entry(column).or_insert_with(empty);
        if let Some(cell) = row.cells.get_mut(cell + 1) {
            *cell = place.show();
        }
        row.from.extend(place.source());
    }
    let titles = [
        Column::Text("Column"),
        Column::Text("Kind"),
        Column::Number("Missing"),
        Column::Number("Min"),
        Column::Number("Max"),
        Column::Number("Mean"),
        Column::Number("Std. dev."),
    ];
    let rows: Vec<Row> = rows.into_values().collect();
    let caption = format!("Columns ({})", rows.len());
    if rows.len() > 20 {
        details(h, &caption, |h| table(h, &caption, &titles, &rows));
    } else {
        table(h, &caption, &titles, &rows);
    }
}

fn splits(h: &mut Html, view: &View<'_>) {
    const FIELDS: [&str; 4] = ["records", "algorithm", "seed", "merkle-root:sha256"];
    let row = |split: &Place<'_>| {
        let values = FIELDS.map(|field| split.property(&format!("aibom:split:{field}")));
        let name = split.text("/bom-ref").trim_start_matches("split/").to_owned();
        let cells = values.iter().map(|value| value.as_ref().map(Place::show).unwrap_or_default());
        let each = values.iter().map(badge::from);
        Row::marked(
            std::iter::once(name).chain(cells).collect(),
            std::iter::once(From::new()).chain(each).collect(),
        )
    };
    let rows: Vec<Row> = view.components("split/").iter().map(row).collect();
    let titles = [
        Column::Text("Split"),
        Column::Number("Records"),
        Column::Text("Algorithm"),
        Column::Code("Seed"),
        Column::Code("Merkle root (SHA-256)"),
    ];
    table(h, "Splits", &titles, &rows);
}
