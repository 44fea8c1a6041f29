//! The self-contained bundle file: AIBoM, attestation, evidence, and the proof that it was logged.
//!
//! Everything that is signed or hashed is kept as exact bytes (base64), and the file itself is
//! canonical JSON: there is no byte in it that some check does not cover.

mod file;
mod ledger;
mod sigstore;
mod tag;

pub use file::{BUNDLE_SCHEMA, Bundle, BundleError, MAX_BUNDLE_BYTES, Signatures};
pub use ledger::{
    ENTRY_SCHEMA, Inclusion, LedgerEntry, Logged, LoggedError, LoggedParts, MAX_ENTRY_BYTES,
    SALT_BYTES, commitment,
};
pub use sigstore::{ENTRY_KIND, ENTRY_VERSION, ExportError};
pub use tag::{TAG_BYTES, Tag, TagError, monitor_key};

#[cfg(test)]
mod tests;
