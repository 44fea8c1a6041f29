//! What a CSV holds, measured in one pass over the stream in bounded memory.

mod cell;
mod column;

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::{
    ColumnKind, Decimal, Definition, Leaves,
    csv::{Cells, Error as CsvError, Records},
};
use column::Plan;

/// The most classes that a histogram lists.
pub const MAX_CLASSES: usize = 1_000;

/// How much of a dataset is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Data rows, without the header.
    pub max_rows: u64,
    /// Cells in a line.
    pub max_columns: usize,
    /// Bytes in a record, with its line end.
    pub max_line_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_rows: 100_000_000, max_columns: 4096, max_line_bytes: 1024 * 1024 }
    }
}

/// Why a dataset does not fit its definition. Rows are data rows, counted from 1; row 0 is the header.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The stream failed.
    #[error("cannot read the dataset")]
    Read(#[source] io::Error),
    /// No header, or no row.
    #[error("the dataset has {0}")]
    Empty(&'static str),
    /// More rows than the limit.
    #[error("more than {0} rows")]
    TooManyRows(u64),
    /// More columns than the limit.
    #[error("row {row}: more than {limit} cells")]
    TooManyColumns {
        /// The row.
        row: u64,
        /// The limit.
        limit: usize,
    },
    /// A line longer than the limit.
    #[error("row {row}: longer than {limit} bytes")]
    LineTooLong {
        /// The row.
        row: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// Quotes or line ends that RFC 4180 does not have.
    #[error("row {row}: {problem}")]
    Malformed {
        /// The row.
        row: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// A cell that is not UTF-8.
    #[error("row {row}, column {column:?}: not UTF-8 text")]
    NotUtf8 {
        /// The row.
        row: u64,
        /// The column's name, or its number in the header.
        column: String,
    },
    /// A name that stands twice in the header.
    #[error("the header names column {0:?} twice")]
    ColumnRepeated(String),
    /// A column of the definition that the header lacks.
    #[error("the header lacks column {0:?}")]
    ColumnMissing(String),
    /// A row with more or fewer cells than the header.
    #[error("row {row}: {got} cells where the header has {expected}")]
    RowWidth {
        /// The row.
        row: u64,
        /// Its cells.
        got: usize,
        /// The header's.
        expected: usize,
    },
    /// A cell that the column's kind does not allow.
    #[error("row {row}, column {column:?}: {problem}")]
    Cell {
        /// The row.
        row: u64,
        /// The column's name.
        column: String,
        /// What is wrong.
        problem: CellProblem,
    },
}

/// What is wrong with one cell; texts are cut to 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CellProblem {
    /// Nothing but white space.
    #[error("the cell is empty")]
    Missing,
    /// Not a plain decimal number.
    #[error("{0:?} is not a number")]
    NotANumber(String),
    /// A fraction in a column of integers.
    #[error("{0:?} is not an integer")]
    NotAnInteger(String),
    /// Too large for a 32-bit float.
    #[error("{0:?} does not fit a 32-bit float")]
    OutOfRange(String),
    /// A class that the definition does not list.
    #[error("{0:?} is not among the definition's labels")]
    UnknownLabel(String),
}

/// What was measured of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnStatistics {
    /// The name in the header.
    pub name: String,
    /// What its cells hold.
    pub kind: ColumnKind,
    /// Empty cells; always 0, because a dataset with one is refused.
    pub missing: u64,
    /// The numbers' summary; `None` for text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Summary>,
}

/// A summary of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The smallest.
    pub min: Decimal,
    /// The largest.
    pub max: Decimal,
    /// The arithmetic mean, by Welford's method in row order.
    pub mean: Decimal,
    /// The population standard deviation, likewise.
    pub std: Decimal,
}

/// How often a class occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassCount {
    /// The class as text; numbers by value, so that `1` and `1.0` are one class.
    pub class: String,
    /// Rows with it.
    pub count: u64,
}

/// What was measured of a dataset; safe in canonical JSON up to 2^53 bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// Data rows.
    pub rows: u64,
    /// Columns in the header, ignored ones included.
    pub columns: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// The definition's columns, in its order.
    pub column: Vec<ColumnStatistics>,
    /// Columns of the file that the definition does not name, in the file's order.
    pub ignored_columns: Vec<String>,
    /// Classes of the label in rising order; `None` when there are more than [`MAX_CLASSES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_histogram: Option<Vec<ClassCount>>,
}

/// The statistics alone; see [`measure`].
///
/// # Errors
/// As [`measure`].
pub fn describe(
    csv: impl Read,
    definition: &Definition,
    limits: &Limits,
) -> Result<Statistics, DatasetError> {
    measure(csv, definition, limits).map(|(statistics, _)| statistics)
}

/// Reads a CSV to its end, once: measures the columns that `definition` names, and hashes each data
/// row as a leaf of a Merkle tree.
///
/// # Errors
/// When the stream fails, a limit is passed, or a line or a cell is not as the definition says.
pub fn measure(
    csv: impl Read,
    definition: &Definition,
    limits: &Limits,
) -> Result<(Statistics, Leaves), DatasetError> {
    let at = |row: u64| move |error: CsvError| csv_error(error, row, limits);
    let mut records =
        Records::new(csv, limits.max_line_bytes, limits.max_columns).map_err(at(0))?;
    let mut cells = Cells::default();
    if !records.read(&mut cells).map_err(at(0))? {
        return Err(DatasetError::Empty("no header line"));
    }
    let mut plan = Plan::new(&cells, definition)?;
    let (mut rows, mut leaves) = (0, Leaves::default());
    while records.read(&mut cells).map_err(at(rows + 1))? {
        if rows == limits.max_rows {
            return Err(DatasetError::TooManyRows(limits.max_rows));
        }
        rows += 1;
        plan.take(rows, &cells)?;
        leaves.add(cells.record());
    }
    if rows == 0 {
        return Err(DatasetError::Empty("a header and no rows"));
    }
    Ok((plan.finish(rows, records.bytes()), leaves))
}

fn csv_error(error: CsvError, row: u64, limits: &Limits) -> DatasetError {
    let malformed = |problem| DatasetError::Malformed { row, problem };
    match error {
        CsvError::Read(error) => DatasetError::Read(error),
        CsvError::TooLong => DatasetError::LineTooLong { row, limit: limits.max_line_bytes },
        CsvError::TooWide => DatasetError::TooManyColumns { row, limit: limits.max_columns },
        CsvError::Quote => malformed("a quoted cell does not end at its closing quote"),
        CsvError::CarriageReturn => malformed("a carriage return that ends no line"),
    }
}

#[cfg(test)]
mod tests;
