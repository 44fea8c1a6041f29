//! The dataset definition: which columns a CSV has, which is the label, and how features are prepared.

mod read;
mod yaml;

use serde::{Deserialize, Serialize};

use crate::Decimal;

/// The longest definition that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// The most columns that a definition may name.
pub const MAX_COLUMNS: usize = 4096;

/// Why a definition cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// Longer than [`MAX_BYTES`].
    #[error("{0} bytes, more than the limit of {MAX_BYTES}")]
    TooLong(usize),
    /// Not one document of YAML, or nested too deeply.
    #[error("not valid YAML: {0}")]
    Yaml(String),
    /// An anchor, an alias or a tag.
    #[error(
        "line {line} has an anchor, an alias or a tag ('&', '*', '!'); quote the text if it is a name"
    )]
    Indirection {
        /// The line, from 1.
        line: usize,
    },
    /// A key that appears twice in one mapping.
    #[error("the key {0:?} appears twice")]
    Repeated(String),
    /// Keys that no definition has.
    #[error("unknown key {key:?} in {place}; known: {known}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it stands.
        place: &'static str,
        /// What may stand there.
        known: &'static str,
    },
    /// A kind of dataset other than `csv`.
    #[error("datasets of type {0:?} are unsupported: only csv is read")]
    Unsupported(String),
    /// A key that must be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value of the wrong shape or out of range.
    #[error("{key} must be {expected}")]
    Value {
        /// The key, with its path.
        key: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// What a column's cells hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// A decimal number that fits a 32-bit float.
    Float,
    /// Such a number without a fraction.
    Int,
    /// Text; only a label may be.
    String,
}

/// One column of the CSV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The name in the header line.
    pub name: String,
    /// What its cells hold.
    pub kind: ColumnKind,
}

/// Steps applied to every feature, in this order: normalise, scale, clip.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Whether features are brought to mean 0 and standard deviation 1.
    pub normalize: bool,
    /// The factor that features are multiplied with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Decimal>,
    /// The lowest and the highest value that features keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<(Decimal, Decimal)>,
}

/// A checked definition: 2 to [`MAX_COLUMNS`] columns, one of them the label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Definition {
    /// The columns in the order of the definition, which is the model's order of features.
    pub columns: Vec<Column>,
    /// The name of the column to predict.
    pub label: String,
    /// The classes in the order of their indexes, as text; `None` leaves them to the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// The model's input shape without the batch; if given, the number of features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_shape: Option<Vec<u64>>,
    /// The model's output shape without the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_shape: Option<Vec<u64>>,
    /// How features are prepared.
    pub preprocessing: Preprocessing,
}

impl Definition {
    /// Reads a `dataset_definition.yaml`.
    ///
    /// # Errors
    /// When the text is too long, is not plain YAML, or says anything that is not understood.
    pub fn parse(text: &[u8]) -> Result<Self, DefinitionError> {
        if text.len() > MAX_BYTES {
            return Err(DefinitionError::TooLong(text.len()));
        }
        read::definition(yaml::parse(text)?)
    }

    /// The columns other than the label, in order.
    pub fn features(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.name != self.label)
    }

    /// The label's column.
    #[must_use]
    pub fn label_column(&self) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == self.label)
    }
}

#[cfg(test)]
mod tests;
