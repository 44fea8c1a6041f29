//! What the executor read of models and datasets, without running anything.

use std::collections::BTreeMap;

use ids::Sha256Digest;
use serde::{Deserialize, Serialize};

/// The submitted model file, read without running it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Model {
    /// File format, such as `keras-v3`.
    pub format: String,
    /// Version that wrote it.
    pub framework_version: String,
    /// Top-level class, such as `Sequential`.
    pub class_name: String,
    /// Layers in file order.
    pub layers: Vec<Layer>,
    /// Inputs.
    pub inputs: Vec<Tensor>,
    /// Outputs, where the file tells.
    pub outputs: Vec<Tensor>,
    /// Trainable and other weights, where the file tells.
    pub parameter_count: Option<u64>,
    /// The optimizer that it is compiled with, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<String>,
    /// The losses that it is compiled with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<String>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Its class.
    pub class_name: String,
}

/// The form of one input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Dimensions; `null` where any size goes.
    pub shape: Vec<Option<u64>>,
    /// Element type.
    pub dtype: String,
}

/// The dataset, read without running anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Dataset {
    /// Records.
    pub records: u64,
    /// Columns.
    pub columns: u64,
    /// The label's column.
    pub label: String,
    /// Further statistics: dotted name to value, such as `alcohol.mean` to `13.0006`.
    pub statistics: BTreeMap<String, String>,
    /// Root of the RFC 6962 Merkle tree over the records in file order; a leaf is a record's bytes
    /// without its line end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merkle_root: Option<Sha256Digest>,
    /// The splits that the asked-for seed and share give by the rule `sha256-rank.v1`, computed by
    /// the executor; none for a dataset of more records than it splits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<Split>,
    /// Whether the trainer's own record of its split (`split.json`) names the same rows; absent when
    /// it left none that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_agrees: Option<bool>,
}

/// The records of one split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Split {
    /// `train` or `validation`.
    pub name: String,
    /// How many.
    pub records: u64,
    /// Root of the RFC 6962 Merkle tree over them, in the order of use.
    pub merkle_root: Sha256Digest,
}
