//! PKCS#11 tokens on the command line: made, filled with keys, and signed with.

use std::{path::Path, sync::Arc};

use ::keys::{
    Algorithm, FindKeyError, KeyStore as _, PublicKey, ReadSecretError, SigningKey, read_secret,
};
use hsm::{InitialiseError, MAX_PIN_BYTES, Token, TokenStore, Uri};

use crate::failure::Failure;

/// A URI as it was typed; its text is not repeated in errors, for it may hold a PIN after all.
fn uri(text: &str) -> Result<Uri, Failure> {
    text.parse().map_err(|error| {
        Failure::cannot("the PKCS#11 URI cannot be used").caused_by(&error).remedy(
            "write it as 'pkcs11:token=LABEL?module-path=/path/to/module.so&pin-source=/path/to/pin'",
        )
    })
}

fn open(text: &str) -> Result<(Uri, Token), Failure> {
    let uri = uri(text)?;
    let token = Token::open(&uri).map_err(|error| {
        Failure::cannot(format_args!("cannot use the token {uri}")).caused_by(&error)
    })?;
    Ok((uri, token))
}

/// Makes a key in the token that can never leave it.
pub(crate) fn generate(
    text: &str,
    algorithm: Algorithm,
    label: &str,
) -> Result<PublicKey, Failure> {
    let (uri, token) = open(text)?;
    token.generate(algorithm, label).map_err(|error| {
        Failure::cannot(format_args!("cannot make a key in {uri}")).caused_by(&error)
    })
}

/// The public half of every key in the token that can sign.
pub(crate) fn public_keys(text: &str) -> Result<Vec<PublicKey>, Failure> {
    let (uri, token) = open(text)?;
    let keys = token.public_keys().map_err(|error| {
        Failure::cannot(format_args!("cannot list the keys of {uri}")).caused_by(&error)
    })?;
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

/// Makes the token that the URI names in the first free slot.
pub(crate) fn initialise(text: &str, so_pin: &Path) -> Result<(), Failure> {
    let uri = uri(text)?;
    let lacks = |what: &str| Failure::cannot(format_args!("the PKCS#11 URI names no {what}"));
    let label = uri.token.as_deref().ok_or_else(|| lacks("token label (token=…)"))?;
    let module = uri.module_path.as_deref().ok_or_else(|| lacks("module (module-path=…)"))?;
    let pin = uri.pin_source.as_deref().ok_or_else(|| lacks("PIN file (pin-source=…)"))?;
    let secret = |error: ReadSecretError| Failure::cannot("cannot read the PIN").caused_by(&error);
    let pin = read_secret(pin, MAX_PIN_BYTES).map_err(secret)?;
    let so_pin = read_secret(so_pin, MAX_PIN_BYTES).map_err(secret)?;
    hsm::initialise(module, uri.slot_id, label, &so_pin.text, &pin.text).map_err(|error| {
        let failure =
            Failure::cannot(format_args!("cannot make the token {label:?}")).caused_by(&error);
        if matches!(error, InitialiseError::Exists { .. }) {
            return failure.remedy("leave --token-init out to use that token");
        }
        failure
    })?;
    Ok(())
}

/// The one P-256 key that the URI names.
pub(crate) fn model_key(text: &str) -> Result<Arc<dyn SigningKey>, Failure> {
    let (uri, token) = open(text)?;
    let keys = token.public_keys().map_err(|error| {
        Failure::cannot(format_args!("cannot list the keys of {uri}")).caused_by(&error)
    })?;
    drop(token);
    let fits = |key: &PublicKey| key.algorithm() == Algorithm::EcdsaP256Sha256;
    let mut fitting = keys.into_iter().filter(|(_, key)| fits(key));
    let (label, key) = match (fitting.next(), fitting.next()) {
        (Some(one), None) => one,
        (None, _) => {
            return Err(Failure::cannot(format_args!("{uri} names no P-256 key")));
        }
        (Some((one, _)), Some((other, _))) => {
            return Err(Failure::cannot(format_args!("{uri} names more than one P-256 key"))
                .because(format_args!("there are {one:?} and {other:?}"))
                .remedy("choose one with object=LABEL"));
        }
    };
    let unusable = |error: &dyn std::error::Error| {
        Failure::cannot(format_args!("the key {label:?} of {uri} cannot be used")).caused_by(error)
    };
    let store = TokenStore::new(uri.clone(), None).map_err(|error| unusable(&error))?;
    store.find(key.key_id()).map_err(|error: FindKeyError| unusable(&error))
}
