//! An open token: its module initialised, its slot chosen, its user logged in.

mod administration;
mod error;
mod select;

use std::path::PathBuf;

use cryptoki::{
    error::{Error, RvError},
    session::{Session, UserType},
    slot::{Slot, TokenInfo},
    types::AuthPin,
};
use keys::PublicKey;

use crate::{
    ObjectType, PinError, PinGuard, Uri,
    module::{CallError, CallKind, Module},
    objects,
};

pub use administration::{GenerateError, InitialiseError, MAX_LABEL_BYTES, initialise};
pub use error::TokenError;
use select::select;

/// How many sessions a token is opened with, so how many signatures it makes at a time.
pub const SESSIONS: usize = 4;

/// A token that its user is logged in to. One at a time per module and process.
#[derive(Debug)]
pub struct Token {
    // Sessions are closed before the module is finalised: fields drop in this order.
    pub(crate) sessions: Vec<Session>,
    slot: Slot,
    label: String,
    uri: Uri,
    module: Module,
}

impl Token {
    /// Opens the token that `uri` names and logs in with the PIN of its `pin-source`, once.
    ///
    /// # Errors
    /// When the module, the token or the PIN cannot be used.
    pub fn open(uri: &Uri) -> Result<Self, TokenError> {
        Self::open_guarded(uri, &PinGuard::new(None))
    }

    /// As [`Token::open`], trying no PIN that the guard knows to be refused, or never answered.
    ///
    /// # Errors
    /// When the module, the token or the PIN cannot be used.
    pub fn open_guarded(uri: &Uri, guard: &PinGuard) -> Result<Self, TokenError> {
        Self::open_watched(uri, guard, || {})
    }

    /// As [`Token::open_guarded`]; calls `step` between the steps that may hang.
    pub(crate) fn open_watched(
        uri: &Uri,
        guard: &PinGuard,
        step: impl Fn(),
    ) -> Result<Self, TokenError> {
        let incomplete = |reason| TokenError::Uri { uri: Box::new(uri.clone()), reason };
        let (path, pin_source) = check(uri).map_err(incomplete)?;
        let pin = guard.pin(&pin_source)?;
        let module = Module::initialise(&path)
            .map_err(|source| TokenError::Module { path: path.clone(), source })?;
        step();
        let (slot, info) = select(&module, uri)?;
        let label = info.label().to_owned();
        if let Some(state) = pin_state(&info) {
            return Err(TokenError::PinLow { token: label, state });
        }
        let call =
            |error| TokenError::Call { token: label.clone(), source: CallError::from(error) };
        step();
        let first = module.pkcs11.open_ro_session(slot).map_err(call)?;
        step();
        guard.attempt(pin.stamp)?;
        match first.login(UserType::User, Some(&AuthPin::from(pin.text.as_str()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => guard.forget(),
            Err(error) => {
                let source = CallError::from(error);
                if source.kind == CallKind::Pin {
                    guard.refuse(pin.stamp, &source.to_string());
                    let reason = source.to_string();
                    return Err(PinError::Refused { path: pin_source, reason }.into());
                }
                guard.forget();
                return Err(TokenError::Call { token: label, source });
            }
        }
        let mut sessions = vec![first];
        while sessions.len() < SESSIONS {
            step();
            match module.pkcs11.open_ro_session(slot) {
                Ok(session) => sessions.push(session),
                // A token with few sessions signs with those that it has.
                Err(Error::Pkcs11(RvError::SessionCount, _)) => break,
                Err(error) => return Err(call(error)),
            }
        }
        Ok(Self { sessions, slot, label, uri: uri.clone(), module })
    }

    /// The keys in the token that we can sign with: their labels and public halves.
    ///
    /// # Errors
    /// When the token does not answer.
    pub fn public_keys(&self) -> Result<Vec<(String, PublicKey)>, TokenError> {
        let session = self.session()?;
        let halves = objects::public_keys(session, &self.uri).map_err(|e| self.failed(e))?;
        Ok(halves.into_iter().map(|half| (half.label, half.key)).collect())
    }

    fn session(&self) -> Result<&Session, TokenError> {
        self.sessions.first().ok_or_else(|| self.failed(CallError::lost("it has no session")))
    }

    fn failed(&self, source: impl Into<CallError>) -> TokenError {
        TokenError::Call { token: self.label.clone(), source: source.into() }
    }
}

/// The paths of the module and of the PIN; an error says what the URI lacks.
pub(crate) fn check(uri: &Uri) -> Result<(PathBuf, PathBuf), &'static str> {
    if uri.object_type.is_some_and(|object_type| object_type != ObjectType::Private) {
        return Err("must choose private keys: write type=private or leave it away");
    }
    let module = uri.module_path.clone().ok_or("names no module: add module-path=/path/to/it")?;
    let pin = uri.pin_source.clone().ok_or("names no PIN file: add pin-source=/path/to/it")?;
    Ok((module, pin))
}

fn pin_state(info: &TokenInfo) -> Option<&'static str> {
    if info.user_pin_locked() {
        Some("has locked its user PIN")
    } else if info.user_pin_final_try() {
        Some("has one attempt left for its user PIN")
    } else {
        None
    }
}
