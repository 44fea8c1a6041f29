//! Which checkpoints count: those that a trust root's policy takes, or those of one key.

use std::path::PathBuf;

use clap::Args;
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
        match (&self.key, &self.trust_root) {
            (Some(key), _) => Ok(Counts::Log(LogPolicy::log_only(key.clone()))),
            (None, Some(path)) => {
                let (root, _) = trust_root(path)?;
                let unusable = || profile::unusable_log(path);
                Ok(Counts::Witnessed(root.log_policy().ok_or_else(unusable)?))
            }
            (None, None) => Err(Failure::cannot("no key and no trust root")
                .remedy("pin the log with --trust-root FILE or --key VKEY")),
        }
    }
}

impl Counts {
    /// The checkpoint in a note, once it counts.
    pub(super) fn checkpoint(&self, note: &str) -> Result<Checkpoint, Failure> {
        let refused = |error: &dyn std::error::Error| {
            Failure::refused("the checkpoint does not count").caused_by(error).remedy(
                "check that the trust root or key is this log's, taken by a way that you trust",
            )
        };
        match self {
            Self::Log(policy) => {
                let signed = SignedCheckpoint::parse(note).map_err(|error| refused(&error))?;
                policy.check_log(&signed).map_err(|error| refused(&error))
            }
            Self::Witnessed(policy) => {
                let witnessed = policy.check(note).map_err(|error| refused(&error))?;
                Ok(witnessed.checkpoint().clone())
            }
        }
    }
}
