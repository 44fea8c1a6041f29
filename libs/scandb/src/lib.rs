//! The vulnerability database that Trivy reads, on disk: `DIR/db/trivy.db` and `DIR/db/metadata.json`.
//!
//! [`look`] reads what is there and [`Found::usable`] says whether scans may rest on it; [`Installer`]
//! puts another in its place, whole or not at all; [`Advisories`] makes a small one. Nothing here
//! uses a network: a download is a command line of Trivy's own ([`Download`]), which others run.

mod advisories;
mod bolt;
mod config;
mod download;
mod found;
mod import;
mod metadata;
mod unpack;

pub use advisories::{Advisories, BuildError, Built};
pub use bolt::{Damage, Shape, Source, SourcesError, check, sources};
pub use config::{Config, UPDATE_HOURS_MAX, UpdateConfig};
pub use download::{DOWNLOAD_TIMEOUT_MS, Download, Repository, RepositoryError};
pub use found::{Found, Unusable, look};
pub use import::{ImportError, Imported, Installer, Options};
pub use metadata::{Metadata, MetadataError};
pub use unpack::{LAYER_MEDIA_TYPE, UnpackError, Unpacked, unpack};

/// The schema of the database that Trivy reads, in `metadata.json`.
pub const SCHEMA_VERSION: u32 = 2;
/// The longest `metadata.json`, in bytes.
pub const METADATA_BYTES_MAX: u64 = 64 * 1024;
/// The longest `trivy.db`, in bytes; the published one has less than a quarter of it.
pub const DATABASE_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// The directory below the configured one that holds the two files.
const DB: &str = "db";
const DATABASE_FILE: &str = "trivy.db";
const METADATA_FILE: &str = "metadata.json";
/// How far in the future a database may say it was updated, in milliseconds: clocks differ.
const SKEW_MS: i64 = 3_600_000;
