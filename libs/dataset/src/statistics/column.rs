//! The running state: where each column stands, and what was seen of it so far.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use super::{
    CellProblem, ClassCount, ColumnStatistics, DatasetError, MAX_CLASSES, Statistics, Summary, cell,
};
use crate::{Column, ColumnKind, Decimal, Definition, csv::Cells};

/// A class of the label: numbers are compared by value, text as it is.
#[derive(Debug, Clone, PartialEq)]
enum Class {
    Number(f64),
    Text(String),
}

impl Eq for Class {}

impl PartialOrd for Class {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Class {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

impl Class {
    /// Zero has no sign here, so that `-0` and `0` are one class.
    fn number(value: f64) -> Self {
        Self::Number(value + 0.0)
    }

    fn into_text(self) -> String {
        match self {
            Self::Number(value) => value.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// Welford's running mean and squared deviations.
#[derive(Debug, Clone, Copy)]
struct Running {
    min: f64,
    max: f64,
    mean: f64,
    squares: f64,
}

struct Watched {
    column: Column,
    position: usize,
    is_label: bool,
    running: Running,
}

/// What to do with each row.
pub(super) struct Plan {
    width: usize,
    watched: Vec<Watched>,
    ignored: Vec<String>,
    /// `None` once there are too many classes.
    classes: Option<BTreeMap<Class, u64>>,
    allowed: Option<BTreeSet<Class>>,
}

impl Plan {
    /// Finds the definition's columns in the header.
    pub(super) fn new(header: &Cells, definition: &Definition) -> Result<Self, DatasetError> {
        let mut positions = HashMap::new();
        let mut names = Vec::with_capacity(header.len());
        for (position, cell) in header.iter().enumerate() {
            let name = std::str::from_utf8(cell).map_err(|_| DatasetError::NotUtf8 {
                row: 0,
                column: (position + 1).to_string(),
            })?;
            if positions.insert(name, position).is_some() {
                return Err(DatasetError::ColumnRepeated(cell::cut(name)));
            }
            names.push(name);
        }
        let mut watched = Vec::with_capacity(definition.columns.len());
        for column in &definition.columns {
            let missing = || DatasetError::ColumnMissing(column.name.clone());
            let position = *positions.get(column.name.as_str()).ok_or_else(missing)?;
            let is_label = column.name == definition.label;
            let running =
                Running { min: f64::INFINITY, max: f64::NEG_INFINITY, mean: 0.0, squares: 0.0 };
            watched.push(Watched { column: column.clone(), position, is_label, running });
        }
        let known: HashSet<&str> = definition.columns.iter().map(|c| c.name.as_str()).collect();
        let ignored =
            names.into_iter().filter(|name| !known.contains(name)).map(str::to_owned).collect();
        let allowed = definition.labels.as_deref().map(|labels| {
            let kind = definition.label_column().map_or(ColumnKind::String, |column| column.kind);
            labels.iter().map(|label| listed_class(label, kind)).collect()
        });
        let classes = Some(BTreeMap::new());
        Ok(Self { width: header.len(), watched, ignored, classes, allowed })
    }

    /// Takes data row `row`, counted from 1.
    pub(super) fn take(&mut self, row: u64, cells: &Cells) -> Result<(), DatasetError> {
        if cells.len() != self.width {
            let (got, expected) = (cells.len(), self.width);
            return Err(DatasetError::RowWidth { row, got, expected });
        }
        for watched in &mut self.watched {
            let column = || watched.column.name.clone();
            let text = std::str::from_utf8(cells.get(watched.position).unwrap_or_default())
                .map_err(|_| DatasetError::NotUtf8 { row, column: column() })?;
            let problem = |problem| DatasetError::Cell { row, column: column(), problem };
            let class = if watched.column.kind == ColumnKind::String {
                Class::Text(cell::present(text).map_err(problem)?.to_owned())
            } else {
                let integer = watched.column.kind == ColumnKind::Int;
                let value = cell::number(text, integer).map_err(problem)?;
                watched.running.take(value, row);
                Class::number(value)
            };
            if watched.is_label {
                if self.allowed.as_ref().is_some_and(|allowed| !allowed.contains(&class)) {
                    return Err(problem(CellProblem::UnknownLabel(cell::cut(text))));
                }
                count(&mut self.classes, class);
            }
        }
        Ok(())
    }

    /// The result over `rows` rows.
    pub(super) fn finish(self, rows: u64, bytes: u64) -> Statistics {
        let column = self.watched.into_iter().map(|watched| ColumnStatistics {
            numbers: match watched.column.kind {
                ColumnKind::String => None,
                ColumnKind::Float | ColumnKind::Int => watched.running.summary(rows),
            },
            name: watched.column.name,
            kind: watched.column.kind,
            missing: 0,
        });
        let label_histogram = self.classes.map(|classes| {
            let counts = classes.into_iter();
            counts.map(|(class, count)| ClassCount { class: class.into_text(), count }).collect()
        });
        Statistics {
            rows,
            columns: self.width as u64,
            bytes,
            column: column.collect(),
            ignored_columns: self.ignored,
            label_histogram,
        }
    }
}

impl Running {
    fn take(&mut self, value: f64, count: u64) {
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let delta = value - self.mean;
        self.mean += delta / to_f64(count);
        self.squares += delta * (value - self.mean);
    }

    fn summary(self, count: u64) -> Option<Summary> {
        Some(Summary {
            min: Decimal::new(self.min)?,
            max: Decimal::new(self.max)?,
            mean: Decimal::new(self.mean)?,
            std: Decimal::new((self.squares / to_f64(count)).sqrt())?,
        })
    }
}

/// A class as the definition lists it; a listed text in a column of numbers matches nothing.
fn listed_class(label: &str, kind: ColumnKind) -> Class {
    if kind == ColumnKind::String {
        return Class::Text(label.to_owned());
    }
    cell::number(label, false).map_or_else(|_| Class::Text(label.to_owned()), Class::number)
}

fn count(classes: &mut Option<BTreeMap<Class, u64>>, class: Class) {
    let Some(counts) = classes else { return };
    *counts.entry(class).or_default() += 1;
    if counts.len() > MAX_CLASSES {
        *classes = None;
    }
}

#[expect(clippy::cast_precision_loss, reason = "rows are bounded far below 2^53")]
const fn to_f64(count: u64) -> f64 {
    count as f64
}
