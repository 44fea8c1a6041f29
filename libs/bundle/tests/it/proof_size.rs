//! How large a proof is: the bounds that the format promises. How long one takes is measured by the
//! example `proof_cost`.

use bundle::Inclusion;
use merkle::{MAX_TLOG_PROOF_BYTES, TlogProof};
use testkit::evidence::Fixture;

#[test]
fn a_proof_of_a_log_of_a_billion_entries_is_below_two_kibibytes_with_one_witness() {
    let Inclusion { proof, .. } = testkit::bundle::bundle(&Fixture::new()).inclusion;
    let mut proof = TlogProof::parse(&proof).unwrap();
    let hash = proof.hashes[0];
    proof.hashes = vec![hash; 30];
    proof.index = 999_999_999;
    let length = proof.to_string().len();
    assert!(length < 2_048, "{length} bytes");
    proof.hashes = vec![hash; 64];
    assert!(proof.to_string().len() < MAX_TLOG_PROOF_BYTES);
}
