//! Bundles of the test kit against the format's schema and as other tools read them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod lines;
mod proof_size;
mod schema;
