//! What a root key signs, and what it does not.

use ::keys::SigningKey;
use evidence::{KeyEntry, TrustRoot};
use ids::Timestamp;

use crate::{failure::Failure, keys::short_of};

/// Whether the next trust root may name another ledger key. It names one: what is in the log of the key
/// before verifies by the root before, and by no later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LedgerKey {
    /// It is the same.
    Stays,
    /// Whoever signs said that another log begins.
    MayChange,
}

/// Signs `next`, which must follow `pinned`: the bytes of the file. Refuses as well what would take
/// back signatures that were good when they were made, which only a revocation may, and a new ledger.
pub(crate) fn sign(
    pinned: Option<&TrustRoot>,
    next: &TrustRoot,
    key: &dyn SigningKey,
    at: Timestamp,
    ledger: LedgerKey,
) -> Result<Vec<u8>, Failure> {
    let refused = || Failure::refused("the trust root is not signed");
    let bytes = next
        .seal(key)
        .map_err(|error| Failure::cannot("cannot sign the trust root").caused_by(&error))?;
    let Some(pinned) = pinned else {
        if next.version != 1 {
            return Err(Failure::cannot(format_args!("version {} follows another", next.version))
                .remedy("name the one that it follows with --pinned"));
        }
        TrustRoot::parse(&bytes).map_err(|error| refused().caused_by(&error))?;
        return Ok(bytes);
    };
    pinned.succeed(&bytes).map_err(|error| refused().caused_by(&error))?;
    if next.version == pinned.version {
        return Err(refused().because("it is the pinned one itself"));
    }
    if let Some(loss) = taken_back(pinned, next, at) {
        return Err(refused().because(loss).remedy(
            "change anew with 'aibom keys rotate', 'keys revoke' or 'trust-root retire-witness'",
        ));
    }
    if ledger == LedgerKey::Stays && pinned.ledger_key != next.ledger_key {
        return Err(refused()
            .because(
                "the ledger key is another: by this root no bundle of before verifies, and \
                 'aibom ledger prove' cannot change that",
            )
            .remedy(
                "keep the pinned root for the bundles of before, and say --new-ledger-key; \
                 docs/runbooks/ledger.md, 'The log has ended'",
            ));
    }
    Ok(bytes)
}

/// A key whose signatures, or cosignatures, would be good no more, in words.
fn taken_back(pinned: &TrustRoot, next: &TrustRoot, at: Timestamp) -> Option<String> {
    dropped_witness(pinned, next).or_else(|| signing_key_taken_back(pinned, next, at))
}

/// A witness that `next` does not name: checkpoints with its cosignature could not be read.
fn dropped_witness(pinned: &TrustRoot, next: &TrustRoot) -> Option<String> {
    let named = |key: &str| next.witnesses.iter().any(|witness| witness.key == key);
    let dropped = pinned.witnesses.iter().find(|witness| !named(&witness.key))?;
    Some(format!("the witness {} is dropped rather than retired", dropped.key))
}

/// A key that may have signed since the time that `next` gives it, in words.
fn signing_key_taken_back(pinned: &TrustRoot, next: &TrustRoot, at: Timestamp) -> Option<String> {
    pinned.signing_keys.iter().find_map(|old| {
        let key = short_of(old);
        let kept = next.signing_keys.iter();
        let mut kept =
            kept.filter(|new| new.usage == old.usage && new.public_key == old.public_key);
        let Some(new) = kept.next() else {
            return Some(format!(
                "the {} key {key} is dropped, and with it what it signed",
                old.usage
            ));
        };
        let revoked = |entry: &KeyEntry| entry.revoked.as_ref().map(|revoked| revoked.since);
        if let (Some(since), later) = (revoked(old), revoked(new))
            && later.is_none_or(|later| since < later)
        {
            return Some(format!(
                "the {} key {key} is revoked since {since} and would be later, or no more",
                old.usage
            ));
        }
        let used_until = old.valid_until.min(at);
        let ends_early = new.valid_until < used_until;
        let begins_late = new.valid_from > old.valid_from && old.valid_from < at;
        (ends_early || begins_late).then(|| {
            format!(
                "the {} key {key} could sign until {used_until}, and would hold only {} to {}",
                old.usage, new.valid_from, new.valid_until
            )
        })
    })
}
