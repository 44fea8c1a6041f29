//! C2SP tlog-proof: an entry's place, its inclusion proof and the checkpoint, in one text.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ids::Sha256Digest;

use crate::{
    checkpoint::{CheckpointError, MAX_NOTE_BYTES, SignedCheckpoint},
    proof::MAX_PROOF_HASHES,
};

/// The first line (tlog-proof, "Format").
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The most bytes of extra data.
pub const MAX_EXTRA_BYTES: usize = 4096;
/// The longest proof that is read, in bytes: header, extra data, index, 64 hashes, a note.
pub const MAX_TLOG_PROOF_BYTES: usize = 12 * 1024 + MAX_NOTE_BYTES;

/// Why a text is not a proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// Longer than [`MAX_TLOG_PROOF_BYTES`].
    #[error("{0} bytes, more than the limit of {MAX_TLOG_PROOF_BYTES}")]
    TooLong(usize),
    /// Another first line.
    #[error("the first line is not {HEADER:?}")]
    Header,
    /// Extra data that are not base64, or too many.
    #[error("the extra data are not the base64 of at most {MAX_EXTRA_BYTES} bytes")]
    Extra,
    /// No index line, or a number that is not plain.
    #[error("the index is not a plain decimal number below 2^64")]
    Index,
    /// A line that is no hash, more than a proof has, or no blank line after them.
    #[error("hash line {0} is not the base64 of 32 bytes, or is one too many")]
    Hash(usize),
    /// What follows is no checkpoint.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
}

/// The proof, read but not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Opaque and not authenticated; `None` and empty are not the same.
    pub extra: Option<Vec<u8>>,
    /// The entry's place, from 0.
    pub index: u64,
    /// Sibling hashes, leaf to root.
    pub hashes: Vec<Sha256Digest>,
    /// The signed note that the proof leads to, verbatim.
    pub checkpoint: String,
}

impl TlogProof {
    /// Reads a proof; there is one spelling of each.
    ///
    /// # Errors
    /// The first line that is not of the exact form.
    pub fn parse(text: &str) -> Result<Self, TlogProofError> {
        if text.len() > MAX_TLOG_PROOF_BYTES {
            return Err(TlogProofError::TooLong(text.len()));
        }
        let mut rest = text;
        let mut line = || {
            let (line, after) = rest.split_once('\n')?;
            rest = after;
            Some(line)
        };
        if line() != Some(HEADER) {
            return Err(TlogProofError::Header);
        }
        let mut next = line().ok_or(TlogProofError::Index)?;
        let mut extra = None;
        if let Some(data) = next.strip_prefix("extra ") {
            let data = STANDARD.decode(data).map_err(|_| TlogProofError::Extra)?;
            if data.len() > MAX_EXTRA_BYTES {
                return Err(TlogProofError::Extra);
            }
            extra = Some(data);
            next = line().ok_or(TlogProofError::Index)?;
        }
        let index = next.strip_prefix("index ").and_then(plain).ok_or(TlogProofError::Index)?;
        let mut hashes = Vec::new();
        loop {
            let refused = || TlogProofError::Hash(hashes.len() + 1);
            let next = line().ok_or_else(refused)?;
            if next.is_empty() {
                break;
            }
            if hashes.len() == MAX_PROOF_HASHES {
                return Err(refused());
            }
            let hash = STANDARD.decode(next).ok().and_then(|bytes| bytes.try_into().ok());
            hashes.push(Sha256Digest::from_bytes(hash.ok_or_else(refused)?));
        }
        SignedCheckpoint::parse(rest)?;
        Ok(Self { extra, index, hashes, checkpoint: rest.to_owned() })
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash.as_bytes()))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

/// A decimal number without leading zeroes or signs.
fn plain(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits && (text.len() == 1 || !text.starts_with('0'));
    number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
