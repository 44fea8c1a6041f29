//! Which checkpoints count: those that a trust root's policy takes, or those of one key.

use std::path::{Path, PathBuf};

use clap::Args;
use evidence::TrustRoot;
use merkle::{Checkpoint, LogPolicy, SignedCheckpoint, VerifierKey};

use crate::{
    failure::Failure,
    profile::{self, trust_root},
};

/// What makes a checkpoint count.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Trust {
    /// The log's verifier key, <name>+<id>+<base64>: its signature is enough.
    #[arg(long, value_name = "VKEY")]
    key: Option<VerifierKey>,
    /// The mesh's trust-root.json: the log's key, and the witnesses that must have cosigned.
    #[arg(long, value_name = "FILE")]
    trust_root: Option<PathBuf>,
}

/// The same, read.
pub(super) enum Counts {
    Log(LogPolicy),
    Witnessed(LogPolicy),
}

impl Trust {
    pub(super) fn read(&self) -> Result<Counts, Failure> {
        if let Some(key) = &self.key {
            return Ok(Counts::Log(LogPolicy::log_only(key.clone())));
        }
        let (root, path) = self.root()?;
        let policy = root.log_policy();
        policy.map(Counts::Witnessed).map_err(|error| profile::unusable_log(path, &error))
    }

    /// The trust root, where one is named.
    pub(super) fn root(&self) -> Result<(TrustRoot, &Path), Failure> {
        let path = self.trust_root.as_deref().ok_or_else(|| {
            Failure::cannot("no trust root is named")
                .remedy("pin the log with --trust-root FILE or --key VKEY")
        })?;
        Ok((trust_root(path)?.0, path))
    }
}

impl Counts {
    /// The note, with no lines but those that count in a bundle.
    pub(super) fn known(&self, note: &str) -> String {
        match (self, SignedCheckpoint::parse(note)) {
            (Self::Witnessed(policy), Ok(signed)) => policy.known(&signed),
            (Self::Witnessed(_) | Self::Log(_), _) => note.to_owned(),
        }
    }

    /// The checkpoint in a bundle's note, once it counts. Every line is checked.
    pub(super) fn bundled(&self, note: &str) -> Result<Checkpoint, Failure> {
        match self {
            Self::Log(_) => self.checkpoint(note),
            Self::Witnessed(policy) => match policy.check(note) {
                Ok(witnessed) => Ok(witnessed.checkpoint().clone()),
                Err(error) => Err(refused(&error)),
            },
        }
    }

    /// The checkpoint in a note that the log publishes, once it counts. Lines of keys that are not
    /// named here are ignored.
    pub(super) fn checkpoint(&self, note: &str) -> Result<Checkpoint, Failure> {
        match self {
            Self::Log(policy) => {
                let signed = SignedCheckpoint::parse(note).map_err(|error| refused(&error))?;
                policy.check_log(&signed).map_err(|error| refused(&error))
            }
            Self::Witnessed(policy) => {
                let witnessed = policy.check_published(note).map_err(|error| refused(&error))?;
                Ok(witnessed.checkpoint().clone())
            }
        }
    }
}

fn refused(error: &dyn std::error::Error) -> Failure {
    Failure::refused("the checkpoint does not count")
        .caused_by(error)
        .remedy("check that the trust root or key is this log's, taken by a way that you trust")
}
