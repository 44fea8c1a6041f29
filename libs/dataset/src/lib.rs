//! Dataset definitions (AIBoMGen's `dataset_definition.yaml`) and statistics of the CSV they describe.
//!
//! Pure: bytes and readers come in as arguments. Nothing is guessed: an unknown key, a missing or a
//! non-numeric cell is an error that names its place. The rules are those of `trainers/keras`.

mod csv;
pub mod decimal;
pub mod definition;
mod leaves;
pub mod split;
pub mod statistics;

pub use decimal::Decimal;
pub use definition::{Column, ColumnKind, Definition, DefinitionError, Preprocessing};
pub use leaves::Leaves;
pub use split::Division;
pub use statistics::{DatasetError, Limits, Statistics, describe, measure};
