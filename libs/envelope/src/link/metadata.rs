//! The frame around a layout or a link: what was signed, and by whom.

use ids::Sha256Digest;
use keys::{Algorithm, PublicKey, SignError, SigningKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{MAX_METADATA_BYTES, json::Json};

/// The most signatures on one file.
const MAX_SIGNATURES: usize = 64;

/// A signature and the name of its key.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) keyid: String,
    pub(super) sig: Vec<u8>,
}

/// A parsed file; nothing in it is verified yet.
#[derive(Debug)]
pub(super) struct Metadata<T> {
    /// The canonical bytes that the signatures are over.
    pub(super) signed: Vec<u8>,
    pub(super) content: T,
    pub(super) signatures: Vec<Signature>,
}

/// A file as it is on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frame {
    pub(super) signatures: Vec<WireSignature>,
    pub(super) signed: Json,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireSignature {
    pub(super) keyid: String,
    pub(super) sig: String,
}

/// What a `signed` part of this type says of itself.
pub(super) trait Content: DeserializeOwned {
    /// The value of `_type`.
    const KIND: &'static str;

    /// The value of `_type` in the file.
    fn kind(&self) -> &str;
}

impl<T: Content> Metadata<T> {
    /// Reads `{"signed": …, "signatures": […]}`.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, String), String> {
        if bytes.len() > MAX_METADATA_BYTES {
            return Err(format!("{} bytes, the limit is {MAX_METADATA_BYTES}", bytes.len()));
        }
        let kind = T::KIND;
        let frame: Frame = serde_json::from_slice(bytes)
            .map_err(|e| format!("not classic in-toto metadata: {e}"))?;
        let signed = frame.signed.canonical();
        let value = serde_json::to_value(&frame.signed).map_err(|e| e.to_string())?;
        let content: T =
            serde_json::from_value(value).map_err(|e| format!("not an in-toto {kind}: {e}"))?;
        if content.kind() != kind {
            let got: String = content.kind().chars().take(64).collect();
            return Err(format!("the type is {got:?}, expected {kind:?}"));
        }
        if frame.signatures.len() > MAX_SIGNATURES {
            let count = frame.signatures.len();
            return Err(format!("{count} signatures, the limit is {MAX_SIGNATURES}"));
        }
        let signatures: Vec<Signature> = frame
            .signatures
            .into_iter()
            .map(|s| from_hex(&s.sig).map(|sig| Signature { keyid: s.keyid, sig }))
            .collect::<Option<_>>()
            .ok_or("a signature is not hexadecimal")?;
        let detail = format!("{} signatures", signatures.len());
        Ok((Self { signed, content, signatures }, detail))
    }
}

pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why metadata could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The content has a fraction or another thing that the format cannot hold.
    #[error("cannot be written as in-toto metadata: {0}")]
    Content(#[from] serde_json::Error),
    /// The key could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The key's own signature does not verify: a fault in the backend, caught before release.
    #[error("the signature just made does not verify: {0}")]
    SelfCheck(#[from] keys::SignatureInvalid),
}

/// A public key as layouts hold it, with its in-toto key id (securesystemslib: SHA-256 of the
/// canonical key).
#[must_use]
pub fn functionary_key(key: &PublicKey) -> (String, Value) {
    let (keytype, scheme) = match key.algorithm() {
        Algorithm::Ed25519 => ("ed25519", "ed25519"),
        Algorithm::EcdsaP256Sha256 => ("ecdsa", "ecdsa-sha2-nistp256"),
    };
    let public = key.ed25519_bytes().map_or_else(|| key.to_pem(), |bytes| to_hex(&bytes));
    let text = |text: &str| Json::Text(text.to_owned());
    let keyval = Json::Object([("public".to_owned(), text(&public))].into());
    let named = Json::Object(
        [
            ("keytype".to_owned(), text(keytype)),
            ("scheme".to_owned(), text(scheme)),
            ("keyval".to_owned(), keyval),
        ]
        .into(),
    );
    let keyid = Sha256Digest::of(&named.canonical()).to_hex();
    let value = json!({
        "keyid": keyid, "keytype": keytype, "scheme": scheme, "keyval": { "public": public },
    });
    (keyid, value)
}

/// Signs a layout or link and gives the whole file.
///
/// # Errors
/// When the content has fractions, or the key cannot sign.
pub fn sign_metadata(signed: &Value, key: &dyn SigningKey) -> Result<Vec<u8>, MetadataError> {
    let content: Json = serde_json::from_value(signed.clone())?;
    let message = content.canonical();
    let sig = key.sign(&message)?;
    key.public_key().verify(&message, &sig)?;
    let (keyid, _) = functionary_key(key.public_key());
    Ok(write_file(content, &keyid, &sig)?)
}

/// The one spelling of a file with one signature: members in order, no white space.
pub(super) fn write_file(
    signed: Json,
    keyid: &str,
    sig: &[u8],
) -> Result<Vec<u8>, serde_json::Error> {
    let signature = WireSignature { keyid: keyid.to_owned(), sig: to_hex(sig) };
    serde_json::to_vec(&Frame { signatures: vec![signature], signed })
}
