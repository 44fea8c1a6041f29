//! Where the key comes from that signs a model.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use ::keys::SigningKey;

use crate::{failure::Failure, keys::load, token};

/// What `--key` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeySource {
    /// A PKCS#8 PEM file.
    File(PathBuf),
    /// A key in a token, by its RFC 7512 URI.
    Pkcs11(String),
}

impl FromStr for KeySource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let is_uri = text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("pkcs11:"));
        Ok(if is_uri { Self::Pkcs11(text.to_owned()) } else { Self::File(text.into()) })
    }
}

/// The key that `source` names.
pub(super) fn signing_key(
    source: &KeySource,
    passphrase_file: Option<&Path>,
) -> Result<Arc<dyn SigningKey>, Failure> {
    match source {
        KeySource::File(path) => {
            let key = load(path, passphrase_file).map_err(|failure| {
                failure.remedy(
                    "name a PKCS#8 PEM key of mode 0600 with --key, and its passphrase, if it has \
                     one, with --passphrase-file; make one with 'openssl genpkey -algorithm EC \
                     -pkeyopt ec_paramgen_curve:P-256'",
                )
            })?;
            Ok(Arc::new(key))
        }
        KeySource::Pkcs11(uri) => token::model_key(uri),
    }
}
