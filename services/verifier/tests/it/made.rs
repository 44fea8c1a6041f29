//! A bundle that verifies, made in this process.

use bundle::{BUNDLE_SCHEMA, Bundle, ENTRY_SCHEMA, Inclusion, LedgerEntry, SALT_BYTES, commitment};
use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE};
use ids::canonical;
use merkle::{Checkpoint, Tree, checkpoint, leaf_hash};
use testkit::evidence::Fixture;

pub(crate) fn bundle(fixture: &Fixture) -> Bundle {
    let verified = fixture.verified();
    let aibom = bom::assemble(&verified).unwrap();
    let statement = bom::statement(&aibom, &verified, fixture.at()).unwrap();
    let key = fixture.mesh().platform_key();
    let attestation = Envelope::seal(IN_TOTO_PAYLOAD_TYPE, statement, &key).unwrap();
    Bundle {
        schema: BUNDLE_SCHEMA.to_owned(),
        aibom: aibom.as_bytes().to_vec(),
        inclusion: log(fixture, attestation.as_bytes()),
        attestation: attestation.as_bytes().to_vec(),
        evidence: fixture.set(),
    }
}

fn log(fixture: &Fixture, attestation: &[u8]) -> Inclusion {
    let salt = vec![9; SALT_BYTES];
    let schema = ENTRY_SCHEMA.to_owned();
    let commitment = commitment(&salt, attestation);
    let entry = LedgerEntry { schema, commitment, logged_at: fixture.at() };
    let entry = canonical::to_vec(&entry).unwrap();
    let tree: Tree = [leaf_hash(&entry), leaf_hash(b"another")].into_iter().collect();
    let verifier = fixture.mesh().ledger_verifier_key();
    let origin = verifier.name().to_owned();
    let head = Checkpoint { origin, size: tree.len(), root: tree.root() };
    let checkpoint =
        checkpoint::sign(&head, &fixture.mesh().ledger_key(), verifier.name()).unwrap();
    Inclusion { salt, entry, index: 0, proof: tree.inclusion(0, 2).unwrap(), checkpoint }
}
