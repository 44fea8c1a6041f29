//! One attempt per PIN: a token counts wrong ones, and locks itself.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use keys::{FileStamp, ReadSecretError, SecretFile};
use serde::{Deserialize, Serialize};

/// The longest PIN, in bytes.
pub const MAX_PIN_BYTES: usize = 256;
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

/// Remembers the PIN that a token refused, by the stamp of its file and never by the PIN.
///
/// A refused PIN is offered again only when its file changed: inode, length or time of change.
#[derive(Debug, Default)]
pub struct PinGuard {
    state_file: Option<PathBuf>,
    refused: Mutex<Option<Refused>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    pin_file: FileStamp,
    reason: String,
}

impl PinGuard {
    /// A guard. With a state file, in a directory that exists, it remembers across restarts.
    #[must_use]
    pub const fn new(state_file: Option<PathBuf>) -> Self {
        Self { state_file, refused: Mutex::new(None) }
    }

    /// The PIN in `path`, unless the token refused it before.
    pub(crate) fn pin(&self, path: &Path) -> Result<SecretFile, PinError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let refused = match refused {
            Some(refused) => Some(refused),
            None => self.remembered()?,
        };
        let secret = keys::read_secret(path, MAX_PIN_BYTES)?;
        match refused.filter(|refused| refused.pin_file == secret.stamp) {
            Some(Refused { reason, .. }) => {
                Err(PinError::Refused { path: path.to_owned(), reason })
            }
            None => Ok(secret),
        }
    }

    /// The token did not take the PIN of that stamp.
    pub(crate) fn refuse(&self, pin_file: FileStamp, reason: &str) {
        let refused = Refused { pin_file, reason: reason.to_owned() };
        if let Some(path) = &self.state_file {
            let written = serde_json::to_string(&refused)
                .map_err(std::io::Error::from)
                .and_then(|text| keys::write_secret(path, &text));
            if let Err(error) = written {
                tracing::error!(path = %path.display(), %error,
                    "cannot record that the PIN was refused: a restart would try it once more");
            }
        }
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refused);
    }

    /// The token took the PIN.
    pub(crate) fn accept(&self) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(path) = &self.state_file {
            // A record that stays names another stamp, and harms nobody.
            let _ = std::fs::remove_file(path);
        }
    }

    fn remembered(&self) -> Result<Option<Refused>, PinError> {
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

#[cfg(test)]
mod tests;
