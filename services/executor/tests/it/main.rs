//! The executor against a scheduler over real mTLS and, where one answers, the real engine.
//!
//! Tests that need the engine and the probe image skip loudly without them; build the image with
//! `e2e/trainers/probe/build.sh`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and a skipped one says so"
)]

mod drain;
mod engine;
mod evidence;
mod faults;
mod grpc;
mod leases;
mod modes;
mod refusals;
mod world;
