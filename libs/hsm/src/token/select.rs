//! Which of a module's slots holds the token that a URI names.

use cryptoki::{
    error::{Error, RvError},
    slot::{Slot, TokenInfo},
};

use super::TokenError;
use crate::{
    Uri,
    module::{CallError, Module},
};

/// The most slots that are looked at.
pub(super) const MAX_SLOTS: usize = 256;

fn fits(uri: &Uri, slot: Slot, info: &TokenInfo) -> bool {
    let same = |wanted: &Option<String>, held: &str| wanted.as_deref().is_none_or(|it| it == held);
    info.token_initialized()
        && same(&uri.token, info.label())
        && same(&uri.manufacturer, info.manufacturer_id())
        && same(&uri.serial, info.serial_number())
        && same(&uri.model, info.model())
        && uri.slot_id.is_none_or(|slot_id| slot_id == slot.id())
}

/// The one slot whose token fits the URI.
pub(super) fn select(module: &Module, uri: &Uri) -> Result<(Slot, TokenInfo), TokenError> {
    let failed = |error| TokenError::Call {
        token: uri.token.clone().unwrap_or_default(),
        source: CallError::from(error),
    };
    let mut present = Vec::new();
    let mut fitting = Vec::new();
    let slots = module.pkcs11.get_slots_with_token().map_err(failed)?;
    for slot in slots.into_iter().take(MAX_SLOTS) {
        let info = match module.pkcs11.get_token_info(slot) {
            Ok(info) => info,
            // It was taken out in between.
            Err(Error::Pkcs11(RvError::TokenNotPresent | RvError::TokenNotRecognized, _)) => {
                continue;
            }
            Err(error) => return Err(failed(error)),
        };
        if info.token_initialized() {
            present.push(info.label().to_owned());
        }
        if fits(uri, slot, &info) {
            fitting.push((slot, info));
        }
    }
    match fitting.pop() {
        None => Err(TokenError::NoToken { uri: Box::new(uri.clone()), present: list(&present) }),
        Some(found) if fitting.is_empty() => Ok(found),
        Some(found) => {
            fitting.push(found);
            let labels: Vec<_> = fitting.iter().map(|(_, info)| info.label().to_owned()).collect();
            Err(TokenError::Ambiguous { uri: Box::new(uri.clone()), present: list(&labels) })
        }
    }
}

fn list(labels: &[String]) -> String {
    if labels.is_empty() {
        return "no initialised token".to_owned();
    }
    labels.iter().map(|label| format!("{label:?}")).collect::<Vec<_>>().join(", ")
}
