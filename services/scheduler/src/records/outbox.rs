//! Records on their way into the ledger and those that are there; what each commitment stands for;
//! the newest checkpoint; the secret of tags.

use bundle::Inclusion;
use evidence::Document;
use ids::{JobId, Sha256Digest, SpiffeId, Timestamp};
use schedule::{Due, record_key};
use serde::{Deserialize, Serialize};
use store::{Batch, CommitError, Span};

use super::{COMMITTED, LOGGED, META, OUTBOX, RecordError, Records, parse};
use crate::ledger::Head;

const SECRET_KEY: &[u8] = b"tag-secret";
const HEAD_KEY: &[u8] = b"ledger-head";
/// Records of the backlog that are looked at for its length and age.
const BACKLOG_MAX: usize = 10_000;

/// What a commitment stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Committed {
    /// Whose it is.
    pub(crate) owner: SpiffeId,
    /// Which job it is about, where it is about one.
    pub(crate) job: Option<JobId>,
    pub(crate) what: What,
}

/// The document behind a commitment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// A record, with the salt.
    Record {
        document: Document,
        #[serde(with = "envelope::b64")]
        salt: Vec<u8>,
    },
    /// The attestation in the signer's answer of this digest, which has the salt.
    Attestation(Sha256Digest),
}

/// A record that the ledger proved.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoggedRecord {
    pub(crate) document: Document,
    pub(crate) inclusion: Inclusion,
}

/// What is not logged yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// How many, at most [`BACKLOG_MAX`] of them counted.
    pub(crate) count: usize,
    /// When the oldest of them happened.
    pub(crate) oldest: Option<Timestamp>,
}

/// Keys and values of a page.
type Page<T> = Vec<(Vec<u8>, T)>;

fn written<T: Serialize>(table: &'static str, value: &T) -> Result<Vec<u8>, RecordError> {
    serde_json::to_vec(value).map_err(|source| RecordError::Parse {
        table,
        key: String::new(),
        source,
    })
}

/// Adds a record that is due to the commit of what makes it due.
pub(super) fn put_due(batch: Batch, due: &Due) -> Result<Batch, RecordError> {
    Ok(batch.put(OUTBOX, record_key(&due.record), written(OUTBOX, due)?))
}

/// Adds what a commitment stands for.
pub(super) fn put_committed(
    batch: Batch,
    commitment: &Sha256Digest,
    committed: &Committed,
) -> Result<Batch, RecordError> {
    let value = written(COMMITTED, committed)?;
    Ok(batch.put(COMMITTED, commitment.as_bytes().to_vec(), value))
}

impl Records {
    /// Records that are due after `after`, at most `count`.
    pub(crate) fn due(&self, after: &[u8], count: usize) -> Result<Page<Due>, RecordError> {
        let span = if after.is_empty() { Span::all() } else { Span::all().after(after.to_vec()) };
        let page = self.durable.scan(OUTBOX, &span, count)?;
        let parsed = page.into_iter().map(|(key, value)| {
            let due = parse(OUTBOX, &key, &value)?;
            Ok((key, due))
        });
        parsed.collect()
    }

    /// How many records are due under `prefix`, at most `count`.
    pub(crate) fn count_due(&self, prefix: &[u8], count: usize) -> Result<usize, RecordError> {
        Ok(self.durable.scan(OUTBOX, &Span::prefix(prefix.to_vec()), count)?.len())
    }

    /// How much is due, and since when.
    pub(crate) fn backlog(&self) -> Result<Backlog, RecordError> {
        let mut backlog = Backlog::default();
        for (key, value) in self.durable.scan(OUTBOX, &Span::all(), BACKLOG_MAX)? {
            let due: Due = parse(OUTBOX, &key, &value)?;
            backlog.count += 1;
            backlog.oldest = Some(backlog.oldest.map_or(due.record.at, |at| at.min(due.record.at)));
        }
        Ok(backlog)
    }

    /// Makes a record due unless one under its key is due or logged already; whether it did.
    pub(crate) async fn due_once(&self, due: &Due) -> Result<bool, RecordError> {
        let key = record_key(&due.record);
        let batch = put_due(Batch::new().absent(OUTBOX, key.clone()).absent(LOGGED, key), due)?;
        match self.durable.commit(batch).await {
            Ok(()) => Ok(true),
            Err(CommitError::Exists { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps what a record was sealed to, before anybody else sees it.
    pub(crate) async fn sealed(
        &self,
        due: &Due,
        commitment: &Sha256Digest,
        committed: &Committed,
    ) -> Result<(), RecordError> {
        let batch = put_committed(put_due(Batch::new(), due)?, commitment, committed)?;
        Ok(self.durable.commit(batch).await?)
    }

    /// Keeps the ledger's proof; the record is due no more.
    pub(crate) async fn logged(
        &self,
        key: Vec<u8>,
        record: &LoggedRecord,
    ) -> Result<(), RecordError> {
        let value = written(LOGGED, record)?;
        let batch = Batch::new().delete(OUTBOX, key.clone()).put(LOGGED, key, value);
        Ok(self.durable.commit(batch).await?)
    }

    /// Logged records whose keys begin with one of `prefixes`, after `after`, at most `count`.
    pub(crate) fn logged_under(
        &self,
        prefixes: &[Vec<u8>],
        after: &[u8],
        count: usize,
    ) -> Result<Page<LoggedRecord>, RecordError> {
        let mut found = Vec::new();
        for prefix in prefixes {
            let mut span = Span::prefix(prefix.clone());
            if after.starts_with(prefix) {
                span = span.after(after.to_vec());
            } else if after > prefix.as_slice() {
                continue;
            }
            let left = count.saturating_sub(found.len());
            for (key, value) in self.durable.scan(LOGGED, &span, left)? {
                let record = parse(LOGGED, &key, &value)?;
                found.push((key, record));
            }
        }
        Ok(found)
    }

    /// What a commitment stands for.
    pub(crate) fn committed(
        &self,
        commitment: &Sha256Digest,
    ) -> Result<Option<Committed>, RecordError> {
        let key = commitment.as_bytes();
        let value = self.durable.get(COMMITTED, key)?;
        value.map(|value| parse(COMMITTED, key, &value)).transpose()
    }

    /// The newest checkpoint that the ledger gave.
    pub(crate) fn head(&self) -> Result<Option<Head>, RecordError> {
        let value = self.durable.get(META, HEAD_KEY)?;
        value.map(|value| parse(META, HEAD_KEY, &value)).transpose()
    }

    /// Remembers the newest checkpoint.
    pub(crate) async fn put_head(&self, head: &Head) -> Result<(), RecordError> {
        let batch = Batch::new().put(META, HEAD_KEY, written(META, head)?);
        Ok(self.durable.commit(batch).await?)
    }

    /// The secret of tags, once it was made.
    pub(crate) fn tag_secret(&self) -> Result<Option<[u8; 32]>, RecordError> {
        let Some(value) = self.durable.get(META, SECRET_KEY)? else { return Ok(None) };
        let damaged = || RecordError::Missing { table: META, key: "tag-secret".to_owned() };
        Ok(Some(value.try_into().map_err(|_| damaged())?))
    }

    /// Keeps the secret of tags, which is made once.
    pub(crate) async fn create_tag_secret(&self, secret: &[u8; 32]) -> Result<(), RecordError> {
        let batch = Batch::new().create(META, SECRET_KEY, secret.to_vec());
        Ok(self.durable.commit(batch).await?)
    }
}
