//! RFC 6962 Merkle tree over SHA-256, its proofs (RFC 9162, section 2.1) and C2SP checkpoints.
//!
//! Pure: no clock, storage or randomness. [`Tree`] makes roots and proofs, [`Frontier`] roots alone;
//! [`verify_inclusion`] and [`verify_consistency`] check them without a tree; [`checkpoint`] signs and
//! reads tree heads, with the cosignatures of witnesses, and says which count; [`TlogProof`] is the
//! text that goes with an entry; [`tile`] says how a tree is laid out in static files (C2SP
//! tlog-tiles).

pub mod checkpoint;
mod frontier;
mod hash;
mod proof;
mod range;
pub mod tile;
mod tlog_proof;
mod tree;

pub use checkpoint::{
    Checkpoint, CosignerKey, LogPolicy, LogPolicyError, SignedCheckpoint, VerifierKey, Witnessed,
};
pub use frontier::Frontier;
pub use hash::{empty_root, leaf_hash, node_hash};
pub use proof::{
    ConsistencyError, InclusionError, MAX_PROOF_HASHES, verify_consistency, verify_inclusion,
};
pub use tlog_proof::{MAX_EXTRA_BYTES, MAX_TLOG_PROOF_BYTES, TlogProof, TlogProofError};
pub use tree::{RangeError, Tree};
