//! Identifiers that every crate shares: digests, job ids, SPIFFE ids, instants, canonical JSON.
//!
//! Nothing here reads a clock, a file or a socket: values come in as arguments.

pub mod canonical;
mod digest;
mod job_id;
mod spiffe;
mod timestamp;

pub use digest::{Digests, Hasher, ParseDigestError, Sha256Digest, Sha512Digest};
pub use job_id::{Attempt, FencingToken, JobId, ParseJobIdError};
pub use spiffe::{Role, SpiffeId, SpiffeIdError};
pub use timestamp::{ParseTimestampError, Timestamp};

#[cfg(test)]
mod tests;
