//! Verification as its callers see it.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod advisory;
mod fuzz_corpus;
mod record;
