//! Keras v3 `.keras` files, read without running them: what they are, or why they are refused.
//!
//! A `.keras` file is a zip of `metadata.json`, `config.json` and `model.weights.h5`. Loading one in
//! Python builds whatever classes its configuration names, so everything is held to what Keras
//! itself writes, and the rest is refused: another archive structure (`archive`), JSON that two
//! readers may read differently (`json`), classes off an allow-list (`config`), and HDF5 features
//! that reach outside of the file, such as external storage and links (`weights`; CVE-2026-1669).
//!
//! Not checked: whether the layers fit together or fit in memory, and what the weights' values do.
//! The sandbox is for that. Pure: bytes come in through a reader, and nothing is unpacked.

mod archive;
mod config;
mod facts;
mod fields;
mod json;
mod refusal;
mod weights;
mod window;

use std::io::{Read, Seek};

pub use facts::{LayerFact, ModelFacts, TensorFact};
pub use fields::Fields;
pub use refusal::{Hazard, Refusal};

use window::Window;

/// How much of a model is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole file, below 2 GiB; entries are stored, so unpacked is no larger.
    pub max_file_bytes: u64,
    /// Bytes of `config.json`.
    pub max_config_bytes: u64,
    /// Bytes of `metadata.json`.
    pub max_metadata_bytes: u64,
    /// Depth of nesting in either JSON file, at most 100.
    pub max_depth: u32,
    /// Values in either JSON file.
    pub max_values: u32,
    /// Groups and datasets in `model.weights.h5`.
    pub max_weight_objects: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: (1 << 31) - 1,
            max_config_bytes: 8 << 20,
            max_metadata_bytes: 64 << 10,
            max_depth: 64,
            max_values: 1_000_000,
            max_weight_objects: 200_000,
        }
    }
}

/// What is known to be dangerous about the name of a class or function, whatever its module.
#[must_use]
pub fn hazard_of(name: &str) -> Option<Hazard> {
    config::hazard_of(name)
}

/// Reads a `.keras` file from its first byte to its last and says what it holds.
///
/// # Errors
/// The first rule that the file breaks, and where.
pub fn inspect(file: impl Read + Seek, limits: &Limits) -> Result<ModelFacts, Refusal> {
    let mut file = Window::whole(file)?;
    let entries = archive::entries(&mut file, limits)?;
    let metadata = json::parse(&file.bytes(&entries.metadata)?, "metadata.json", limits)?;
    let keras_version = config::keras_version(&metadata)?;
    let config = json::parse(&file.bytes(&entries.config)?, "config.json", limits)?;
    config::check(&config)?;
    let arrays = weights::arrays(file.narrow(&entries.weights), limits)?;
    facts::gather(&config, keras_version, &arrays)
}

#[cfg(test)]
mod tests;
