//! Where the signer's private keys are: a directory of files, or a PKCS#11 token.

use std::path::{Path, PathBuf};

use ::keys::{FileKey, PublicKey, SigningKey as _};
use evidence::KeyUse;

use super::files;
use crate::{certs::make_private, failure::Failure, token};

/// The store's name within a mesh's directory.
pub(crate) const KEYS_DIRECTORY: &str = "keys";
/// How the name of a key file ends.
const KEY_SUFFIX: &str = ".key.pem";
/// The most files of a directory that are looked at; the signer looks at no more either.
const MAX_FILES: usize = 1_024;

/// A store of signing keys. Which of them is used for what, and when, the trust root says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Store {
    /// PKCS#8 PEM files, mode 0600, with the file of the passphrase that they are encrypted with.
    Directory(PathBuf, Option<PathBuf>),
    /// A PKCS#11 token, by its RFC 7512 URI.
    Token(String),
}

/// Reads `DIR` or `pkcs11:…`. The text of a URI is not repeated: it may hold a PIN after all.
pub(crate) fn parse(text: &str) -> Result<Store, Failure> {
    if text.is_empty() {
        return Err(Failure::cannot("a store is a directory or a pkcs11: URI"));
    }
    let Some(uri) = text.strip_prefix("pkcs11:") else {
        return Ok(Store::Directory(PathBuf::from(text), None));
    };
    // RFC 7512 section 2.4.
    if uri.split(['?', '&']).any(|attribute| attribute.starts_with("pin-value")) {
        return Err(Failure::cannot("the PKCS#11 URI has a pin-value")
            .because("everybody on this machine can read a command line")
            .remedy("put the PIN into a file of mode 0600 and name it with pin-source=file:…"));
    }
    Ok(Store::Token(text.to_owned()))
}

impl std::fmt::Display for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(path, _) => path.display().fmt(f),
            Self::Token(uri) => f.write_str(uri),
        }
    }
}

impl Store {
    /// The one in a mesh's directory.
    pub(crate) fn below(directory: &Path) -> Self {
        Self::Directory(directory.join(KEYS_DIRECTORY), None)
    }

    /// Where a new key for that use is made in a mesh's directory: a policy key beside the root key,
    /// not where the signer looks.
    pub(crate) fn of(directory: &Path, usage: KeyUse) -> Self {
        match usage {
            KeyUse::Policy => Self::Directory(directory.to_owned(), None),
            KeyUse::Aibom | KeyUse::Model | KeyUse::Layout => Self::below(directory),
        }
    }

    /// The same, with its keys encrypted; a token encrypts its own.
    pub(crate) fn encrypted(self, passphrase: Option<&Path>) -> Self {
        match (self, passphrase) {
            (Self::Directory(path, None), Some(file)) => Self::Directory(path, Some(file.into())),
            (store, _) => store,
        }
    }

    /// Whether it can be there: a token is asked when it is used.
    pub(crate) fn may_exist(&self) -> bool {
        match self {
            Self::Directory(path, _) => path.is_dir(),
            Self::Token(_) => true,
        }
    }

    /// Makes a key for that use; it never leaves the store.
    pub(crate) fn make(&self, usage: KeyUse) -> Result<PublicKey, Failure> {
        match self {
            Self::Directory(path, passphrase) => make_file(path, passphrase.as_deref(), usage),
            Self::Token(uri) => {
                // A label of its own, so that a URI can name each of them (object=…).
                let id = u32::from_be_bytes(files::random()?);
                token::generate(uri, usage.algorithm(), &format!("aibom-{usage}-{id:08x}"))
            }
        }
    }

    /// The public half of every key in it.
    pub(crate) fn public_keys(&self) -> Result<Vec<PublicKey>, Failure> {
        match self {
            Self::Directory(path, passphrase) => files_of(path, passphrase.as_deref()),
            Self::Token(uri) => token::public_keys(uri),
        }
    }

    /// Makes the token that the URI names, with a PIN for its user from the URI's `pin-source`, and
    /// one for its officer from the file `so_pin`.
    pub(crate) fn initialise(&self, so_pin: &Path) -> Result<(), Failure> {
        match self {
            Self::Directory(..) => Err(Failure::cannot("a directory needs no --token-init")
                .remedy("leave it out, or name a token with --store pkcs11:…")),
            Self::Token(uri) => token::initialise(uri, so_pin),
        }
    }
}

fn make_file(
    directory: &Path,
    passphrase: Option<&Path>,
    usage: KeyUse,
) -> Result<PublicKey, Failure> {
    make_private(directory)?;
    let (pem, key) = files::fresh(usage.algorithm())?;
    let id: String = key.public_key().key_id().to_string().chars().take(8).collect();
    files::write(&directory.join(format!("{usage}-{id}{KEY_SUFFIX}")), &pem, passphrase)?;
    Ok(key.public_key().clone())
}

fn files_of(directory: &Path, passphrase: Option<&Path>) -> Result<Vec<PublicKey>, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::cannot(format_args!("cannot read the key store {}", directory.display()))
            .because(error)
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(cannot)?.take(MAX_FILES) {
        let path = entry.map_err(cannot)?.path();
        if path.to_str().is_some_and(|path| path.ends_with(KEY_SUFFIX)) {
            let key: FileKey = files::load(&path, passphrase)?;
            found.push(key.public_key().clone());
        }
    }
    Ok(found)
}
