//! What can be asked of `aibom scanner db`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ids::Sha256Digest;
use scandb::Repository;

const STATUS_EXAMPLES: &str = "\
Examples:
  aibom scanner db status                   of the mesh that 'aibom up' runs
  aibom scanner db status --config /etc/aibom/scanner.toml
  aibom scanner db status --dir /var/lib/aibom/trivy --max-age-days 3 --format json

Exit code 0: a scanner uses it; 1: it does not, and the answer says why. Scans then list packages
only, and their evidence says that it is incomplete, and why.";

const IMPORT_EXAMPLES: &str = "\
Examples:
  aibom scanner db import db.tar.gz --sha256 4b1c…
  aibom scanner db import trivy-db.oci.tar --config /etc/aibom/scanner.toml
  aibom scanner db import ~/.cache/trivy --dir /var/lib/aibom/trivy

PATH is one of:
  a directory   with trivy.db and metadata.json, or with db/ that has them (Trivy's cache)
  .tar, .tar.gz with the two files, as the layer of the published image is
  OCI layout    a directory, or a .tar of it, as 'oras copy --to-oci-layout' and
                'skopeo copy docker://… oci-archive:…' write it; its digests are checked

The old database is exchanged for the new one in one step: running scanners notice it by themselves.";

const UPDATE_EXAMPLES: &str = "\
Examples:
  aibom scanner db update                   from where Trivy itself looks
  aibom scanner db update --repository registry.example.org/trivy-db:2
  aibom scanner db update --config /etc/aibom/scanner.toml

Trivy downloads it beside the old one; then it is checked and exchanged as with 'import'. Trivy takes
registry credentials from Docker's configuration (DOCKER_CONFIG), proxies from HTTPS_PROXY, and a
private CA from SSL_CERT_FILE. A registry on 127.0.0.1 may speak plain HTTP.";

const BUILD_EXAMPLES: &str = "\
Examples:
  aibom scanner db build deploy/trivy-db/advisories.json --out DIR

For machines without a network, for tests and for demonstrations: a scan with it finds only what the
list names, so label it so (database.label = \"test subset\"). The same list makes the same bytes.";

/// Looks at, downloads, imports and builds the vulnerability database.
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Says how old the database is, and whether a scanner uses it.
    #[command(after_help = STATUS_EXAMPLES)]
    Status(StatusArguments),
    /// Puts a database from a file or directory in place.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArguments),
    /// Downloads the database with Trivy and puts it in place.
    #[command(after_help = UPDATE_EXAMPLES)]
    Update(UpdateArguments),
    /// Builds a small database from a list of advisories.
    #[command(after_help = BUILD_EXAMPLES)]
    Build(BuildArguments),
}

/// Which database.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PlaceArguments {
    /// The directory of the database (db/trivy.db below it) [default: what the scanner's
    /// configuration names].
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(super) dir: Option<PathBuf>,
    /// The scanner's configuration; paths in it count from where you are, as for the scanner
    /// [default: config/scanner.toml beside the profile of the mesh, which 'aibom up' writes].
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// `aibom scanner db status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub(super) place: PlaceArguments,
    /// The oldest database that still counts, in days [default: as configured, or 7].
    #[arg(long, value_name = "DAYS")]
    pub(super) max_age_days: Option<u32>,
}

/// `aibom scanner db import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// What is imported.
    #[arg(value_name = "PATH")]
    pub(super) source: PathBuf,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
    /// The SHA-256 that trivy.db, or the file at PATH, must have.
    #[arg(long, value_name = "HEX")]
    pub(super) sha256: Option<Sha256Digest>,
    /// Takes a database that is older than the one in place.
    #[arg(long)]
    pub(super) allow_older: bool,
}

/// `aibom scanner db update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateArguments {
    #[command(flatten)]
    pub(super) place: PlaceArguments,
    /// Where it is downloaded from [default: as configured, or where Trivy itself looks].
    #[arg(long, value_name = "HOST/PATH:TAG")]
    pub(super) repository: Option<Repository>,
    /// The Trivy binary [default: as configured, .tools/bin/trivy, or the one on PATH].
    #[arg(long, value_name = "FILE")]
    pub(super) trivy: Option<PathBuf>,
}

/// `aibom scanner db build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    /// The list of advisories (JSON).
    #[arg(value_name = "ADVISORIES.json")]
    pub(super) list: PathBuf,
    /// The directory that the scanner's database.directory names.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}
