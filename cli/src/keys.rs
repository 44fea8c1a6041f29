//! `aibom keys`: the signer's keys, from their making to their revocation.
//!
//! The trust root says which key is used for what, and when; a store merely holds keys. So a key is
//! exchanged, or revoked, by a new version of the trust root: nothing is started again.

mod arguments;
mod change;
mod draft;
mod files;
mod init;
mod list;
mod store;

use std::path::Path;

use ::keys::{Certificate, KeyId};
use evidence::{KeyUse, Revocation, TrustRoot};
use ids::Timestamp;

pub(crate) use arguments::{KeysCommand, NewKeys, RootKey};
pub(crate) use change::{short, short_of};
pub(crate) use draft::unsigned;
pub(crate) use files::{fresh, load, random};
pub(crate) use init::{
    Begun, KEY_TTL_MS, NewMesh, POLICY_FILE, ROOT_KEY_FILE, WITNESS_KEY_FILE, witness_key_name,
    witness_name,
};
pub(crate) use store::{Store, parse as parse_store};

use crate::{
    certs::{CA_FILE, TRUST_ROOT_FILE, certificates, now},
    failure::{Exit, Failure},
    profile::trust_root,
    terminal::{Style, Terminal},
};
use arguments::{InitArguments, ListArguments, RevokeArguments};
use change::{Rotation, revoke_identity, revoke_key, rotate};
use draft::Draft;
use list::List;

/// Runs `aibom keys`.
pub(crate) fn keys(terminal: &Terminal, command: &KeysCommand) -> Result<Exit, Failure> {
    match command {
        KeysCommand::Init(arguments) => init_keys(terminal, arguments)?,
        KeysCommand::Rotate(arguments) => {
            let dir = &arguments.root.dir;
            let named = arguments.store.as_deref().map(parse_store).transpose()?;
            let policies = arguments.usage == KeyUse::Policy;
            if policies && matches!(named, Some(Store::Token(_))) {
                return Err(Failure::cannot("a policy key is a file, not in a token")
                    .because("the signer's token would hold what decides about the signer's work")
                    .remedy("leave --store out: the key is made beside the root key"));
            }
            let store = named.unwrap_or_else(|| Store::of(dir, arguments.usage));
            if arguments.store.is_none() && !store.may_exist() {
                return Err(Failure::cannot(format_args!("{store} is missing"))
                    .because("the mesh's signing keys are somewhere else")
                    .remedy("name where the signer looks for them, with --store"));
            }
            let rotation = Rotation {
                usage: arguments.usage,
                from: arguments.from,
                overlap_ms: arguments.overlap,
                lifetime_ms: arguments.lifetime.unwrap_or(KEY_TTL_MS),
            };
            let store = store.encrypted(arguments.store_passphrase_file.as_deref());
            let make = || store.make(rotation.usage);
            arguments.root.change(terminal, |root, at| rotate(root, rotation, at, make))?;
            if policies {
                terminal.say(format_args!(
                    "the new policy key is in {store}: sign the policy with it ('aibom policy sign') \
                     once the new trust root is in its place, and before the old key ends"
                ));
            }
        }
        KeysCommand::Revoke(arguments) => revoke(terminal, arguments)?,
        KeysCommand::List(arguments) => list_keys(terminal, arguments)?,
    }
    Ok(Exit::Done)
}

impl RootKey {
    /// Changes the mesh's trust root.
    pub(crate) fn change(
        &self,
        terminal: &Terminal,
        change: impl FnOnce(&TrustRoot, Timestamp) -> Result<TrustRoot, Failure>,
    ) -> Result<(), Failure> {
        let draft = Draft::open(&self.dir)?;
        // Before anything is made: a key that cannot be read changes nothing.
        let passphrase = self.passphrase_file.as_deref();
        let key = self.root_key.as_deref().map(|path| load(path, passphrase)).transpose()?;
        let at = now();
        let changed = change(draft.root(), at)?;
        draft.finish(terminal, changed, at, key.as_ref())
    }
}

