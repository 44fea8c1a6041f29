//! A bundle that verifies, made in this process, with the keys at hand to forge others.

use bundle::{BUNDLE_SCHEMA, Bundle, Signatures};
use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE};
use evidence::{EvidenceSet, TrustRoot};
use ids::{Timestamp, canonical};
use serde_json::Value;
use testkit::{
    bundle::{LOG_DELAY_MS, bundle, logged},
    evidence::Fixture,
};

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

impl Made {
    pub(super) fn new(fixture: Fixture) -> Self {
        let bundle = bundle(&fixture);
        // The set is signed anew on each call; P-256 here is deterministic, so it is the same.
        assert_eq!(fixture.verified().digests()[0].1, bundle.evidence.request.digest());
        let logged_at = fixture.at().plus_ms(LOG_DELAY_MS);
        Self { root: fixture.trust_root(), fixture, bundle, logged_at }
    }

    /// Signed and logged for real, whatever it says.
    pub(super) fn of(
        fixture: Fixture,
        aibom: Vec<u8>,
        statement: Vec<u8>,
        evidence: EvidenceSet,
    ) -> Self {
        let logged_at = fixture.at().plus_ms(LOG_DELAY_MS);
        let attestation = attest(&fixture, statement);
        let inclusion = logged(&fixture, &attestation, logged_at);
        let schema = BUNDLE_SCHEMA.to_owned();
        let signatures = Signatures { model: Vec::new(), link: Vec::new(), layout: Vec::new() };
        let policy = fixture.policy_bytes();
        let bundle = Bundle { schema, aibom, attestation, signatures, evidence, policy, inclusion };
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
