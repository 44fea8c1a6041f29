//! What verifiers pin of the test mesh's ledger.

use merkle::{LogPolicy, VerifierKey};
use testkit::mesh::TRUST_DOMAIN;

use crate::mesh::TestMesh;

impl TestMesh {
    /// The key of a ledger with the default origin.
    pub(crate) fn key(&self) -> VerifierKey {
        let public = self.mesh.ledger_key().verifying_key();
        VerifierKey::new(&format!("{TRUST_DOMAIN}/ledger"), public).unwrap()
    }

    /// The key, and no witnesses.
    pub(crate) fn pinned(&self) -> LogPolicy {
        LogPolicy::new(self.key(), Vec::new(), 0).unwrap()
    }
}
