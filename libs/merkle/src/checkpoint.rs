//! C2SP tlog-checkpoint over C2SP signed-note, Ed25519 only: a log's signed tree head.
//!
//! Stricter than the specification where it leaves room: no extension lines, at most
//! [`MAX_NOTE_BYTES`] and [`MAX_SIGNATURES`], and every line of the wanted key must verify.

mod cosignature;
mod key;
mod note;
mod policy;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use ids::Sha256Digest;

pub use cosignature::cosign;
pub use key::{COSIGNATURE_V1, CosignerKey, ED25519, KeyError, NoteKey, VerifierKey};
pub use note::{SignatureLine, SignedCheckpoint};
pub use policy::{
    Cosigned, Counts, LogPolicy, LogPolicyError, MAX_NAMED_WITNESSES, MAX_POLICY_BYTES,
    MAX_WITNESSES, PolicyError, PolicyTextError, Witness, Witnessed,
};

/// The longest note that is read, in bytes.
pub const MAX_NOTE_BYTES: usize = 16 * 1024;
/// The most signature lines that a note may have; signed-note asks for at least 16.
pub const MAX_SIGNATURES: usize = 16;
/// The longest origin or key name, in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// A tree head: which log, how many leaves, which root (tlog-checkpoint, "Note text").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity; a line of 1 to [`MAX_NAME_BYTES`] bytes without control characters.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// The RFC 6962 root over them.
    pub root: Sha256Digest,
}

/// Why a checkpoint cannot be written, or a note is not a checkpoint that the key signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Longer than [`MAX_NOTE_BYTES`].
    #[error("{0} bytes, more than the limit of {MAX_NOTE_BYTES}")]
    TooLong(usize),
    /// A control character other than a newline.
    #[error("a control character in the note")]
    ControlCharacter,
    /// No blank line between text and signatures, or no newline at the end.
    #[error("not a text, a blank line and signature lines, each ended by a newline")]
    Frame,
    /// The text is not exactly origin, size and root.
    #[error("the text is not three lines: origin, size and root")]
    Lines,
    /// The origin is empty, too long or has control characters.
    #[error("the origin is not 1 to {MAX_NAME_BYTES} bytes without control characters")]
    Origin,
    /// The size is not a decimal number below 2^64 without leading zeroes.
    #[error("the tree size is not a plain decimal number below 2^64")]
    Size,
    /// The root is not the base64 of 32 bytes.
    #[error("the root hash is not the base64 of 32 bytes")]
    Root,
    /// An empty tree with a root other than the hash of nothing.
    #[error("the tree is empty, but its root is not the hash of nothing")]
    EmptyTreeRoot,
    /// A key name that is empty, too long, or has spaces, `+` or control characters.
    #[error("a key name is 1 to {MAX_NAME_BYTES} bytes without spaces, '+' or control characters")]
    KeyName,
    /// A line after the blank one that is not a signature.
    #[error("signature line {0} is not '\u{2014} <key name> <base64>'")]
    SignatureLine(usize),
    /// More than [`MAX_SIGNATURES`] lines.
    #[error("more than {MAX_SIGNATURES} signature lines")]
    TooManySignatures,
    /// No line with the wanted key's name and id.
    #[error("no signature by the key {0}")]
    NotSigned(String),
    /// A cosignature's time that POSIX time has no room for.
    #[error("the time {0} is above 2^63 - 1 seconds")]
    Time(u64),
    /// A line of the wanted key that does not verify.
    #[error("the signature by the key {0} does not verify")]
    BadSignature(String),
}

impl Checkpoint {
    /// The text that is signed: three lines, each ended by a newline.
    ///
    /// It reads back only if the origin is a legal one; [`sign`] and [`assemble`] check that.
    #[must_use]
    pub fn to_note_body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }
}

/// Signs `checkpoint` and gives the whole note; `key_name` should equal the origin.
///
/// # Errors
/// When the origin or the key name is not a legal one.
pub fn sign(
    checkpoint: &Checkpoint,
    key: &SigningKey,
    key_name: &str,
) -> Result<String, CheckpointError> {
    let verifier =
        VerifierKey::new(key_name, key.verifying_key()).map_err(|_| CheckpointError::KeyName)?;
    let signature = key.sign(checkpoint.to_note_body().as_bytes());
    assemble(checkpoint, &verifier, &signature.to_bytes())
}

/// The whole note from a signature over [`Checkpoint::to_note_body`] that was made elsewhere, such
/// as in an HSM; the signature is checked.
///
/// # Errors
/// When the origin is not a legal one, or the signature is not the key's.
pub fn assemble(
    checkpoint: &Checkpoint,
    key: &VerifierKey,
    signature: &[u8; 64],
) -> Result<String, CheckpointError> {
    let line = note::signature_line(key.name(), &[&key.id()[..], &signature[..]].concat());
    let note = format!("{}\n{line}", checkpoint.to_note_body());
    if verify(&note, key)? == *checkpoint { Ok(note) } else { Err(CheckpointError::Origin) }
}

/// Reads a note and checks the key's signature; the caller compares the origin with the log's.
///
/// # Errors
/// When the note is not of the exact form, or the key did not sign it.
pub fn verify(note: &str, key: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
    SignedCheckpoint::parse(note)?.verify(key)
}

/// Whether `name` can stand in a signature line or a verifier key.
fn is_key_name(name: &str) -> bool {
    is_line(name) && !name.contains(|c: char| c == '+' || c.is_whitespace())
}

/// Whether `text` is a line of legal length without control characters.
fn is_line(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests;
