//! One attempt per PIN, and few more when no answer came: a token counts wrong ones, and locks itself.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use keys::{FileStamp, ReadSecretError, SecretFile};
use serde::{Deserialize, Serialize};

/// The longest PIN, in bytes.
pub const MAX_PIN_BYTES: usize = 256;
/// How often a PIN is offered without an answer, in number: the module hung or crashed in `C_Login`,
/// and the token may have counted a wrong PIN each time. One attempt more heals a passing fault.
pub const MAX_UNANSWERED: u32 = 3;
/// The longest state file, in bytes.
const MAX_STATE_BYTES: u64 = 4 * 1024;

/// Why there is no PIN to try.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The PIN file cannot be used.
    #[error("the PIN: {0}")]
    Read(#[from] ReadSecretError),
    /// The token refused this PIN before.
    #[error(
        "the token refused the PIN in {path} ({reason}), and it is not tried again: write the \
         right PIN into that file"
    )]
    Refused {
        /// The PIN file.
        path: PathBuf,
        /// What the token answered.
        reason: String,
    },
    /// The token did not say what it thinks of this PIN.
    #[error(
        "the PKCS#11 module hung or crashed {MAX_UNANSWERED} times while it logged in with the PIN \
         in {path}, and it is not tried again: log in by hand, and when that works, touch {path}"
    )]
    Unanswered {
        /// The PIN file.
        path: PathBuf,
    },
    /// The attempt cannot be counted, so it is not made.
    #[error("cannot write {path}, which counts the attempts with the PIN ({reason})")]
    Count {
        /// The state file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Whether the PIN was refused before cannot be said.
    #[error(
        "cannot read {path}, which says whether the PIN was refused before ({reason}): delete it \
         when the PIN is right"
    )]
    State {
        /// The state file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Remembers what became of a PIN, by the stamp of its file and never by the PIN.
///
/// An attempt is written down before it is made, and struck out when the token took the PIN or
/// answered something else about it. A refused PIN, and one that got no answer [`MAX_UNANSWERED`]
/// times, is offered again only when its file changed: inode, length or time of change.
#[derive(Debug, Default)]
pub struct PinGuard {
    state_file: Option<PathBuf>,
    tried: Mutex<Option<Tried>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tried {
    pin_file: FileStamp,
    outcome: Outcome,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// What the token answered.
    Refused(String),
    /// How often no answer came, in number.
    Unanswered(u32),
}

impl PinGuard {
    /// A guard. With a state file, in a directory that exists, it remembers across restarts.
    #[must_use]
    pub const fn new(state_file: Option<PathBuf>) -> Self {
        Self { state_file, tried: Mutex::new(None) }
    }

    /// The PIN in `path`, unless it is not to be tried again.
    pub(crate) fn pin(&self, path: &Path) -> Result<SecretFile, PinError> {
        let tried = self.tried()?;
        let secret = keys::read_secret(path, MAX_PIN_BYTES)?;
        let path = path.to_owned();
        match outcome_of(secret.stamp, tried) {
            Some(Outcome::Refused(reason)) => Err(PinError::Refused { path, reason }),
            Some(Outcome::Unanswered(times)) if times >= MAX_UNANSWERED => {
                Err(PinError::Unanswered { path })
            }
            _ => Ok(secret),
        }
    }

    /// The PIN of that stamp is about to be tried. Until the token answers, it has not.
    pub(crate) fn attempt(&self, pin_file: FileStamp) -> Result<(), PinError> {
        let before = match outcome_of(pin_file, self.tried()?) {
            Some(Outcome::Unanswered(times)) => times,
            _ => 0,
        };
        let outcome = Outcome::Unanswered(before.saturating_add(1));
        self.record(Tried { pin_file, outcome })
    }

    /// The token did not take the PIN of that stamp.
    pub(crate) fn refuse(&self, pin_file: FileStamp, reason: &str) {
        let outcome = Outcome::Refused(reason.to_owned());
        if let Err(error) = self.record(Tried { pin_file, outcome }) {
            tracing::error!(%error, "a restart would try the PIN that was refused once more");
        }
    }

    /// The token answered, and did not refuse the PIN.
    pub(crate) fn forget(&self) {
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(path) = &self.state_file
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(path = %path.display(), %error,
                "cannot strike out an attempt that was answered");
        }
    }

    fn record(&self, tried: Tried) -> Result<(), PinError> {
        let written = self.state_file.as_ref().map_or(Ok(()), |path| {
            serde_json::to_string(&tried)
                .map_err(std::io::Error::from)
                .and_then(|text| keys::write_secret(path, &text))
                .map_err(|error| PinError::Count { path: path.clone(), reason: error.to_string() })
        });
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = Some(tried);
        written
    }

    fn tried(&self) -> Result<Option<Tried>, PinError> {
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tried.map_or_else(|| self.remembered(), |tried| Ok(Some(tried)))
    }

    fn remembered(&self) -> Result<Option<Tried>, PinError> {
        let Some(path) = &self.state_file else { return Ok(None) };
        let unreadable = |reason: String| Err(PinError::State { path: path.to_owned(), reason });
        let mut text = String::new();
        match std::fs::File::open(path) {
            Ok(file) => match file.take(MAX_STATE_BYTES).read_to_string(&mut text) {
                Ok(_) => serde_json::from_str(&text)
                    .map(Some)
                    .or_else(|error| unreadable(error.to_string())),
                Err(error) => unreadable(error.to_string()),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => unreadable(error.to_string()),
        }
    }
}

fn outcome_of(pin_file: FileStamp, tried: Option<Tried>) -> Option<Outcome> {
    tried.filter(|tried| tried.pin_file == pin_file).map(|tried| tried.outcome)
}

#[cfg(test)]
mod tests;
