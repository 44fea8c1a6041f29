//! One checkpoint's way past the witnesses: who cosigned it, and why the others did not.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::mpsc;
use witness::request_body;

use super::{
    CosignError, Proofs,
    worker::{Ask, News},
};

/// How far a round has come.
pub(super) struct Round<'a> {
    pub(super) ask: Ask,
    pub(super) heard: mpsc::Receiver<News>,
    pub(super) proof: &'a Proofs,
    /// Their places in the configuration.
    pub(super) cosigned: BTreeSet<usize>,
    /// Witness to why it did not cosign.
    pub(super) causes: BTreeMap<String, String>,
    /// The first witness of this round that knows another history.
    pub(super) alarm: Option<CosignError>,
    pub(super) sizes_named: BTreeMap<usize, u32>,
    /// Witnesses that named a size from which there is no proof.
    pub(super) without_proof: BTreeSet<usize>,
}

impl<'a> Round<'a> {
    pub(super) fn new(ask: Ask, heard: mpsc::Receiver<News>, proof: &'a Proofs) -> Self {
        Self {
            ask,
            heard,
            proof,
            cosigned: BTreeSet::new(),
            causes: BTreeMap::new(),
            alarm: None,
            sizes_named: BTreeMap::new(),
            without_proof: BTreeSet::new(),
        }
    }

    pub(super) fn alarm(&mut self, alarm: CosignError, witness: &str) {
        self.causes.insert(witness.to_owned(), alarm.to_string());
        self.alarm.get_or_insert(alarm);
    }
}

impl Ask {
    /// The same, asked from `old`.
    pub(super) fn from(&self, old: u64, proof: &Proofs) -> Result<Self, CosignError> {
        let size = self.size;
        let empty = old == 0 || old == size;
        let proof = if empty { Some(Vec::new()) } else { proof(old) };
        let proof = proof.ok_or(CosignError::Proof { old, size })?;
        let body = request_body(old, &proof, &self.note).into();
        Ok(Self { old, body, ..self.clone() })
    }
}
