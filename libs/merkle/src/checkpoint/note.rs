//! The strict reader of signed notes whose text is a checkpoint.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signature;
use ids::Sha256Digest;

use super::{
    Checkpoint, CheckpointError as Error, MAX_NOTE_BYTES, MAX_SIGNATURES, NoteKey, VerifierKey,
    is_key_name, is_line,
};
use crate::hash::empty_root;

/// What opens a signature line: an em dash and a space.
const MARK: &str = "\u{2014} ";

/// One signature line, of any key and algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    /// The signer's key name.
    pub name: String,
    /// The first four bytes, which with the name tell the key.
    pub key_id: [u8; 4],
    /// What follows them; 64 bytes for Ed25519.
    pub signature: Vec<u8>,
}

/// A note of the right form whose signatures are not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    text: String,
    claim: Checkpoint,
    signatures: Vec<SignatureLine>,
}

impl SignedCheckpoint {
    /// Reads a note.
    ///
    /// # Errors
    /// When the note is not of the exact form.
    pub fn parse(note: &str) -> Result<Self, Error> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(Error::TooLong(note.len()));
        }
        if note.contains(|c: char| c < ' ' && c != '\n') {
            return Err(Error::ControlCharacter);
        }
        let blank = note.rfind("\n\n").ok_or(Error::Frame)?;
        let (text, signatures) = note.split_at(blank + 1);
        let signatures = signatures
            .strip_prefix('\n')
            .and_then(|lines| lines.strip_suffix('\n'))
            .ok_or(Error::Frame)?;
        Ok(Self {
            text: text.to_owned(),
            claim: parse_text(text)?,
            signatures: parse_signatures(signatures)?,
        })
    }

    /// What the note says, before anybody's signature is checked: for finding the right key only.
    #[must_use]
    pub const fn unverified(&self) -> &Checkpoint {
        &self.claim
    }

    /// The signature lines, in order.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// The text that is signed, with its last newline.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The lines of `key`, told by name and id.
    pub(crate) fn lines_of<const TYPE: u8>(
        &self,
        key: &NoteKey<TYPE>,
    ) -> impl Iterator<Item = &SignatureLine> {
        let id = key.id();
        self.signatures.iter().filter(move |line| line.name == key.name() && line.key_id == id)
    }

    /// The checkpoint, once `key`'s signature is checked. Lines of other keys are ignored.
    ///
    /// # Errors
    /// When no line is the key's, or one of its lines does not verify.
    pub fn verify(&self, key: &VerifierKey) -> Result<Checkpoint, Error> {
        let mut lines = self.lines_of(key).peekable();
        if lines.peek().is_none() {
            return Err(Error::NotSigned(key.to_string()));
        }
        for line in lines {
            Signature::from_slice(&line.signature)
                .and_then(|sig| key.public_key().verify_strict(self.text.as_bytes(), &sig))
                .map_err(|_| Error::BadSignature(key.to_string()))?;
        }
        Ok(self.claim.clone())
    }
}

/// One signature line, with its newline; `payload` is key id and signature.
pub(super) fn signature_line(name: &str, payload: &[u8]) -> String {
    format!("{MARK}{name} {}\n", STANDARD.encode(payload))
}

fn parse_text(text: &str) -> Result<Checkpoint, Error> {
    let lines: Vec<&str> = text.split('\n').take(5).collect();
    let [origin, size, root, ""] = lines.as_slice() else {
        return Err(Error::Lines);
    };
    if !is_line(origin) {
        return Err(Error::Origin);
    }
    let plain = size.bytes().all(|b| b.is_ascii_digit());
    if !plain || (size.len() > 1 && size.starts_with('0')) {
        return Err(Error::Size);
    }
    let size = size.parse().map_err(|_| Error::Size)?;
    let root = STANDARD.decode(root).map_err(|_| Error::Root)?;
    let root = Sha256Digest::from_bytes(root.try_into().map_err(|_| Error::Root)?);
    if size == 0 && root != empty_root() {
        return Err(Error::EmptyTreeRoot);
    }
    Ok(Checkpoint { origin: (*origin).to_owned(), size, root })
}

fn parse_signatures(lines: &str) -> Result<Vec<SignatureLine>, Error> {
    let mut signatures = Vec::new();
    for (index, line) in lines.split('\n').enumerate() {
        if index == MAX_SIGNATURES {
            return Err(Error::TooManySignatures);
        }
        signatures.push(parse_signature(line).ok_or(Error::SignatureLine(index + 1))?);
    }
    Ok(signatures)
}

fn parse_signature(line: &str) -> Option<SignatureLine> {
    let (name, payload) = line.strip_prefix(MARK)?.split_once(' ')?;
    let payload = STANDARD.decode(payload).ok()?;
    let (key_id, signature) = payload.split_first_chunk()?;
    if !is_key_name(name) || signature.is_empty() {
        return None;
    }
    Some(SignatureLine { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
}
