//! What a newer trust root changes, one line each, for whoever signs or pins it.

use std::collections::BTreeMap;

use ::keys::{KeyId, PublicKey};
use evidence::{KeyEntry, KeyUse, Revocation, TrustRoot, WitnessEntry};
use ids::Sha256Digest;

use crate::{
    keys::{short, short_of},
    terminal::clean,
};

/// Every change from `old` to `new`.
pub(crate) fn changes(old: &TrustRoot, new: &TrustRoot) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, old: String, new: String| {
        if old != new {
            found.push(format!("{what}: {old} becomes {new}"));
        }
    };
    differ("version", old.version.to_string(), new.version.to_string());
    differ("trust domain", old.trust_domain.clone(), new.trust_domain.clone());
    let environment = |root: &TrustRoot| format!("{:?}", root.environment).to_lowercase();
    differ("environment", environment(old), environment(new));
    differ("ledger key", old.ledger_key.clone(), new.ledger_key.clone());
    let quorum = |root: &TrustRoot| root.witness_quorum.to_string();
    differ("witness quorum", quorum(old), quorum(new));
    if old.ledger_key != new.ledger_key {
        found
            .push("bundles of before verify only by the older root: another log begins".to_owned());
    }
    lists("witness", &keys_of_witnesses(old), &keys_of_witnesses(new), &mut found);
    retirements(old, new, &mut found);
    lists("root key", &root_keys(old), &root_keys(new), &mut found);
    lists("mesh CA", &mesh_ca(old), &mesh_ca(new), &mut found);
    signing_keys(old, new, &mut found);
    identities(old, new, &mut found);
    found.iter().map(|line| clean(line)).collect()
}

/// The witnesses' keys, with since when they count no more.
pub(super) fn witnesses(root: &TrustRoot) -> Vec<String> {
    let name = |WitnessEntry { key, retired_at }: &WitnessEntry| match retired_at {
        Some(at) => format!("{key} (retired since {at})"),
        None => key.clone(),
    };
    root.witnesses.iter().map(name).collect()
}

fn keys_of_witnesses(root: &TrustRoot) -> Vec<String> {
    root.witnesses.iter().map(|witness| witness.key.clone()).collect()
}

fn retirements(old: &TrustRoot, new: &TrustRoot, found: &mut Vec<String>) {
    for WitnessEntry { key, retired_at } in &new.witnesses {
        let was = old.witnesses.iter().find(|was| was.key == *key).and_then(|was| was.retired_at);
        match (was, retired_at) {
            (None, Some(at)) => found.push(format!(
                "witness {key} is retired since {at}: what it cosigned later counts no more"
            )),
            (Some(_), None) => found.push(format!("witness {key} counts again")),
            (Some(was), Some(at)) if was != *at => {
                found.push(format!("witness {key} is retired since {at}, not since {was}"))
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

/// The ids of the root keys.
pub(super) fn root_keys(root: &TrustRoot) -> Vec<String> {
    let ids = root.root_keys.iter().filter_map(|pem| PublicKey::from_pem(pem).ok());
    ids.map(|key| key.key_id().to_string()).collect()
}

/// The fingerprints of the mesh CA's certificates.
pub(super) fn mesh_ca(root: &TrustRoot) -> Vec<String> {
    root.mesh_ca.iter().map(|der| Sha256Digest::of(der).to_string()).collect()
}

fn lists(what: &str, old: &[String], new: &[String], found: &mut Vec<String>) {
    let added = new.iter().filter(|id| !old.contains(id));
    found.extend(added.map(|id| format!("{what} {id} is new")));
    let dropped = old.iter().filter(|id| !new.contains(id));
    found.extend(dropped.map(|id| format!("{what} {id} is dropped")));
}

fn by_key(root: &TrustRoot) -> BTreeMap<(KeyUse, &str), &KeyEntry> {
    root.signing_keys.iter().map(|key| ((key.usage, key.public_key.as_str()), key)).collect()
}

fn signing_keys(old: &TrustRoot, new: &TrustRoot, found: &mut Vec<String>) {
    let (before, after) = (by_key(old), by_key(new));
    for (id, entry) in &after {
        let name = format!("{} key {}", entry.usage, short_of(entry));
        let (from, until) = (entry.valid_from, entry.valid_until);
        let was = before.get(id);
        match was {
            None => found.push(format!("{name} is new: it signs {from} to {until}")),
            Some(was) if (was.valid_from, was.valid_until) != (from, until) => {
                let (old_from, old_until) = (was.valid_from, was.valid_until);
                found
                    .push(format!("{name} signs {from} to {until}, not {old_from} to {old_until}"));
            }
            Some(_) => {}
        }
        let was = was.and_then(|was| was.revoked.as_ref());
        revocation(&name, was, entry.revoked.as_ref(), found);
    }
    for (_, entry) in before.iter().filter(|(id, _)| !after.contains_key(id)) {
        let name = format!("{} key {}", entry.usage, short_of(entry));
        found.push(format!("{name} is dropped: nothing that it signed verifies any more"));
    }
}

fn identities(old: &TrustRoot, new: &TrustRoot, found: &mut Vec<String>) {
    let revoked = |root: &TrustRoot| -> BTreeMap<KeyId, Revocation> {
        root.revoked_identities.iter().map(|entry| (entry.key, entry.revoked.clone())).collect()
    };
    let (before, after) = (revoked(old), revoked(new));
    let mut keys: Vec<_> = before.keys().chain(after.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let name = format!("identity {}", short(*key));
        revocation(&name, before.get(key), after.get(key), found);
    }
}

fn revocation(
    name: &str,
    old: Option<&Revocation>,
    new: Option<&Revocation>,
    found: &mut Vec<String>,
) {
    match (old, new) {
        (old, new) if old == new => {}
        (_, Some(Revocation { since, reason })) => {
            found.push(format!("{name} is revoked since {since}: {reason}"));
        }
        (_, None) => found.push(format!("{name} is revoked no more")),
    }
}
