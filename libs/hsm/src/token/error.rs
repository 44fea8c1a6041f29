//! Why a token cannot be used.

use std::path::PathBuf;

use crate::{PinError, Uri, module::CallError};

/// Why a token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The URI does not say enough, or chooses something that cannot sign.
    #[error("the PKCS#11 URI {uri} {reason}")]
    Uri {
        /// The URI.
        uri: Box<Uri>,
        /// What to change.
        reason: &'static str,
    },
    /// The module cannot be loaded or initialised.
    #[error("the PKCS#11 module {path} cannot be used: {source}")]
    Module {
        /// Which module.
        path: PathBuf,
        /// What it said.
        source: CallError,
    },
    /// No token fits the URI.
    #[error("no token fits {uri}; the module has: {present}")]
    NoToken {
        /// The URI.
        uri: Box<Uri>,
        /// The labels of the tokens that are there.
        present: String,
    },
    /// Several tokens fit the URI.
    #[error("several tokens fit {uri}: {present}; add token, serial or slot-id")]
    Ambiguous {
        /// The URI.
        uri: Box<Uri>,
        /// The labels of the tokens that fit.
        present: String,
    },
    /// There is no PIN to try.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The token is locked, or the next wrong PIN would lock it.
    #[error(
        "the token {token:?} {state}, and no PIN is tried: log in once by hand with the right PIN, \
         or have the security officer set a new one"
    )]
    PinLow {
        /// The token's label.
        token: String,
        /// Its state.
        state: &'static str,
    },
    /// A call failed.
    #[error("the token {token:?}: {source}")]
    Call {
        /// The token's label.
        token: String,
        /// What was answered.
        source: CallError,
    },
}
