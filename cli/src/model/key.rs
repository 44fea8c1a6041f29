//! Where the key comes from that signs a model.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use keys::{FileKey, LoadKeyError, SigningKey};

use crate::failure::Failure;

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
    if passphrase_file.is_some() {
        return Err(Failure::cannot("encrypted key files are not built in yet"));
    }
    match source {
        KeySource::File(path) => Ok(Arc::new(FileKey::load(path).map_err(|error| {
            let remedy = match error {
                LoadKeyError::Format { .. } => {
                    "convert it with 'openssl pkcs8 -topk8 -nocrypt', or make one with \
                     'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'"
                }
                _ => "name a private key that you can read, with --key",
            };
            Failure::cannot("cannot use the key").caused_by(&error).remedy(remedy)
        })?)),
        KeySource::Pkcs11(_) => Err(Failure::cannot("PKCS#11 keys are not built in yet")
            .remedy("name a key file with --key")),
    }
}
