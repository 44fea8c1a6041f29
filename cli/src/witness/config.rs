//! The configuration file of a witness, parsed once into a value that builds.

use std::path::{Path, PathBuf};

use ::keys::FileKey;
use merkle::{CosignerKey, VerifierKey};
use serde::Deserialize;
use telemetry::TelemetryConfig;
use web::ServerOptions;
use witness::{Logs, MAX_LOGS};

use crate::{failure::Failure, profile::read_bounded};

/// The longest configuration file, in bytes.
const MAX_CONFIG_BYTES: u64 = 256 * 1024;

/// Everything that a witness is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The name that stands in its signature lines.
    pub(super) name: String,
    /// Its Ed25519 key, PKCS#8 PEM, readable by its owner only.
    pub(super) key: PathBuf,
    /// Where `state.json` is; one process at a time.
    pub(super) state_dir: PathBuf,
    /// The logs that it watches.
    #[serde(default, rename = "log")]
    logs: Vec<LogConfig>,
    /// Where it listens, and with which certificate.
    #[serde(default)]
    pub(super) server: ServerOptions,
    /// Logs, traces, metrics.
    #[serde(default)]
    pub(super) telemetry: TelemetryConfig,
}

/// A log to watch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogConfig {
    /// Its verifier key (C2SP signed-note); the key's name is the log's origin.
    key: String,
}

impl Config {
    /// Reads the file at `path`; paths in it are relative to where it lies.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let bytes = read_bounded(path, MAX_CONFIG_BYTES)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::cannot(format_args!("{shown} is not UTF-8 text")))?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            Failure::cannot(format_args!("the configuration {shown} is wrong")).because(error)
        })?;
        let base = path.parent().unwrap_or_else(|| Path::new("."));
        for path in [&mut config.key, &mut config.state_dir] {
            *path = base.join(&*path);
        }
        if let Some(tls) = &mut config.server.tls {
            tls.certificate = base.join(&tls.certificate);
            tls.key = base.join(&tls.key);
        }
        Ok(config)
    }

    /// The logs' keys.
    pub(super) fn logs(&self) -> Result<Logs, Failure> {
        if self.logs.is_empty() || self.logs.len() > MAX_LOGS {
            let count = self.logs.len();
            return Err(Failure::cannot(format_args!("the configuration names {count} logs"))
                .because(format_args!("a witness watches 1 to {MAX_LOGS}"))
                .remedy(
                    "add '[[log]]' with 'key = \"<verifier key>\"': the trust root's ledger key",
                ));
        }
        self.logs.iter().try_fold(Logs::new(), |logs, log| {
            let key: VerifierKey = log.key.parse().map_err(|error| {
                Failure::cannot(format_args!("log.key {:?} cannot be used", log.key)).because(error)
            })?;
            Ok(logs.with(key))
        })
    }

    /// The key that cosigns, and its public half.
    pub(super) fn cosigner(&self) -> Result<(FileKey, CosignerKey), Failure> {
        let key = FileKey::load(&self.key).map_err(|error| {
            Failure::cannot("the witness's key cannot be used").caused_by(&error)
        })?;
        let public = public(&key, &self.name)?;
        Ok((key, public))
    }
}

/// The public half of a witness's key, under its name.
pub(super) fn public(key: &FileKey, name: &str) -> Result<CosignerKey, Failure> {
    let secret = key.as_ed25519().ok_or_else(|| {
        Failure::cannot("the witness's key is no Ed25519 key")
            .remedy("make one: aibom witness init")
    })?;
    CosignerKey::new(name, secret.verifying_key()).map_err(|error| {
        Failure::cannot(format_args!("{name:?} cannot name a witness")).because(error)
    })
}
