//! The signer over real mTLS.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod attests;
mod confined;
mod mesh;
mod policies;
mod starts;
