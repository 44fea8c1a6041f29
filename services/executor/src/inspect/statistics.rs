//! What was measured of a dataset, under names that tell it apart: `<column>.<what>`.

use std::collections::BTreeMap;

use dataset::{ColumnKind, Definition, Statistics};
use evidence::MAX_STATISTICS;
use ids::Sha256Digest;
use job::Task;

use super::name;
use crate::failure::clean;

/// The longest name of a column or class within the name of a statistic, in bytes.
const MAX_PART_BYTES: usize = 200;
/// The bytes of a longer name that are kept; its digest is told behind them.
const KEPT_BYTES: usize = 180;

/// A name as a part between dots: `.` is `%2E` and `%` is `%25`. One that is too long, or cannot be
/// shown as it is, is cut and ends in `%~` and the first 16 digits of its SHA-256: names that differ
/// stay different, and none can be made to look like a cut one.
fn part(raw: &str) -> String {
    let shown = clean(raw, usize::MAX);
    let (mut escaped, mut kept) = (String::new(), 0);
    for c in shown.chars() {
        match c {
            '.' => escaped.push_str("%2E"),
            '%' => escaped.push_str("%25"),
            c => escaped.push(c),
        }
        if escaped.len() <= KEPT_BYTES {
            kept = escaped.len();
        }
        if escaped.len() > MAX_PART_BYTES {
            break;
        }
    }
    if shown == raw && escaped.len() <= MAX_PART_BYTES {
        return escaped;
    }
    escaped.truncate(kept);
    let digest = Sha256Digest::of(raw.as_bytes()).to_hex();
    format!("{escaped}%~{}", digest.get(..16).unwrap_or_default())
}

/// Statistics by name; those beyond the bound are counted only.
#[derive(Default)]
struct Told {
    named: BTreeMap<String, String>,
    omitted: usize,
}

impl Told {
    fn put(&mut self, key: String, value: &str) {
        // One place is kept for the number of those that are left out.
        if self.named.len() + 1 < MAX_STATISTICS {
            self.named.insert(key, name(value));
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }
}

/// Every statistic of a dataset, at most [`MAX_STATISTICS`]; `omitted` counts the others.
pub(super) fn of(
    definition: &Definition,
    measured: &Statistics,
    task: Task,
) -> BTreeMap<String, String> {
    let mut told = Told::default();
    told.put("bytes".to_owned(), &measured.bytes.to_string());
    for column in &measured.column {
        let kind = match column.kind {
            ColumnKind::Float => "float",
            ColumnKind::Int => "int",
            ColumnKind::String => "string",
        };
        let name = part(&column.name);
        told.put(format!("{name}.kind"), kind);
        told.put(format!("{name}.missing"), &column.missing.to_string());
        if let Some(numbers) = &column.numbers {
            told.put(format!("{name}.min"), &numbers.min.to_string());
            told.put(format!("{name}.max"), &numbers.max.to_string());
            told.put(format!("{name}.mean"), &numbers.mean.to_string());
            told.put(format!("{name}.std"), &numbers.std.to_string());
        }
    }
    // The values of a label that is a quantity are no classes.
    let label = part(&definition.label);
    let classes = measured.label_histogram.iter().flatten();
    for class in classes.filter(|_| task == Task::Classification) {
        told.put(format!("{label}.count.{}", part(&class.class)), &class.count.to_string());
    }
    for (index, column) in measured.ignored_columns.iter().enumerate() {
        told.put(format!("ignored.{index}"), column);
    }
    if told.omitted > 0 {
        told.named.insert("omitted".to_owned(), told.omitted.to_string());
    }
    told.named
}

#[cfg(test)]
mod tests;
