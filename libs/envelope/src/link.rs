//! in-toto metadata of the classic form (in-toto specification v1.0, section 4): layouts and links,
//! written, signed, and checked against each other.
//!
//! Stricter than the reference implementation where that one only warns or looks away: another
//! command than the layout expects fails, rules without a closing `DISALLOW *` fail, a layout with
//! inspections is refused (they are commands, and nothing here runs any), a link that no step asks
//! for is refused, and duplicate members do not parse.

mod document;
mod exact;
mod glob;
mod json;
mod metadata;
mod rules;
mod verify;
mod write;

pub use exact::{ExactError, verify_exact};
pub use metadata::{MetadataError, functionary_key, sign_metadata};
pub use verify::{LinkCheck, MAX_LINKS, verify_links};
pub use write::{ArtifactDigests, NewLayout, NewLink, NewStep, Rule, link_file_name};

/// The longest metadata file that is read, in bytes.
pub const MAX_METADATA_BYTES: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests;
