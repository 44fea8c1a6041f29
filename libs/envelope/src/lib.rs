//! DSSE envelopes, in-toto statements, and the Sigstore bundle around them.
//!
//! Signatures are over exact bytes (the DSSE pre-authentication encoding of the stored payload),
//! never over a re-serialised object.

pub mod b64;
mod dsse;
pub mod link;
mod sigstore;
mod statement;

pub use dsse::{Envelope, EnvelopeError, MAX_ENVELOPE_BYTES, SealError, pae};
pub use sigstore::{BUNDLE_MEDIA_TYPE, SignedBy, sigstore_bundle, sigstore_bundle_with};
pub use statement::{
    IN_TOTO_PAYLOAD_TYPE, ResourceDescriptor, STATEMENT_TYPE, Statement, StatementType,
};

#[cfg(test)]
mod tests;
