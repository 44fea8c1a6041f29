//! Records on their way into the ledger and those that are there; what each commitment stands for;
//! the newest checkpoint; the secret of tags.

use bundle::Inclusion;
use evidence::Document;
use ids::{JobId, Sha256Digest, SpiffeId, Timestamp};
use schedule::Due;
use serde::{Deserialize, Serialize};
use store::{Batch, Span};

use super::{COMMITTED, LOGGED, META, OUTBOX, RecordError, Records, parse};
use crate::ledger::Head;

const SECRET_KEY: &[u8] = b"tag-secret";
/// What the keys of tree heads begin with: one of each log.
const HEAD_KEY: &[u8] = b"ledger-head";
/// Logs whose heads are remembered.
const HEADS_MAX: usize = 1_000;
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
    /// The logged record under this key.
    Logged(#[serde(with = "envelope::b64")] Vec<u8>),
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

/// The newest trust root, or policy, that a record was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Newest {
    number: u64,
    digest: Sha256Digest,
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
    Ok(batch.put(OUTBOX, due.key(), written(OUTBOX, due)?))
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

    /// Makes a record of a trust root or policy due, unless the newest record of `kind` is about the
    /// same `digest`; whether it did. One caller at a time.
    pub(crate) async fn due_anew(
        &self,
        kind: &'static str,
        digest: Sha256Digest,
        due: Due,
    ) -> Result<bool, RecordError> {
        let key = format!("newest-{kind}").into_bytes();
        let value = self.durable.get(META, &key)?;
        let newest: Option<Newest> = value.map(|value| parse(META, &key, &value)).transpose()?;
        if newest.is_some_and(|newest| newest.digest == digest) {
            return Ok(false);
        }
        let number = newest.map_or(1, |newest| newest.number.saturating_add(1));
        let batch = put_due(Batch::new(), &Due { number, ..due })?;
        let batch = batch.put(META, key, written(META, &Newest { number, digest })?);
        self.durable.commit(batch).await?;
        Ok(true)
    }

    /// Keeps a change of a record that is due.
    pub(crate) async fn keep_due(&self, due: &Due) -> Result<(), RecordError> {
        Ok(self.durable.commit(put_due(Batch::new(), due)?).await?)
    }

    /// Keeps what a commitment stands for, unless it is kept already.
    pub(crate) async fn commit_to(
        &self,
        commitment: &Sha256Digest,
        committed: &Committed,
    ) -> Result<(), RecordError> {
        if self.durable.get(COMMITTED, commitment.as_bytes())?.is_some() {
            return Ok(());
        }
        let batch = put_committed(Batch::new(), commitment, committed)?;
        Ok(self.durable.commit(batch).await?)
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

    /// Keeps the ledger's proof; the record is due no more, and its document is kept here alone.
    pub(crate) async fn logged(
        &self,
        due: &Due,
        job: Option<JobId>,
        record: &LoggedRecord,
    ) -> Result<(), RecordError> {
        let (key, value) = (due.key(), written(LOGGED, record)?);
        let commitment = bundle::commitment(&record.inclusion.salt, &record.document.envelope);
        let what = What::Logged(key.clone());
        let committed = Committed { owner: due.owner.clone(), job, what };
        let batch = Batch::new().delete(OUTBOX, key.clone()).put(LOGGED, key, value);
        let batch = put_committed(batch, &commitment, &committed)?;
        Ok(self.durable.commit(batch).await?)
    }

    /// The logged record under that key.
    pub(crate) fn logged_at(&self, key: &[u8]) -> Result<LoggedRecord, RecordError> {
        let missing = || RecordError::Missing { table: LOGGED, key: super::hex(key) };
        let value = self.durable.get(LOGGED, key)?.ok_or_else(missing)?;
        parse(LOGGED, key, &value)
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

    /// The newest checkpoint that was given of each log.
    pub(crate) fn heads(&self) -> Result<Vec<Head>, RecordError> {
        let page = self.durable.scan(META, &Span::prefix(HEAD_KEY.to_vec()), HEADS_MAX)?;
        page.into_iter().map(|(key, value)| parse(META, &key, &value)).collect()
    }

    /// Remembers the newest checkpoint of its log.
    pub(crate) async fn put_head(&self, head: &Head) -> Result<(), RecordError> {
        let log = Sha256Digest::of(head.origin.as_bytes());
        let key = [HEAD_KEY, b"/", log.as_bytes()].concat();
        let batch = Batch::new().put(META, key, written(META, head)?);
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

#[cfg(test)]
mod tests;
