//! State on disk: `Durable` (redb, group commit) for what may never be lost, `Cache` (sled) for
//! what can be rebuilt. `docs/adr/0001-redb-and-sled.md` says why there are two.
//!
//! A record belongs in [`Durable`] when losing it loses trust (jobs, signer journal, ledger). It
//! belongs in a [`Cache`] when losing it only costs the time to make it again.

mod batch;
mod cache;
mod durable;
mod opening;
mod snapshot;
mod writer;

pub use batch::{BATCH_BYTES_MAX, Batch, KEY_BYTES_MAX};
pub use cache::{CACHE_VALUE_BYTES_MAX, Cache, CacheError, MemoryCache, SledCache};
pub use durable::{Durable, Stats};
pub use opening::OpenError;
#[doc(hidden)]
pub use redb::StorageBackend;
pub use snapshot::{Entry, ReadError, Snapshot, Span};
pub use writer::{
    CommitError, GROUP_BATCHES_MAX, GROUP_BYTES_MAX, QUEUE_BATCHES_MAX, QUEUE_BYTES_MAX,
};

#[cfg(test)]
mod tests;
