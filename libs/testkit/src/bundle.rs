//! A bundle that verifies: the fixture's evidence, signed and logged with the test mesh's keys.

use ::bundle::{
    BUNDLE_SCHEMA, Bundle, ENTRY_SCHEMA, Inclusion, LedgerEntry, SALT_BYTES, Signatures, Tag,
    commitment,
};
use bom::{SignedAibom, SigningKeys};
use ids::{Timestamp, canonical};
use merkle::{Checkpoint, TlogProof, Tree, checkpoint, leaf_hash};

use crate::evidence::Fixture;

/// How long after the signing time [`bundle`] is logged, in milliseconds.
pub const LOG_DELAY_MS: i64 = 5_000;

/// The fixture's evidence, signed with the test mesh's keys at the fixture's time.
#[must_use]
pub fn signed(fixture: &Fixture) -> SignedAibom {
    let mesh = fixture.mesh();
    let (aibom, model, layout) = (mesh.platform_key(), mesh.model_key(), mesh.layout_key());
    let keys = SigningKeys { aibom: &aibom, model: &model, layout: &layout };
    bom::sign(&fixture.verified(), &fixture.decision(), fixture.at(), keys).unwrap()
}

/// Logs an attestation as leaf 2 of 5 with the test mesh's ledger key.
#[must_use]
pub fn logged(fixture: &Fixture, attestation: &[u8], logged_at: Timestamp) -> Inclusion {
    let salt = vec![9; SALT_BYTES];
    let schema = ENTRY_SCHEMA.to_owned();
    let commitment = commitment(&salt, attestation);
    let tag = Tag::of(&[8; 32], &commitment);
    let entry = canonical::to_vec(&LedgerEntry { schema, commitment, tag, logged_at }).unwrap();
    let other = |n: u8| leaf_hash(&[n]);
    let tree: Tree =
        [other(0), other(1), leaf_hash(&entry), other(3), other(4)].into_iter().collect();
    let verifier = fixture.mesh().ledger_verifier_key();
    let origin = verifier.name().to_owned();
    let head = Checkpoint { origin, size: tree.len(), root: tree.root() };
    let key = fixture.mesh().ledger_key();
    let witness = fixture.mesh().witness_cosigner_key();
    let seconds = u64::try_from(logged_at.unix_ms() / 1000).unwrap();
    let line = checkpoint::cosign(&head, &fixture.mesh().witness_key(), witness.name(), seconds);
    let checkpoint = checkpoint::sign(&head, &key, verifier.name()).unwrap() + &line.unwrap();
    let hashes = tree.inclusion(2, 5).unwrap();
    let proof = TlogProof { extra: None, index: 2, hashes, checkpoint }.to_string();
    Inclusion { salt, entry, proof }
}

/// The whole bundle.
#[must_use]
pub fn bundle(fixture: &Fixture) -> Bundle {
    let signed = signed(fixture);
    let logged_at = fixture.at().plus_ms(LOG_DELAY_MS);
    Bundle {
        schema: BUNDLE_SCHEMA.to_owned(),
        aibom: signed.aibom().as_bytes().to_vec(),
        inclusion: logged(fixture, signed.attestation(), logged_at),
        attestation: signed.attestation().to_vec(),
        signatures: Signatures {
            model: signed.model().to_vec(),
            link: signed.link().to_vec(),
            layout: signed.layout().to_vec(),
        },
        evidence: fixture.set(),
        policy: fixture.policy_bytes(),
    }
}
