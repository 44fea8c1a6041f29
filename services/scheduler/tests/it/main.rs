//! The scheduler over real mTLS: what users and executors may do, and what survives a kill -9.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod advisories;
mod alerts;
mod artifacts;
mod crash;
mod fake;
mod jobs;
mod leases;
mod ledger_fake;
mod ledger_lies;
mod outcomes;
mod review;
mod submission;
mod unpublished;
mod world;
