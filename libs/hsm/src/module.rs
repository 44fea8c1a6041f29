//! A PKCS#11 module in this process: loaded once, initialised for one user at a time.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
};

/// What a call into the module came to, in the names of the PKCS#11 specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CallError {
    text: String,
    pub(crate) kind: CallKind,
}

/// What to do about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// The PIN was not taken: another attempt may lock the token.
    Pin,
    /// The request itself is refused: it would be again.
    Refused,
    /// Anything else. The token, the session or the login may be gone: open them anew.
    Lost,
}

impl CallError {
    pub(crate) fn lost(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: CallKind::Lost }
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        let Error::Pkcs11(answer, function) = error else {
            return Self { text: error.to_string(), kind: CallKind::Lost };
        };
        Self { text: format!("C_{function:?} answered {}", name(answer)), kind: kind(answer) }
    }
}

fn kind(answer: RvError) -> CallKind {
    match answer {
        RvError::PinIncorrect
        | RvError::PinInvalid
        | RvError::PinLenRange
        | RvError::PinExpired
        | RvError::PinLocked
        | RvError::UserPinNotInitialized => CallKind::Pin,
        RvError::ActionProhibited
        | RvError::AttributeReadOnly
        | RvError::AttributeTypeInvalid
        | RvError::AttributeValueInvalid
        | RvError::CurveNotSupported
        | RvError::DataInvalid
        | RvError::DataLenRange
        | RvError::DomainParamsInvalid
        | RvError::FunctionNotSupported
        | RvError::FunctionRejected
        | RvError::KeyFunctionNotPermitted
        | RvError::KeySizeRange
        | RvError::KeyTypeInconsistent
        | RvError::MechanismInvalid
        | RvError::MechanismParamInvalid
        | RvError::TemplateIncomplete
        | RvError::TemplateInconsistent
        | RvError::TokenWriteProtected => CallKind::Refused,
        _ => CallKind::Lost,
    }
}

/// `CKR_PIN_INCORRECT` of `PinIncorrect`: cryptoki's own texts are paragraphs.
fn name(answer: RvError) -> String {
    match answer {
        RvError::VendorDefined(code) | RvError::UnknownErrorCode(code) => format!("CKR {code:#x}"),
        known => {
            let mut name = String::from("CKR");
            for letter in format!("{known:?}").chars() {
                if letter.is_ascii_uppercase() {
                    name.push('_');
                }
                name.push(letter.to_ascii_uppercase());
            }
            name
        }
    }
}

/// The modules of this process. They stay loaded: some crash when they are unloaded.
static LOADED: Mutex<Vec<Loaded>> = Mutex::new(Vec::new());

struct Loaded {
    path: PathBuf,
    pkcs11: Pkcs11,
    in_use: bool,
}

/// A module between `C_Initialize` and `C_Finalize`; dropping it calls the latter.
///
/// Every session must be closed before. A token that comes back is seen only by a new one.
#[derive(Debug)]
pub(crate) struct Module {
    path: PathBuf,
    pub(crate) pkcs11: Pkcs11,
}

impl Module {
    /// Loads the module at `path` when it is not yet, and initialises it.
    pub(crate) fn initialise(path: &Path) -> Result<Self, CallError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let index = match loaded.iter().position(|entry| entry.path == path) {
            Some(index) => index,
            None => {
                let pkcs11 = Pkcs11::new(path)?;
                loaded.push(Loaded { path: path.to_owned(), pkcs11, in_use: false });
                loaded.len() - 1
            }
        };
        let Some(entry) = loaded.get_mut(index).filter(|entry| !entry.in_use) else {
            // C_Finalize by one user would end the sessions of the other.
            return Err(CallError::lost("the module is in use by another part of this process"));
        };
        match entry.pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // As after a C_Finalize that failed: it works, and the next one may end it.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(error.into()),
        }
        entry.in_use = true;
        Ok(Self { path: path.to_owned(), pkcs11: entry.pkcs11.clone() })
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.pkcs11.clone().finalize() {
            tracing::warn!(error = %CallError::from(error), "the PKCS#11 module did not end well");
        }
        if let Some(entry) = loaded.iter_mut().find(|entry| entry.path == self.path) {
            entry.in_use = false;
        }
    }
}

#[cfg(test)]
mod tests;
