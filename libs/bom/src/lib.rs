//! `assemble(evidence, decision) -> Aibom`: a pure function from verified evidence to canonical CycloneDX 1.6 or 1.7.
//!
//! The same evidence gives the same bytes, on every machine and at any time: the signer makes the
//! AIBoM with it, and every verifier makes it again and compares. A change of a single byte in what
//! this crate writes breaks verification of everything signed before (docs/adr/0002-cyclonedx.md).

mod aibom;
mod citations;
mod claims;
mod cyclonedx;
mod declarations;
mod documents;
mod files;
mod findings;
mod formulation;
mod graph;
mod host;
mod image;
mod in_toto;
mod licence;
mod metadata;
mod model;
mod model_statement;
mod notes;
mod refs;
mod sign;
mod signers;
mod sources;
mod statement;
mod text;
mod tools;
mod vulnerabilities;

pub use aibom::{Aibom, AssembleError, assemble};
pub use in_toto::{LAYOUT_VALIDITY_MS, TRAINING_STEP, layout, training_link};
pub use model_statement::model_statement;
pub use sign::{SignAibomError, SignedAibom, SigningKeys, sign};
pub use statement::{
    AIBOM_FILE_NAME, CYCLONEDX_PREDICATE_TYPE, MAX_STATEMENT_BYTES, SignedAtError, request,
    signed_at, statement,
};
