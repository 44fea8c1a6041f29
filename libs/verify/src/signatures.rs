//! The checks `signatures.model`, `.link` and `.layout`: each file must say exactly what the
//! evidence gives, and be signed by a key that the trust root names for it, while that key held.

use bom::Aibom;
use bundle::Signatures;
use envelope::link::verify_exact;
use evidence::{Checks, KeyUse, TrustRoot, VerifiedEvidence};
use ids::Timestamp;
use keys::{KeyId, PublicKey};

/// What the files are checked against.
pub(crate) struct Basis<'a> {
    pub(crate) root: &'a TrustRoot,
    pub(crate) evidence: &'a VerifiedEvidence,
    pub(crate) aibom: &'a Aibom,
    /// The key of the attestation: the functionary of the link, too.
    pub(crate) signer: KeyId,
    pub(crate) signed_at: Timestamp,
    pub(crate) logged_at: Option<Timestamp>,
}

/// The keys behind the files.
#[derive(Debug, Clone)]
pub(crate) struct SideKeys {
    /// Of the model signature.
    pub(crate) model: PublicKey,
    /// Of the layout: its owner.
    pub(crate) layout: PublicKey,
}

/// Makes the three checks; without a basis they are recorded as failed.
pub(crate) fn check(
    files: &Signatures,
    basis: Option<&Basis<'_>>,
    checks: &mut Checks,
) -> Option<SideKeys> {
    let Some(basis) = basis else {
        for name in ["signatures.model", "signatures.link", "signatures.layout"] {
            checks.require(name, false, "", "not checked: there is nothing to hold it against");
        }
        return None;
    };
    let said = |key: PublicKey| {
        let detail = format!("as the evidence gives it, by key {}", key.key_id());
        (key, detail)
    };
    let model = checks.record("signatures.model", basis.model(&files.model).map(said));
    checks.record("signatures.link", basis.link(&files.link).map(said));
    let layout = checks.record("signatures.layout", basis.layout(&files.layout).map(said));
    Some(SideKeys { model: model?, layout: layout? })
}

impl Basis<'_> {
    /// The first key of that use for which `signed_by` holds, if it counts at the signing time.
    fn key(
        &self,
        usage: KeyUse,
        signed_by: impl Fn(&PublicKey) -> Result<(), String>,
    ) -> Result<PublicKey, String> {
        let mut problem = format!("the trust root names no {usage} key");
        for (key, entry) in self.root.keys(usage) {
            match signed_by(&key) {
                Ok(()) => {
                    let counts = entry.counts(self.signed_at, self.logged_at);
                    return counts.map(|()| key).map_err(|error| error.to_string());
                }
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    /// The key of the attestation, whose owner vouches for the training.
    fn functionary(&self) -> Result<PublicKey, String> {
        let named = self.root.signing_key(KeyUse::Aibom, self.signer);
        let (key, _) = named.ok_or("the trust root does not name the key of the attestation")?;
        Ok(key)
    }

    fn model(&self, file: &[u8]) -> Result<PublicKey, String> {
        let statement = bom::model_statement(self.evidence).map_err(|error| error.to_string())?;
        self.key(KeyUse::Model, |key| {
            oms::verify_exact(file, &statement, key).map_err(|error| error.to_string())
        })
    }

    fn link(&self, file: &[u8]) -> Result<PublicKey, String> {
        let key = self.functionary()?;
        let link = bom::training_link(self.evidence, self.aibom).map_err(|e| e.to_string())?;
        verify_exact(file, &link, &key).map_err(|error| error.to_string())?;
        Ok(key)
    }

    fn layout(&self, file: &[u8]) -> Result<PublicKey, String> {
        let functionary = self.functionary()?;
        let layout = bom::layout(self.evidence, self.aibom, self.signed_at, &functionary)
            .map_err(|error| error.to_string())?;
        self.key(KeyUse::Layout, |key| {
            verify_exact(file, &layout, key).map_err(|error| error.to_string())
        })
    }
}
