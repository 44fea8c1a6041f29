//! The report: everything that was measured, as one JSON file.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::{
    bom::Derivation, disk::Disk, machine::Machine, signer::Signing, steps::Step,
    submit::Submissions, upload::Uploads,
};

/// What was measured; parts that were not asked for are left out.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// Always `aibom.loadtest.v1`.
    pub(crate) schema: &'static str,
    /// On what.
    pub(crate) machine: Machine,
    /// The disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disk: Option<Disk>,
    /// Submissions beside echoes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) submissions: Option<Submissions>,
    /// What a submission is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) steps: Option<Vec<Step>>,
    /// Uploads beside copying, hashing and raw TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uploads: Option<Uploads>,
    /// AIBoMs signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signing: Option<Signing>,
    /// AIBoMs derived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) derivation: Option<Derivation>,
}

impl Report {
    /// Nothing measured yet.
    pub(crate) fn new() -> Self {
        Self {
            schema: "aibom.loadtest.v1",
            machine: Machine::here(),
            disk: None,
            submissions: None,
            steps: None,
            uploads: None,
            signing: None,
            derivation: None,
        }
    }

    /// Writes it to `path`, over an older one.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }
}
