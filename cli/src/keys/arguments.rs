//! What can be asked of `aibom keys`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use evidence::KeyUse;
use ids::Timestamp;

use super::{
    init::{KEY_TTL_MS, NewMesh, instant},
    store::{Store, parse},
};
use crate::{
    certs::{RootKind, milliseconds},
    failure::Failure,
};

const INIT_EXAMPLES: &str = "\
Examples:
  aibom keys init --dir mesh-certs --trust-domain ai.example.org --ca corporate-ca.pem
  aibom keys init --dir mesh-certs --store 'pkcs11:token=aibom?module-path=/usr/lib/p11.so&pin-source=file:/etc/aibom/pin'

'aibom certs init' does the same and makes a CA as well. It writes:
  keys/             the signer's keys for AIBoMs, models and layouts, unless --store names a token
  root.key.pem      the root key: signs the trust root; take it off this machine
  policy.key.pem    signs release policies; take it off this machine, too
  policy.dsse.json  the standard policy, for the signer
  ledger.key.pem    signs checkpoints; only the ledger needs it
  witness.key.pem   cosigns them; only the witness needs it
  trust-root.json   what verifiers pin; give it to everybody";

const ROTATE_EXAMPLES: &str = "\
Examples:
  aibom keys rotate --dir mesh-certs --use aibom
                                          then sign trust-root.next.json where the root key is
  aibom keys rotate --dir mesh-certs --use model --from 2027-01-31T08:00:00Z --overlap 1d
  aibom keys rotate --dir .aibom/certs --use aibom --root-key .aibom/certs/root.key.pem
  aibom keys rotate --dir mesh-certs --use policy
                                          makes mesh-certs/policy-<id>.key.pem: sign the policy anew

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
    #[arg(long, value_name = "DIR|URI")]
    pub(super) store: Option<String>,
    /// Encrypts the signing keys in a directory with the passphrase in this file.
    #[arg(long, value_name = "FILE")]
    pub(super) store_passphrase_file: Option<PathBuf>,
    /// Makes the token first; its PIN is read from the URI's pin-source.
    #[arg(long, requires = "so_pin_source")]
    pub(super) token_init: bool,
    /// The file with the PIN of the token's security officer, for --token-init.
    #[arg(long, value_name = "FILE", requires = "token_init")]
    pub(super) so_pin_source: Option<PathBuf>,
    /// How long the signing keys hold [default: 1095d].
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    pub(super) lifetime: Option<i64>,
    /// Encrypts root.key.pem with the passphrase in this file.
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
}

impl NewKeys {
    /// The store that was named, or the one in the mesh's directory.
    pub(crate) fn store(&self, directory: &Path) -> Result<Store, Failure> {
        let named = self.store.as_deref().map(parse).transpose()?;
        let store = named.unwrap_or_else(|| Store::below(directory));
        Ok(store.encrypted(self.store_passphrase_file.as_deref()))
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
    pub(super) dir: PathBuf,
    /// The trust domain: the first part of every identity.
    #[arg(long, default_value = "mesh.local", value_name = "NAME")]
    pub(super) trust_domain: String,
    /// What the trust root says of itself; a test root may vouch for simulated parts.
    #[arg(long, value_enum, default_value_t = RootKind::Production)]
    pub(super) environment: RootKind,
    /// The root certificates of the mesh CA, PEM [default: DIR/ca.pem].
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    #[command(flatten)]
    pub(super) keys: NewKeys,
}

/// With which key the changed root is signed at once.
#[derive(Debug, Args)]
pub(crate) struct RootKey {
    /// The mesh's directory: it holds trust-root.json.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// Signs at once and replaces trust-root.json, where the root key is at hand.
    #[arg(long, value_name = "FILE")]
    pub(super) root_key: Option<PathBuf>,
    /// The passphrase of --root-key.
    #[arg(long, value_name = "FILE", requires = "root_key")]
    pub(super) passphrase_file: Option<PathBuf>,
}

/// Arguments of `keys rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateArguments {
    #[command(flatten)]
    pub(super) root: RootKey,
    /// What the new key signs: aibom, model, layout, policy.
    #[arg(long = "use", value_name = "USE", value_parser = usage)]
    pub(super) usage: KeyUse,
    /// When it takes over: now, or a time in UTC such as 2027-01-31T08:00:00Z.
    #[arg(long, default_value = "now", value_name = "TIME", value_parser = instant)]
    pub(super) from: Timestamp,
    /// How long the key before it may still sign.
    #[arg(long, default_value = "7d", value_name = "TIME", value_parser = milliseconds)]
    pub(super) overlap: i64,
    /// How long the new key holds [default: 1095d].
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    pub(super) lifetime: Option<i64>,
    /// Where it is made: a directory, or a token as pkcs11:token=… [default: DIR/keys; a policy key:
    /// DIR].
    #[arg(long, value_name = "DIR|URI")]
    pub(super) store: Option<String>,
    /// The passphrase of the keys in a directory, when they are encrypted.
    #[arg(long, value_name = "FILE")]
    pub(super) store_passphrase_file: Option<PathBuf>,
}

/// Arguments of `keys revoke`.
#[derive(Debug, Args)]
pub(crate) struct RevokeArguments {
    #[command(flatten)]
    pub(super) root: RootKey,
    /// The signing key: 8 or more digits of its id.
    #[arg(value_name = "KEYID", required_unless_present = "identity")]
    pub(super) key: Option<String>,
    /// Instead of a signing key: the party that this certificate names, PEM.
    #[arg(long, value_name = "CERT", conflicts_with = "key")]
    pub(super) identity: Option<PathBuf>,
    /// From when on it is not believed: now, or a time in UTC.
    #[arg(long, default_value = "now", value_name = "TIME", value_parser = instant)]
    pub(super) since: Timestamp,
    /// Why, for whoever reads the refusal.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
}

/// Arguments of `keys list`.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// The mesh's directory.
    #[arg(long, value_name = "DIR", required_unless_present = "trust_root")]
    pub(super) dir: Option<PathBuf>,
    /// A trust root alone.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub(super) trust_root: Option<PathBuf>,
    /// Where the keys should be [default: DIR/keys, when it is there].
    #[arg(long, value_name = "DIR|URI")]
    pub(super) store: Option<String>,
    /// The passphrase of the keys in a directory, when they are encrypted.
    #[arg(long, value_name = "FILE")]
    pub(super) store_passphrase_file: Option<PathBuf>,
    /// The instant that the states are about.
    #[arg(long, default_value = "now", value_name = "TIME", value_parser = instant)]
    pub(super) at: Timestamp,
}

fn usage(text: &str) -> Result<KeyUse, String> {
    let names = KeyUse::ALL.map(KeyUse::as_str).join(", ");
    let found = KeyUse::ALL.into_iter().find(|usage| usage.as_str() == text);
    found.ok_or_else(|| format!("a key is for one of: {names}"))
}