fn init_keys(terminal: &Terminal, arguments: &InitArguments) -> Result<(), Failure> {
    let dir = &arguments.dir;
    let ca = certificates(&arguments.ca.clone().unwrap_or_else(|| dir.join(CA_FILE)))?;
    let store = arguments.keys.store(dir)?;
    let mesh = arguments.keys.mesh(dir, &arguments.trust_domain, arguments.environment, &store);
    let root = Begun::new(mesh, &[])?.finish(ca)?;
    report(terminal, dir, &store, &root)
}

/// Says what was made, and what to do with it.
pub(crate) fn report(
    terminal: &Terminal,
    dir: &Path,
    store: &Store,
    root: &TrustRoot,
) -> Result<(), Failure> {
    let domain = &root.trust_domain;
    if terminal.is_json() {
        let keys = List::of(root, root.issued_at, None);
        return terminal.json(&serde_json::json!({
            "directory": dir, "trustDomain": domain, "store": store.to_string(), "keys": keys.keys,
        }));
    }
    let done = terminal.paint(Style::Good, "✓");
    let dir = dir.display();
    terminal
        .line(format_args!("{done} a new mesh {domain} in {dir}; its signing keys in {store}"))?;
    terminal.line(format_args!("  give {dir}/{TRUST_ROOT_FILE} to everybody"))?;
    terminal.line(format_args!("  keep {dir}/*.key.pem secret, and {ROOT_KEY_FILE} off the mesh"))
}

fn revoke(terminal: &Terminal, arguments: &RevokeArguments) -> Result<(), Failure> {
    let revocation = Revocation { since: arguments.since, reason: arguments.reason.clone() };
    if let Some(path) = &arguments.identity {
        let key = |root: &TrustRoot| identity_key(path, root);
        let revoke = |root: &TrustRoot, _| revoke_identity(root, key(root)?, revocation);
        return arguments.root.change(terminal, revoke);
    }
    let key = arguments.key.as_deref().unwrap_or_default();
    let mut policies = false;
    arguments.root.change(terminal, |root, _| {
        let next = revoke_key(root, key, revocation)?;
        let of = |root: &TrustRoot| -> Vec<_> {
            root.signing_keys.iter().filter(|e| e.usage == KeyUse::Policy).cloned().collect()
        };
        policies = of(root) != of(&next);
        Ok(next)
    })?;
    if policies {
        terminal.say(
            "a policy that this key signed does not count from then on: sign it with another key, \
             or nothing is signed and jobs wait",
        );
    }
    Ok(())
}

/// The key of the mesh identity whose certificate (first in the file) is at `path`.
fn identity_key(path: &Path, root: &TrustRoot) -> Result<KeyId, Failure> {
    let leaf = certificates(path)?.into_iter().next().unwrap_or_default();
    let shown = path.display();
    let certificate = Certificate::parse(&leaf).map_err(|error| {
        Failure::refused(format_args!("{shown} names no mesh identity")).caused_by(&error)
    })?;
    let (id, domain) = (certificate.spiffe_id(), &root.trust_domain);
    if !root.admits(id) {
        return Err(Failure::refused(format_args!("{id} is no identity of the mesh {domain}")));
    }
    Ok(certificate.public_key().key_id())
}

fn list_keys(terminal: &Terminal, arguments: &ListArguments) -> Result<(), Failure> {
    let below = arguments.dir.as_deref().map(Store::below).filter(Store::may_exist);
    let named = arguments.store.as_deref().map(parse_store).transpose()?;
    let store = named.or(below);
    let store = store.map(|s| s.encrypted(arguments.store_passphrase_file.as_deref()));
    let path = arguments.dir.as_ref().map(|dir| dir.join(TRUST_ROOT_FILE));
    let path = path.or_else(|| arguments.trust_root.clone()).unwrap_or_default();
    let (root, _) = trust_root(&path)?;
    let held = store.as_ref().map(Store::public_keys).transpose()?;
    List::of(&root, arguments.at, held.as_deref()).print(terminal, store.as_ref())
}

#[cfg(test)]
mod tests;
