//! The monitor beside the others who watch the log.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod lies;
