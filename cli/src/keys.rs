//! `aibom keys`: the signer's keys, from their making to their revocation.
//!
//! The trust root says which key is used for what, and when; a store merely holds keys. So a key is
//! exchanged, or revoked, by a new version of the trust root: nothing is started again.

mod change;
mod draft;
mod files;
mod init;
mod list;
mod store;

use std::path::{Path, PathBuf};

use ::keys::{Certificate, KeyId};
use clap::{Args, Subcommand};
use evidence::{KeyUse, Revocation, TrustRoot};
use ids::Timestamp;

pub(crate) use change::{short, short_of};
pub(crate) use draft::unsigned;
pub(crate) use files::{load, random};
pub(crate) use init::{Begun, KEY_TTL_MS, NewMesh, ROOT_KEY_FILE, instant};
pub(crate) use store::{Store, parse as parse_store};

use crate::{
    certs::{CA_FILE, RootKind, TRUST_ROOT_FILE, certificates, milliseconds, now},
    failure::{Exit, Failure},
    profile::trust_root,
    terminal::{Style, Terminal},
};
use change::{Rotation, revoke_identity, revoke_key, rotate};
use draft::Draft;
use list::List;

const INIT_EXAMPLES: &str = "\
Examples:
  aibom keys init --dir mesh-certs --trust-domain ai.example.org --ca corporate-ca.pem
  aibom keys init --dir mesh-certs --store 'pkcs11:token=aibom?module-path=/usr/lib/p11.so&pin-source=file:/etc/aibom/pin'

'aibom certs init' does the same and makes a CA as well. It writes:
  keys/             the signer's keys for AIBoMs, models and layouts, unless --store names a token
  root.key.pem      the root key: signs the trust root; take it off this machine
  ledger.key.pem    signs checkpoints; only the ledger needs it
  trust-root.json   what verifiers pin; give it to everybody";

const ROTATE_EXAMPLES: &str = "\
Examples:
  aibom keys rotate --dir mesh-certs --use aibom
                                          then sign trust-root.next.json where the root key is
  aibom keys rotate --dir mesh-certs --use model --from 2027-01-31T08:00:00Z --overlap 1d
  aibom keys rotate --dir .aibom/certs --use aibom --root-key .aibom/certs/root.key.pem

The running signer takes the new key as soon as the new trust root is in its place. What the old
key signed in its time still verifies. Changes gather in trust-root.next.json until they are signed.";

const REVOKE_EXAMPLES: &str = "\
Examples:
  aibom keys revoke --dir mesh-certs 5f0c1d2e --since 2027-01-31T08:00:00Z --reason 'laptop stolen'
  aibom keys revoke --dir mesh-certs --identity executor-gpu-1.pem --reason 'host broken into'

What the key signed before --since still verifies when the ledger proves that it is that old.
Rotate first: both changes go into the same next trust root.";

/// Makes, exchanges, revokes and lists the signer's keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Makes the signing keys, the root key and the trust root of a mesh that has a CA already.
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArguments),
    /// Makes a new signing key and the next trust root, in which it takes over.
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate(RotateArguments),
    /// Makes the next trust root, in which a key is not believed any more.
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke(RevokeArguments),
    /// Lists the signing keys of a trust root.
    List(ListArguments),
}

/// How the keys of a new mesh are made.
#[derive(Debug, Args)]
pub(crate) struct NewKeys {
    /// Where the signing keys are made: a directory, or a token as pkcs11:token=… [default:
    /// DIR/keys].
    #[arg(long, value_name = "DIR|URI", value_parser = parse_store)]
    store: Option<Store>,
    /// Encrypts the signing keys in a directory with the passphrase in this file.
    #[arg(long, value_name = "FILE")]
    store_passphrase_file: Option<PathBuf>,
    /// Makes the token first; its PIN is read from the URI's pin-source.
    #[arg(long, requires = "so_pin_source")]
    token_init: bool,
    /// The file with the PIN of the token's security officer, for --token-init.
    #[arg(long, value_name = "FILE", requires = "token_init")]
    so_pin_source: Option<PathBuf>,
    /// How long the signing keys hold [default: 1095d].
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    lifetime: Option<i64>,
    /// Encrypts root.key.pem with the passphrase in this file.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl NewKeys {
    /// The store that was named, or the one in the mesh's directory.
    pub(crate) fn store(&self, directory: &Path) -> Store {
        let store = self.store.clone().unwrap_or_else(|| Store::below(directory));
        store.encrypted(self.store_passphrase_file.as_deref())
    }

    /// The mesh to make, with its keys in `store`.
    pub(crate) fn mesh<'a>(
        &'a self,
        directory: &'a Path,
        trust_domain: &'a str,
        environment: RootKind,
        store: &'a Store,
    ) -> NewMesh<'a> {
        NewMesh {
            directory,
            trust_domain,
            environment: environment.into(),
            store,
            token_so_pin: self.so_pin_source.as_deref(),
            lifetime_ms: self.lifetime.unwrap_or(KEY_TTL_MS),
            passphrase: self.passphrase_file.as_deref(),
        }
    }
}

