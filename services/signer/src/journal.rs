//! The journal on disk: one record for each signed job, never changed.
//!
//! AIBoM, envelope and signatures can be larger than one batch of the store: they are kept in
//! pieces, by digest, and are durable before the record that names them.

use bundle::SALT_BYTES;
use ids::{JobId, Sha256Digest, Timestamp, canonical};
use serde::{Deserialize, Serialize};
use store::{Batch, CommitError, Durable, Span};

use crate::attest::{Creation, Journal, JournalError, Record, RequestKey};

/// Job (text) to record.
const JOBS: &str = "jobs";
/// SHA-256 and number (4 bytes, big-endian) to a piece of bytes.
const PIECES: &str = "pieces";
/// Request key to the job (text) that it was signed as.
const REQUESTS: &str = "requests";
/// The tables of the store.
pub(crate) const TABLES: &[&str] = &[JOBS, PIECES, REQUESTS];

/// The longest piece, in bytes.
const PIECE_BYTES: usize = 4 * 1024 * 1024;
/// The most pieces of one document: 64 MiB.
const PIECES_MAX: usize = 16;
/// The longest signatures beside an attestation, in bytes.
const MAX_SIGNATURES_BYTES: usize = PIECES_MAX * PIECE_BYTES;
/// The longest record, in bytes.
const MAX_RECORD_BYTES: usize = 4 * 1024;
/// The value of a record's `schema`.
const SCHEMA: &str = "aibom.signer-record.v2";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Stored {
    schema: String,
    set_digest: Sha256Digest,
    aibom: Sha256Digest,
    attestation: Sha256Digest,
    signatures: Sha256Digest,
    policy: Sha256Digest,
    salt: Sha256Digest,
    signed_at: Timestamp,
}

/// The journal over a store.
#[derive(Debug)]
pub(crate) struct DurableJournal {
    store: Durable,
}

impl DurableJournal {
    pub(crate) const fn new(store: Durable) -> Self {
        Self { store }
    }

    fn bytes(&self, job: JobId, digest: Sha256Digest) -> Result<Vec<u8>, JournalError> {
        let pieces = self.store.scan(PIECES, &Span::prefix(*digest.as_bytes()), PIECES_MAX)?;
        let bytes = pieces.into_iter().flat_map(|(_, piece)| piece).collect::<Vec<u8>>();
        if Sha256Digest::of(&bytes) == digest {
            return Ok(bytes);
        }
        Err(JournalError::Damaged { job, detail: format!("the bytes of {digest} were changed") })
    }
}

impl DurableJournal {
    /// The job that `request` was signed as.
    fn signed_as(&self, job: JobId, request: RequestKey) -> Result<Creation, JournalError> {
        let damaged = |detail: &str| JournalError::Damaged { job, detail: detail.to_owned() };
        let bytes = self.store.get(REQUESTS, request.as_bytes())?;
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let id = text.and_then(|text| text.parse().ok());
        id.map(Creation::RequestTaken).ok_or_else(|| damaged("its request names no job"))
    }
}

/// Key and content of each piece of `bytes`, whose digest is `digest`.
fn pieces(digest: Sha256Digest, bytes: &[u8]) -> impl Iterator<Item = (Vec<u8>, &[u8])> {
    (0_u32..).zip(bytes.chunks(PIECE_BYTES)).map(move |(number, piece)| {
        ([&digest.as_bytes()[..], &number.to_be_bytes()].concat(), piece)
    })
}

fn write_error(error: CommitError) -> JournalError {
    match error {
        full @ CommitError::Full { .. } => JournalError::Full(full),
        other => JournalError::Write(other),
    }
}

impl Journal for DurableJournal {
    fn find(&self, job: JobId) -> Result<Option<Record>, JournalError> {
        let Some(bytes) = self.store.get(JOBS, job.to_string().as_bytes())? else {
            return Ok(None);
        };
        let damaged = |detail: String| JournalError::Damaged { job, detail };
        let stored: Stored = canonical::from_slice(&bytes, MAX_RECORD_BYTES)
            .map_err(|error| damaged(error.to_string()))?;
        if stored.schema != SCHEMA {
            return Err(damaged(format!("the schema is {:?}", stored.schema)));
        }
        Ok(Some(Record {
            set_digest: stored.set_digest,
            aibom: self.bytes(job, stored.aibom)?,
            attestation: self.bytes(job, stored.attestation)?,
            signatures: canonical::from_slice(
                &self.bytes(job, stored.signatures)?,
                MAX_SIGNATURES_BYTES,
            )
            .map_err(|error| damaged(error.to_string()))?,
            policy: self.bytes(job, stored.policy)?,
            salt: *stored.salt.as_bytes(),
            signed_at: stored.signed_at,
        }))
    }

    fn create(
        &self,
        job: JobId,
        request: RequestKey,
        record: &Record,
    ) -> Result<Creation, JournalError> {
        const { assert!(SALT_BYTES == 32, "a salt is kept as a digest is") };
        let unwritable =
            |error: canonical::Error| JournalError::Damaged { job, detail: error.to_string() };
        let signatures_bytes = canonical::rewrite(&record.signatures).map_err(unwritable)?;
        let [aibom, attestation, signatures] =
            [&record.aibom, &record.attestation, &signatures_bytes].map(|b| Sha256Digest::of(b));
        let policy = Sha256Digest::of(&record.policy);
        let all = pieces(aibom, &record.aibom)
            .chain(pieces(policy, &record.policy))
            .chain(pieces(attestation, &record.attestation))
            .chain(pieces(signatures, &signatures_bytes));
        let mut batch = Batch::new();
        for (key, piece) in all {
            // Most answers fit one batch with their record, and so cost one sync of the disk.
            if batch.bytes().saturating_add(piece.len()) > PIECE_BYTES && !batch.is_empty() {
                let full = std::mem::take(&mut batch);
                self.store.commit_blocking(full).map_err(write_error)?;
            }
            batch = batch.put(PIECES, key, piece);
        }
        let stored = Stored {
            schema: SCHEMA.to_owned(),
            set_digest: record.set_digest,
            aibom,
            attestation,
            signatures,
            policy,
            salt: Sha256Digest::from_bytes(record.salt),
            signed_at: record.signed_at,
        };
        let bytes = canonical::to_vec(&stored).map_err(unwritable)?;
        let id = job.to_string();
        let batch = batch.create(JOBS, id.clone(), bytes).create(REQUESTS, *request.as_bytes(), id);
        match self.store.commit_blocking(batch) {
            Ok(()) => Ok(Creation::Done),
            Err(CommitError::Exists { table: REQUESTS, .. }) => self.signed_as(job, request),
            Err(CommitError::Exists { .. }) => Ok(Creation::JobTaken),
            Err(error) => Err(write_error(error)),
        }
    }
}

#[cfg(test)]
mod tests;
