//! A bundle that verifies, made in this process.

use bundle::{BUNDLE_SCHEMA, Bundle, ENTRY_SCHEMA, Inclusion, LedgerEntry, commitment};
use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE};
use evidence::TrustRoot;
use ids::canonical;
use merkle::{Checkpoint, Tree, checkpoint, leaf_hash};
use testkit::evidence::Fixture;

/// A bundle with the root that vouches for it.
pub(crate) struct Made {
    pub(crate) root: TrustRoot,
    pub(crate) bundle: Bundle,
}

impl Made {
    /// The wine job, signed and logged.
    pub(crate) fn wine() -> Self {
        let fixture = Fixture::new();
        let verified = fixture.verified();
        let aibom = bom::assemble(&verified).unwrap();
        let statement = bom::statement(&aibom, &verified, fixture.at()).unwrap();
        let key = fixture.mesh().platform_key();
        let attestation = Envelope::seal(IN_TOTO_PAYLOAD_TYPE, statement, &key).unwrap();
        let bundle = Bundle {
            schema: BUNDLE_SCHEMA.to_owned(),
            aibom: aibom.as_bytes().to_vec(),
            inclusion: log(&fixture, attestation.as_bytes()),
            attestation: attestation.as_bytes().to_vec(),
            evidence: fixture.set(),
        };
        Self { root: fixture.trust_root(), bundle }
    }
}

fn log(fixture: &Fixture, attestation: &[u8]) -> Inclusion {
    let salt = vec![9; 32];
    let entry = LedgerEntry {
        schema: ENTRY_SCHEMA.to_owned(),
        commitment: commitment(&salt, attestation),
        logged_at: fixture.at().plus_ms(5_000),
    };
    let entry = canonical::to_vec(&entry).unwrap();
    let tree: Tree = [leaf_hash(b"before"), leaf_hash(&entry)].into_iter().collect();
    let verifier = fixture.mesh().ledger_verifier_key();
    let head =
        Checkpoint { origin: verifier.name().to_owned(), size: tree.len(), root: tree.root() };
    let key = fixture.mesh().ledger_key();
    let checkpoint = checkpoint::sign(&head, &key, verifier.name()).unwrap();
    Inclusion { salt, entry, index: 1, proof: tree.inclusion(1, 2).unwrap(), checkpoint }
}
