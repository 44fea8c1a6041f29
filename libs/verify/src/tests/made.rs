//! A bundle that verifies, made in this process, with the keys at hand to forge others.

use bundle::{BUNDLE_SCHEMA, Bundle, ENTRY_SCHEMA, Inclusion, LedgerEntry, SALT_BYTES, commitment};
use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE};
use evidence::{EvidenceSet, TrustRoot};
use ids::{Timestamp, canonical};
use merkle::{Checkpoint, Tree, checkpoint, leaf_hash};
use serde_json::Value;
use testkit::evidence::Fixture;

use crate::{Verdict, verify_bundle};

pub(super) struct Made {
    pub(super) fixture: Fixture,
    pub(super) root: TrustRoot,
    pub(super) bundle: Bundle,
    pub(super) logged_at: Timestamp,
}

/// Signs a statement with the platform's key.
pub(super) fn attest(fixture: &Fixture, statement: Vec<u8>) -> Vec<u8> {
    let key = fixture.mesh().platform_key();
    Envelope::seal(IN_TOTO_PAYLOAD_TYPE, statement, &key).unwrap().as_bytes().to_vec()
}

/// Logs an attestation as leaf 2 of 5 with the ledger's key.
pub(super) fn log(fixture: &Fixture, attestation: &[u8], logged_at: Timestamp) -> Inclusion {
    let salt = vec![9; SALT_BYTES];
    let schema = ENTRY_SCHEMA.to_owned();
    let commitment = commitment(&salt, attestation);
    let entry = canonical::to_vec(&LedgerEntry { schema, commitment, logged_at }).unwrap();
    let other = |n: u8| leaf_hash(&[n]);
    let tree: Tree =
        [other(0), other(1), leaf_hash(&entry), other(3), other(4)].into_iter().collect();
    let verifier = fixture.mesh().ledger_verifier_key();
    let origin = verifier.name().to_owned();
    let head = Checkpoint { origin, size: tree.len(), root: tree.root() };
    let key = fixture.mesh().ledger_key();
    let checkpoint = checkpoint::sign(&head, &key, verifier.name()).unwrap();
    Inclusion { salt, entry, index: 2, proof: tree.inclusion(2, 5).unwrap(), checkpoint }
}

impl Made {
    pub(super) fn new(fixture: Fixture) -> Self {
        let verified = fixture.verified();
        let aibom = bom::assemble(&verified).unwrap();
        let statement = bom::statement(&aibom, &verified, fixture.at()).unwrap();
        let evidence = fixture.set();
        // The set is signed anew on each call; P-256 here is deterministic, so it is the same.
        assert_eq!(verified.digests()[0].1, evidence.request.digest());
        Self::of(fixture, aibom.as_bytes().to_vec(), statement, evidence)
    }

    /// Signed and logged for real, whatever it says.
    pub(super) fn of(
        fixture: Fixture,
        aibom: Vec<u8>,
        statement: Vec<u8>,
        evidence: EvidenceSet,
    ) -> Self {
        let logged_at = fixture.at().plus_ms(5_000);
        let attestation = attest(&fixture, statement);
        let inclusion = log(&fixture, &attestation, logged_at);
        let schema = BUNDLE_SCHEMA.to_owned();
        let bundle = Bundle { schema, aibom, attestation, evidence, inclusion };
        Self { root: fixture.trust_root(), fixture, bundle, logged_at }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.bundle.to_bytes().unwrap()
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.verdict_by(&self.root)
    }

    pub(super) fn verdict_by(&self, root: &TrustRoot) -> Verdict {
        verify_bundle(&self.bytes(), root)
    }

    pub(super) fn verdict_of(&self, bundle: &Bundle) -> Verdict {
        verify_bundle(&bundle.to_bytes().unwrap(), &self.root)
    }
}

/// Changes a JSON document and writes it in canonical form again.
pub(super) fn edit_json(bytes: &[u8], edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value = serde_json::from_slice(bytes).unwrap();
    edit(&mut value);
    canonical::to_vec(&value).unwrap()
}

/// Changes the signature in an envelope and writes it in canonical form again.
pub(super) fn edit_signature(bytes: &[u8], edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    edit_json(bytes, |value| {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Sig(#[serde(with = "envelope::b64")] Vec<u8>);
        let place = &mut value["signatures"][0]["sig"];
        let mut sig: Sig = serde_json::from_value(place.take()).unwrap();
        edit(&mut sig.0);
        *place = serde_json::to_value(sig).unwrap();
    })
}