/// Arguments of `keys init`.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Where the files go; made when it does not exist.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The trust domain: the first part of every identity.
    #[arg(long, default_value = "mesh.local", value_name = "NAME")]
    trust_domain: String,
    /// What the trust root says of itself; a test root may vouch for simulated parts.
    #[arg(long, value_enum, default_value_t = RootKind::Production)]
    environment: RootKind,
    /// The root certificates of the mesh CA, PEM [default: DIR/ca.pem].
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    keys: NewKeys,
}

/// With which key the changed root is signed at once.
#[derive(Debug, Args)]
pub(crate) struct RootKey {
    /// The mesh's directory: it holds trust-root.json.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Signs at once and replaces trust-root.json, where the root key is at hand.
    #[arg(long, value_name = "FILE")]
    root_key: Option<PathBuf>,
    /// The passphrase of --root-key.
    #[arg(long, value_name = "FILE", requires = "root_key")]
    passphrase_file: Option<PathBuf>,
}

/// Arguments of `keys rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateArguments {
    #[command(flatten)]
    root: RootKey,
    /// What the new key signs: aibom, model, layout.
    #[arg(long = "use", value_name = "USE", value_parser = usage)]
    usage: KeyUse,
    /// When it takes over: now, or a time in UTC such as 2027-01-31T08:00:00Z.
    #[arg(long, default_value = "now", value_name = "TIME", value_parser = instant)]
    from: Timestamp,
    /// How long the key before it may still sign.
    #[arg(long, default_value = "7d", value_name = "TIME", value_parser = milliseconds)]
    overlap: i64,
    /// How long the new key holds [default: 1095d].
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    lifetime: Option<i64>,
    /// Where it is made: a directory, or a token as pkcs11:token=… [default: DIR/keys].
    #[arg(long, value_name = "DIR|URI", value_parser = parse_store)]
    store: Option<Store>,
    /// The passphrase of the keys in a directory, when they are encrypted.
    #[arg(long, value_name = "FILE")]
    store_passphrase_file: Option<PathBuf>,
}

/// Arguments of `keys revoke`.
#[derive(Debug, Args)]
pub(crate) struct RevokeArguments {
    #[command(flatten)]
    root: RootKey,
    /// The signing key: 8 or more digits of its id.
    #[arg(value_name = "KEYID", required_unless_present = "identity")]
    key: Option<String>,
    /// Instead of a signing key: the party that this certificate names, PEM.
    #[arg(long, value_name = "CERT", conflicts_with = "key")]
    identity: Option<PathBuf>,
    /// From when on it is not believed: now, or a time in UTC.
    #[arg(long, default_value = "now", value_name = "TIME", value_parser = instant)]
    since: Timestamp,
    /// Why, for whoever reads the refusal.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Arguments of `keys list`.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// The mesh's directory.
    #[arg(long, value_name = "DIR", required_unless_present = "trust_root")]
    dir: Option<PathBuf>,
    /// A trust root alone.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    trust_root: Option<PathBuf>,
    /// Where the keys should be [default: DIR/keys, when it is there].
    #[arg(long, value_name = "DIR|URI", value_parser = parse_store)]
    store: Option<Store>,
    /// The passphrase of the keys in a directory, when they are encrypted.
    #[arg(long, value_name = "FILE")]
    store_passphrase_file: Option<PathBuf>,
    /// The instant that the states are about.
    #[arg(long, default_value = "now", value_name = "TIME", value_parser = instant)]
    at: Timestamp,
}

fn usage(text: &str) -> Result<KeyUse, String> {
    let names = KeyUse::ALL.map(KeyUse::as_str).join(", ");
    let found = KeyUse::ALL.into_iter().find(|usage| usage.as_str() == text);
    found.ok_or_else(|| format!("a key is for one of: {names}"))
}

/// Runs `aibom keys`.
pub(crate) fn keys(terminal: &Terminal, command: &KeysCommand) -> Result<Exit, Failure> {
    match command {
        KeysCommand::Init(arguments) => init_keys(terminal, arguments)?,
        KeysCommand::Rotate(arguments) => {
            let dir = &arguments.root.dir;
            let store = arguments.store.clone().unwrap_or_else(|| Store::below(dir));
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
        }
        KeysCommand::Revoke(arguments) => revoke(terminal, arguments)?,
        KeysCommand::List(arguments) => list_keys(terminal, arguments)?,
    }
    Ok(Exit::Done)
}

impl RootKey {
    /// Changes the mesh's trust root.
    fn change(
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
    let store = arguments.keys.store(dir);
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
    arguments.root.change(terminal, |root, _| revoke_key(root, key, revocation))
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
    let store = arguments.store.clone().or(below);
    let store = store.map(|s| s.encrypted(arguments.store_passphrase_file.as_deref()));
    let path = arguments.dir.as_ref().map(|dir| dir.join(TRUST_ROOT_FILE));
    let path = path.or_else(|| arguments.trust_root.clone()).unwrap_or_default();
    let (root, _) = trust_root(&path)?;
    let held = store.as_ref().map(Store::public_keys).transpose()?;
    List::of(&root, arguments.at, held.as_deref()).print(terminal, store.as_ref())
}

#[cfg(test)]
mod tests;
