//! What becomes of a trust root when a key is added or revoked: values in, a value out.

use ::keys::{KeyId, PublicKey};
use evidence::{KeyEntry, KeyUse, Revocation, RevokedIdentity, TrustRoot};
use ids::Timestamp;

use crate::failure::Failure;

/// The fewest digits of a key id that name a key.
const MIN_PREFIX: usize = 8;
/// The longest reason, in characters.
const MAX_REASON: usize = 200;

/// A new key for a use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotation {
    /// For what.
    pub(crate) usage: KeyUse,
    /// First instant at which it signs.
    pub(crate) from: Timestamp,
    /// How long the keys before it may still sign, in milliseconds.
    pub(crate) overlap_ms: i64,
    /// How long it holds, in milliseconds.
    pub(crate) lifetime_ms: i64,
}

/// The start of a key's id, as people are shown it.
pub(crate) fn short(key_id: KeyId) -> String {
    key_id.to_string().chars().take(16).collect()
}

/// The start of an entry's key id.
pub(crate) fn short_of(entry: &KeyEntry) -> String {
    entry.key().map_or_else(|| "?".to_owned(), |key| short(key.key_id()))
}

/// Adds the key that `make` makes, and ends the time of those before it; nothing is made when the
/// rotation cannot be.
pub(crate) fn rotate(
    root: &TrustRoot,
    rotation: Rotation,
    at: Timestamp,
    make: impl FnOnce() -> Result<PublicKey, Failure>,
) -> Result<TrustRoot, Failure> {
    let Rotation { usage, from, overlap_ms, lifetime_ms } = rotation;
    if from.since_ms(at) < -::keys::ca::BACKDATE_MS {
        return Err(Failure::refused(format_args!("a key cannot begin in the past, at {from}"))
            .because("what the key before it signed since then would not verify any more")
            .remedy("leave --from out, or name a time to come"));
    }
    let until = from.plus_ms(overlap_ms);
    let mut next = root.clone();
    let others = next.signing_keys.iter_mut();
    for entry in others.filter(|entry| entry.usage == usage && entry.revoked.is_none()) {
        if entry.valid_from >= from {
            let (key, begins) = (short_of(entry), entry.valid_from);
            let what = format!("the {usage} key {key} begins only then, or later: {begins}");
            return Err(Failure::refused(what).remedy("choose a later --from, or revoke that key"));
        }
        entry.valid_until = entry.valid_until.min(until);
    }
    next.signing_keys.push(KeyEntry {
        usage,
        public_key: make()?.to_pem(),
        valid_from: from,
        valid_until: from.plus_ms(lifetime_ms),
        revoked: None,
    });
    Ok(next)
}

fn reason_of(revocation: &Revocation) -> Result<(), Failure> {
    let length = revocation.reason.chars().count();
    let plain = !revocation.reason.chars().any(char::is_control);
    if plain && (1..=MAX_REASON).contains(&length) {
        return Ok(());
    }
    let what = format!("a reason is 1 to {MAX_REASON} characters on one line");
    Err(Failure::cannot(what))
}

/// A revocation may be moved back in time, never forward: what was refused stays refused.
fn not_later(old: Option<&Revocation>, new: &Revocation, what: &str) -> Result<(), Failure> {
    match old {
        Some(old) if old.since <= new.since => {
            let since = old.since;
            Err(Failure::refused(format_args!("{what} is revoked already, since {since}")))
        }
        _ => Ok(()),
    }
}

/// Revokes the signing key whose id begins so.
pub(crate) fn revoke_key(
    root: &TrustRoot,
    prefix: &str,
    revocation: Revocation,
) -> Result<TrustRoot, Failure> {
    reason_of(&revocation)?;
    let hex = prefix.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !hex || !(MIN_PREFIX..=64).contains(&prefix.len()) {
        let what = format!("{prefix:?} names no key: give {MIN_PREFIX} or more digits of its id");
        return Err(Failure::cannot(what).remedy("'aibom keys list' shows the ids"));
    }
    let mut next = root.clone();
    let named = |entry: &&mut KeyEntry| {
        entry.key().is_some_and(|key| key.key_id().to_string().starts_with(prefix))
    };
    let mut found: Vec<_> = next.signing_keys.iter_mut().filter(named).collect();
    match found.as_mut_slice() {
        [entry] => {
            let what = format!("the {} key {}", entry.usage, short_of(entry));
            not_later(entry.revoked.as_ref(), &revocation, &what)?;
            entry.revoked = Some(revocation);
        }
        [] => {
            let what = format!("the trust root names no signing key {prefix}");
            return Err(Failure::refused(what).remedy("'aibom keys list' shows the ids"));
        }
        several => {
            let ids: Vec<_> = several.iter().map(|entry| short_of(entry)).collect();
            return Err(Failure::refused(format_args!("{prefix} names more than one key"))
                .because(ids.join(", "))
                .remedy("give more digits"));
        }
    }
    Ok(next)
}

/// Revokes a mesh identity's key.
pub(crate) fn revoke_identity(
    root: &TrustRoot,
    key: KeyId,
    revocation: Revocation,
) -> Result<TrustRoot, Failure> {
    reason_of(&revocation)?;
    let mut next = root.clone();
    match next.revoked_identities.iter_mut().find(|entry| entry.key == key) {
        Some(entry) => {
            let what = format!("the identity's key {}", short(key));
            not_later(Some(&entry.revoked), &revocation, &what)?;
            entry.revoked = revocation;
        }
        None => next.revoked_identities.push(RevokedIdentity { key, revoked: revocation }),
    }
    Ok(next)
}
