//! Content-addressed bytes over `object_store`: a local directory by default, S3 by URL.
//!
//! An artifact is its SHA-256 digest, stored under `sha256/<2 hex>/<64 hex>` and nothing else: no
//! name that a caller gives ever becomes a path. Bytes are hashed once, with SHA-256 and SHA-512,
//! in the pass that writes them, and only get their key when the digest is the expected one.
//!
//! What `object_store` 0.14.2 does about durability, from its `local.rs`: `LocalFileSystem` writes
//! to `<key>#<n>` and publishes by hard link or rename, and syncs **nothing** unless
//! `with_fsync(true)` is set; then it syncs the file, and every directory it changed, before it
//! answers. We set it for small documents. Uploads do not go through it: they would be copied once
//! more, so the staged file itself is synced and renamed into place, and the directory synced.
//! Large ones are written past the page cache (`O_DIRECT`), where the file system takes that.

mod backend;
mod config;
mod direct;
mod download;
mod names;
mod publish;
mod registry;
mod staged;
mod store;
mod upload;

pub use backend::open_bucket;
pub use config::{Limits, Location, OpenError, StoreConfig};
pub use download::{Download, READ_CHUNK_BYTES, ReadError};
pub use names::UploadId;
pub use registry::BeginError;
pub use store::{ArtifactStore, PUT_BYTES_MAX, PutError, Stored, SweepError, Swept};
pub use upload::{FinishError, Upload, WriteError};

#[cfg(test)]
mod tests;
