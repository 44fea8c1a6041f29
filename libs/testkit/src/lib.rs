//! Fixtures for development only: a test mesh with its parties, signed evidence that verifies, and
//! an HSM that fails on request.
//!
//! Every key comes from a fixed seed, so the same fixture gives the same bytes on every run;
//! certificates are not part of them (their signatures are random).
#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be made is a broken test, and panicking names the place"
)]

pub mod alerts;
pub mod bundle;
pub mod evidence;
#[cfg(feature = "tiles")]
pub mod log;
pub mod lying_log;
pub mod mesh;
pub mod record;
pub mod softhsm;

#[cfg(test)]
mod tests;
