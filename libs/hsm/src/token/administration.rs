//! What is done to a token once: giving it PINs, and generating keys inside it.

use std::path::{Path, PathBuf};

use cryptoki::{
    mechanism::Mechanism,
    object::{Attribute, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};
use keys::{Algorithm, PublicKey};

use super::{Token, TokenError, select::MAX_SLOTS};
use crate::{
    Uri,
    module::{CallError, Module},
    objects::{self, FindFailure},
    point,
};

/// The longest label of a key, in bytes; a token's has 32 (`CK_TOKEN_INFO`).
pub const MAX_LABEL_BYTES: usize = 64;
const MAX_TOKEN_LABEL_BYTES: usize = 32;

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The label cannot be one.
    #[error("{label:?} is no label: take 1 to {MAX_LABEL_BYTES} bytes without control characters")]
    Label {
        /// What was given.
        label: String,
    },
    /// The token did not make the key.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token made a key that is not kept as was asked. It was removed.
    #[error("the token {token:?} made a key that is not kept as asked: {reason}")]
    Unfit {
        /// The token's label.
        token: String,
        /// What is wrong with the key.
        reason: String,
    },
}

fn is_label(label: &str, max: usize) -> bool {
    !label.is_empty() && label.len() <= max && !label.chars().any(char::is_control)
}

impl Token {
    /// Generates a key pair inside the token. Its private half signs, does nothing else, and can
    /// never leave the token; both halves get the key id as `CKA_ID`.
    ///
    /// # Errors
    /// When the label cannot be one, or the token does not make such a key.
    pub fn generate(&self, algorithm: Algorithm, label: &str) -> Result<PublicKey, GenerateError> {
        if !is_label(label, MAX_LABEL_BYTES) {
            return Err(GenerateError::Label { label: label.to_owned() });
        }
        let failed = |error| self.failed(error);
        let session = self.module.pkcs11.open_rw_session(self.slot).map_err(failed)?;
        let mechanism = match algorithm {
            Algorithm::Ed25519 => Mechanism::EccEdwardsKeyPairGen,
            Algorithm::EcdsaP256Sha256 => Mechanism::EccKeyPairGen,
        };
        let label = Attribute::Label(label.as_bytes().to_vec());
        let public = [
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::EcParams(point::params(algorithm).to_vec()),
            label.clone(),
        ];
        let private = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Decrypt(false),
            Attribute::Unwrap(false),
            Attribute::Derive(false),
            label,
        ];
        let pair = session.generate_key_pair(&mechanism, &public, &private).map_err(failed)?;
        self.finish(&session, pair).inspect_err(|_| {
            for half in [pair.0, pair.1] {
                if let Err(error) = session.destroy_object(half) {
                    let error = CallError::from(error);
                    tracing::warn!(%error, "half of a key pair that is not used stays in the token");
                }
            }
        })
    }

    fn finish(
        &self,
        session: &Session,
        (public, private): (ObjectHandle, ObjectHandle),
    ) -> Result<PublicKey, GenerateError> {
        let unfit = |reason| GenerateError::Unfit { token: self.label.clone(), reason };
        let half = objects::public_half(session, public).map_err(|error| self.failed(error))?;
        let key = half.ok_or_else(|| unfit("its public half cannot be read".to_owned()))?.key;
        let id = [Attribute::Id(key.key_id().as_bytes().to_vec())];
        for object in [public, private] {
            session.update_attributes(object, &id).map_err(|error| self.failed(error))?;
        }
        match objects::find(session, &Uri::default(), key.key_id()) {
            Ok(found) => Ok(found.public),
            Err(FindFailure::Call(error)) => Err(self.failed(error).into()),
            Err(FindFailure::Unfit(reason)) => Err(unfit(reason)),
            Err(FindFailure::Missing) => Err(unfit("its two halves do not belong".to_owned())),
        }
    }
}

/// Why a token was not initialised.
#[derive(Debug, thiserror::Error)]
pub enum InitialiseError {
    /// The label cannot be one.
    #[error("{label:?} is no token label: take 1 to 32 bytes without control characters")]
    Label {
        /// What was given.
        label: String,
    },
    /// There is no slot to put the token in.
    #[error("the module {module} has no slot with an empty token")]
    NoSlot {
        /// Which module.
        module: PathBuf,
    },
    /// A token has that label: with a second one, the label would choose neither.
    #[error(
        "the module {module} has a token {label:?} already: use it as it is, or remove it with the \
         vendor's tool"
    )]
    Exists {
        /// Which module.
        module: PathBuf,
        /// The label.
        label: String,
    },
    /// The slot's token is in use: initialising it would destroy its keys.
    #[error(
        "slot {slot} holds the token {label:?}, whose keys would be destroyed: it is left as is"
    )]
    Occupied {
        /// Which slot.
        slot: u64,
        /// Its token's label.
        label: String,
    },
    /// The module refused.
    #[error("the module {module}: {source}")]
    Call {
        /// Which module.
        module: PathBuf,
        /// What was answered.
        source: CallError,
    },
}

/// Makes a token in `slot`, or in the first slot whose token is empty, with a security officer's
/// and a user's PIN. The URI that comes back names it by label and serial number.
///
/// # Errors
/// When a token has that label already, there is no such slot, its token holds something, or the
/// module refuses.
pub fn initialise(
    module: &Path,
    slot: Option<u64>,
    label: &str,
    so_pin: &str,
    pin: &str,
) -> Result<Uri, InitialiseError> {
    if !is_label(label, MAX_TOKEN_LABEL_BYTES) {
        return Err(InitialiseError::Label { label: label.to_owned() });
    }
    let failed = |source| InitialiseError::Call { module: module.to_owned(), source };
    let opened = Module::initialise(module).map_err(failed)?;
    let slot = empty_slot(&opened, module, slot, label)?;
    let make = || -> Result<Uri, cryptoki::error::Error> {
        let pkcs11 = &opened.pkcs11;
        pkcs11.init_token(slot, &AuthPin::from(so_pin), label)?;
        let session = pkcs11.open_rw_session(slot)?;
        session.login(UserType::So, Some(&AuthPin::from(so_pin)))?;
        session.init_pin(&AuthPin::from(pin))?;
        session.logout()?;
        let serial = pkcs11.get_token_info(slot)?.serial_number().to_owned();
        Ok(Uri {
            token: Some(label.to_owned()),
            serial: Some(serial).filter(|serial| !serial.is_empty()),
            module_path: Some(module.to_owned()),
            ..Uri::default()
        })
    };
    make().map_err(|error| failed(error.into()))
}

fn empty_slot(
    opened: &Module,
    module: &Path,
    wanted: Option<u64>,
    label: &str,
) -> Result<Slot, InitialiseError> {
    let failed =
        |error| InitialiseError::Call { module: module.to_owned(), source: CallError::from(error) };
    let slots = opened.pkcs11.get_slots_with_token().map_err(failed)?;
    let mut empty = None;
    for slot in slots.into_iter().take(MAX_SLOTS) {
        let info = opened.pkcs11.get_token_info(slot).map_err(failed)?;
        let fits = wanted.is_none_or(|wanted| wanted == slot.id());
        if !info.token_initialized() {
            empty = if fits { empty.or(Some(slot)) } else { empty };
        } else if info.label() == label {
            let module = module.to_owned();
            return Err(InitialiseError::Exists { module, label: label.to_owned() });
        } else if let Some(slot) = wanted.filter(|_| fits) {
            let label = info.label().to_owned();
            return Err(InitialiseError::Occupied { slot, label });
        }
    }
    empty.ok_or_else(|| InitialiseError::NoSlot { module: module.to_owned() })
}
