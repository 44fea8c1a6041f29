//! Keys in PKCS#11 tokens, and the process of their own in which the module runs.
//!
//! [`TokenStore`] is a [`keys::KeyStore`] over a token named by a [`Uri`]; [`Token`] is one open
//! token, for administration. A module that hangs or crashes takes its process with it, so a
//! service does not open a token itself: an agent does, in a process of its own.

pub mod agent;
mod module;
mod objects;
mod pin;
mod point;
mod sign;
mod store;
mod token;
mod uri;
mod watch;

pub use module::CallError;
pub use pin::{MAX_PIN_BYTES, MAX_UNANSWERED, PinError, PinGuard};
pub use store::{MAX_RETRY, StartError, TokenStore};
pub use token::{
    GenerateError, InitialiseError, MAX_LABEL_BYTES, SESSIONS, Token, TokenError, initialise,
};
pub use uri::{MAX_URI_BYTES, ObjectType, Uri, UriError};
