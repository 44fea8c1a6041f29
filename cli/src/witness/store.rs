//! The state of a witness on disk: one file, exchanged as a whole, and one process at a time.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use ::keys::replace_file;
use merkle::CosignerKey;
use rustix::fs::{FlockOperation, flock};
use witness::{MAX_STATE_BYTES, State};

use super::evidence::{Evidence, EvidenceKind, Kept};
use crate::{failure::Failure, profile::read_bounded};

/// The file with the state.
const STATE_FILE: &str = "state.json";
/// The file that the running witness holds.
const LOCK_FILE: &str = "state.lock";

/// Where a state is kept.
pub(super) trait Disk: Send {
    /// Makes `state` durable: after the return it survives whatever comes.
    fn keep(&mut self, state: &State) -> std::io::Result<()>;

    /// Keeps two notes that may not both be a log's: the one that was cosigned, and the one sent.
    fn evidence(&mut self, kind: EvidenceKind, cosigned: &str, sent: &str)
    -> std::io::Result<Kept>;
}

/// A directory with a witness's state, held by this process.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    evidence: Evidence,
    key: CosignerKey,
    _lock: File,
}

impl Store {
    /// Writes the state of a witness that never cosigned; an old one is never overwritten.
    pub(crate) fn create(directory: &Path, key: &CosignerKey) -> Result<(), Failure> {
        let path = directory.join(STATE_FILE);
        if path.exists() {
            return Err(Failure::cannot(format_args!("{} exists already", path.display()))
                .because("a witness that forgets would cosign a log that was rolled back")
                .remedy("make the new witness in another directory"));
        }
        let cannot = |error: &dyn std::fmt::Display| {
            Failure::cannot(format_args!("cannot write {}", path.display())).because(error)
        };
        let bytes = State::new().to_bytes(key).map_err(|error| cannot(&error))?;
        replace_file(&path, &bytes, 0o600).map_err(|error| cannot(&error))
    }

    /// Takes the directory for this process, and reads its state.
    pub(crate) fn open(directory: &Path, key: &CosignerKey) -> Result<(Self, State), Failure> {
        let path = directory.join(LOCK_FILE);
        let lock = File::create(&path).map_err(|error| {
            Failure::cannot(format_args!("cannot use {}", path.display())).because(error)
        })?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let what = format!("a witness runs with {} already", directory.display());
                return Err(Failure::cannot(what)
                    .because("two would not know of each other's cosignatures")
                    .remedy("stop that one first"));
            }
            Err(errno) => {
                return Err(Failure::cannot(format_args!("cannot lock {}", path.display()))
                    .because(std::io::Error::from(errno))
                    .remedy("keep the state on a local file system"));
            }
        }
        let path = directory.join(STATE_FILE);
        let store = Self { path, evidence: Evidence::of(directory), key: key.clone(), _lock: lock };
        let state = Self::read(directory, key)?;
        Ok((store, state))
    }

    /// Reads the state in a directory that another process may hold.
    pub(super) fn read(directory: &Path, key: &CosignerKey) -> Result<State, Failure> {
        let path = directory.join(STATE_FILE);
        let shown = path.display();
        let bytes = read_bounded(&path, MAX_STATE_BYTES as u64).map_err(|failure| {
            failure.about("the witness's state").remedy(
                "restore the newest state; without it this key must not cosign again: make a new \
                 witness with 'aibom witness init', and have the trust root name that one",
            )
        })?;
        State::parse(&bytes, key).map_err(|error| {
            Failure::cannot(format_args!("the state {shown} is damaged, and is left as it is"))
                .caused_by(&error)
                .remedy(
                    "restore the newest state; an older one would cosign a log that was rolled back",
                )
        })
    }
}

impl Disk for Store {
    fn keep(&mut self, state: &State) -> std::io::Result<()> {
        let bytes = state.to_bytes(&self.key).map_err(std::io::Error::other)?;
        replace_file(&self.path, &bytes, 0o600)
    }

    fn evidence(
        &mut self,
        kind: EvidenceKind,
        cosigned: &str,
        sent: &str,
    ) -> std::io::Result<Kept> {
        self.evidence.keep(kind, cosigned, sent)
    }
}
