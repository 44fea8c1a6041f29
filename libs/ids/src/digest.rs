//! SHA-256 and SHA-512 digests, and the hasher that makes both in one pass over the bytes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// A text that is not a lower-case hexadecimal digest of the right length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {algorithm} digest is {expected} lower-case hex digits, got {got:?}")]
pub struct ParseDigestError {
    algorithm: &'static str,
    expected: usize,
    got: String,
}

macro_rules! digest_type {
    ($name:ident, $len:literal, $algorithm:literal, $sha:ty) => {
        #[doc = concat!("A ", $algorithm, " digest (FIPS 180-4); text form is lower-case hex.")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; $len]);

        impl $name {
            /// The digest of `bytes`.
            #[must_use]
            pub fn of(bytes: &[u8]) -> Self {
                Self(<$sha>::digest(bytes).into())
            }

            /// Wraps raw digest bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The raw digest bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Lower-case hex.
            #[must_use]
            pub fn to_hex(&self) -> String {
                hex::encode(self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let error = || ParseDigestError {
                    algorithm: $algorithm,
                    expected: $len * 2,
                    got: text.chars().take(140).collect(),
                };
                if text.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(error());
                }
                let mut bytes = [0; $len];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| error())?;
                Ok(Self(bytes))
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseDigestError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(digest: $name) -> Self {
                digest.to_hex()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.to_hex())
            }
        }
    };
}

digest_type!(Sha256Digest, 32, "SHA-256", sha2::Sha256);
digest_type!(Sha512Digest, 64, "SHA-512", sha2::Sha512);

/// Both digests of one byte string, as an in-toto `DigestSet` (in-toto attestation v1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    /// The digest that names the bytes everywhere.
    pub sha256: Sha256Digest,
    /// The second digest, for consumers that ask for it (BSI TR-03183-2).
    pub sha512: Sha512Digest,
}

impl Digests {
    /// Both digests of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { sha256: Sha256Digest::of(bytes), sha512: Sha512Digest::of(bytes) }
    }
}

/// Hashes a stream once for both digests and counts its bytes.
#[derive(Clone, Default)]
pub struct Hasher {
    sha256: sha2::Sha256,
    sha512: sha2::Sha512,
    length: u64,
}

impl Hasher {
    /// A hasher of no bytes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sha512.update(bytes);
        self.length = self.length.saturating_add(bytes.len() as u64);
    }

    /// How many bytes went in.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The digests of everything that went in.
    #[must_use]
    pub fn finish(self) -> Digests {
        Digests {
            sha256: Sha256Digest(self.sha256.finalize().into()),
            sha512: Sha512Digest(self.sha512.finalize().into()),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("length", &self.length).finish_non_exhaustive()
    }
}
