//! Bundles of the test kit against the format's schema and as other tools read them.

mod lines;
mod proof_size;
mod schema;
