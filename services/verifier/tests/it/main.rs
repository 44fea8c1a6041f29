//! The verifier over real mTLS.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod bundles;
mod files;
mod links;
mod made;
mod mesh;
mod stored;
