//! The ledger over real mTLS.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod alerts;
mod appends;
mod mesh;
mod pinned;
mod reads;
mod stages;
mod starts;
