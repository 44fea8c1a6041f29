//! Where the signing keys are.

use std::path::PathBuf;

use serde::Deserialize;

/// Where the signing keys are: in a directory, or in a PKCS#11 token. Which of them is used for
/// what, the trust root says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Wire")]
pub enum KeysConfig {
    /// `*.key.pem` files, PKCS#8, readable by their owner only. For development.
    Directory {
        /// Where they are.
        directory: PathBuf,
        /// What holds the passphrase of those that are encrypted.
        passphrase_file: Option<PathBuf>,
    },
    /// A token of a hardware security module.
    Pkcs11 {
        /// RFC 7512 URI with `module-path` and `pin-source`.
        uri: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    directory: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    pkcs11: Option<String>,
}

impl TryFrom<Wire> for KeysConfig {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        match wire {
            Wire { directory: Some(directory), passphrase_file, pkcs11: None } => {
                Ok(Self::Directory { directory, passphrase_file })
            }
            Wire { directory: None, passphrase_file: None, pkcs11: Some(uri) } => {
                Ok(Self::Pkcs11 { uri })
            }
            Wire { directory: None, passphrase_file: Some(_), .. } => {
                Err("keys.passphrase_file goes with keys.directory".to_owned())
            }
            Wire { .. } => Err("keys has exactly one of directory and pkcs11".to_owned()),
        }
    }
}
