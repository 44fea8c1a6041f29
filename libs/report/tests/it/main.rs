//! Reading AIBoMs through the crate's public face.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod hostile;
mod ours;
