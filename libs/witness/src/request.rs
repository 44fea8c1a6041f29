//! The body of `add-checkpoint` (C2SP tlog-witness, "add-checkpoint"): an old size, a consistency
//! proof from it, and the checkpoint that it leads to.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ids::Sha256Digest;
use merkle::{
    SignedCheckpoint,
    checkpoint::{CheckpointError, MAX_NOTE_BYTES},
};

/// The most lines of proof that a client may send.
pub const MAX_PROOF_LINES: usize = 63;
/// The base64 of a hash, and its newline.
const PROOF_LINE_BYTES: usize = 45;
/// `old `, twenty digits, a newline, and the empty line.
const HEAD_BYTES: usize = 26;
/// The longest body, in bytes.
pub const MAX_REQUEST_BYTES: usize =
    HEAD_BYTES + MAX_PROOF_LINES * PROOF_LINE_BYTES + MAX_NOTE_BYTES;

/// Why a body is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// Longer than [`MAX_REQUEST_BYTES`].
    #[error("{0} bytes, more than the limit of {MAX_REQUEST_BYTES}")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("not UTF-8 text")]
    NoText,
    /// No empty line between the proof and the checkpoint.
    #[error("no empty line between proof and checkpoint")]
    Frame,
    /// The first line is not `old <size>`.
    #[error("the first line is not 'old ' and a plain decimal number below 2^64")]
    OldSize,
    /// More than [`MAX_PROOF_LINES`].
    #[error("more than {MAX_PROOF_LINES} lines of proof")]
    ProofTooLong,
    /// A line of the proof that is no hash.
    #[error("line {0} of the proof is not the base64 of 32 bytes")]
    ProofLine(usize),
    /// What follows the empty line is no checkpoint.
    #[error("not a checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The old size is larger than the checkpoint's.
    #[error("the old size {old} is larger than the checkpoint's, {size}")]
    OldLarger {
        /// The old size claimed, in leaves.
        old: u64,
        /// The size of the checkpoint, in leaves.
        size: u64,
    },
}

/// A request of the right form; nobody's signature is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The size that the client thinks was cosigned last, in leaves.
    pub old: u64,
    /// The consistency proof from that size to the checkpoint's (RFC 6962, section 2.1.2).
    pub proof: Vec<Sha256Digest>,
    /// The checkpoint, as it was sent.
    pub note: String,
    pub(crate) checkpoint: SignedCheckpoint,
}

impl Request {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is not of the exact form, or beyond a bound.
    pub fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        if body.len() > MAX_REQUEST_BYTES {
            return Err(BadRequest::TooLong(body.len()));
        }
        let text = std::str::from_utf8(body).map_err(|_| BadRequest::NoText)?;
        let (head, note) = text.split_once("\n\n").ok_or(BadRequest::Frame)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = old.and_then(plain_decimal).ok_or(BadRequest::OldSize)?;
        let mut proof = Vec::new();
        for (index, line) in lines.enumerate() {
            if index == MAX_PROOF_LINES {
                return Err(BadRequest::ProofTooLong);
            }
            let hash = STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
            let hash = hash.ok_or(BadRequest::ProofLine(index + 1))?;
            proof.push(Sha256Digest::from_bytes(hash));
        }
        let checkpoint = SignedCheckpoint::parse(note)?;
        let size = checkpoint.unverified().size;
        if old > size {
            return Err(BadRequest::OldLarger { old, size });
        }
        Ok(Self { old, proof, note: note.to_owned(), checkpoint })
    }

    /// The body that it is read from.
    #[must_use]
    pub fn to_body(&self) -> String {
        request_body(self.old, &self.proof, &self.note)
    }

    /// Whose checkpoint it claims to be: for finding the log's keys and state only.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.checkpoint.unverified().origin
    }
}

/// The body that asks to cosign `note` (a signed checkpoint), with the `proof` from `old` to it.
#[must_use]
pub fn request_body(old: u64, proof: &[Sha256Digest], note: &str) -> String {
    let mut body = format!("old {old}\n");
    for hash in proof {
        // Writing to a String does not fail.
        let _ = writeln!(body, "{}", STANDARD.encode(hash.as_bytes()));
    }
    body + "\n" + note
}

/// A decimal number below 2^64 without leading zeroes.
pub(crate) fn plain_decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}
