//! What is on disk: jobs, documents, who may read what, logs, advisories, records.

mod advisories;
mod outbox;

use std::path::Path;

pub(crate) use advisories::AdvisoryRecord;
use evidence::{Document, EvidenceSet};
use ids::{FencingToken, JobId, Sha256Digest, SpiffeId};
pub(crate) use outbox::{Committed, LoggedRecord, What};
use schedule::{Documents, Due, JobRecord};
use serde::{Serialize, de::DeserializeOwned};
use store::{Batch, CommitError, Durable, OpenError, ReadError, Span};

pub(crate) const JOBS: &str = "jobs";
const DOCUMENTS: &str = "documents";
const OWNERS: &str = "owners";
const LOGS: &str = "logs";
const TRACES: &str = "traces";
const ADVISORIES: &str = "advisories";
/// Records that are not in the ledger yet.
const OUTBOX: &str = "outbox";
/// Records that are.
const LOGGED: &str = "logged";
/// What each commitment stands for.
const COMMITTED: &str = "committed";
const META: &str = "meta";
const TABLES: &[&str] =
    &[JOBS, DOCUMENTS, OWNERS, LOGS, TRACES, ADVISORIES, OUTBOX, LOGGED, COMMITTED, META];
const TOKEN_KEY: &[u8] = b"next-fencing-token";
/// Records read at a time while starting.
const PAGE: usize = 1_000;

/// A record on disk is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store does not take more.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// A record does not parse.
    #[error("the record {key} of table {table} does not parse")]
    Parse {
        /// Which table.
        table: &'static str,
        /// Which key, as hex.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A record that another names is not there.
    #[error("the record {key} of table {table} is missing")]
    Missing {
        /// Which table.
        table: &'static str,
        /// Which key.
        key: String,
    },
}

/// Whose an artifact is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A user's: they read it.
    User(SpiffeId),
    /// An attempt's, until its job is published: nobody reads it.
    Attempt(JobId, u32),
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Attempt(job, attempt) => write!(f, "attempt:{job}/{attempt}"),
        }
    }
}

/// A write that goes with an event into one commit.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    /// A signed document or a stage's result, under its digest.
    Document(Sha256Digest, Vec<u8>),
    /// `artifact` is `who`'s.
    Owner {
        /// The artifact.
        artifact: Sha256Digest,
        /// Its length in bytes.
        size: u64,
        /// Whose it is.
        who: Owner,
    },
    /// The end of a job's log, and how many bytes came before it.
    Log(JobId, u64, Vec<u8>),
    /// The W3C trace context under which a job was submitted.
    Trace(JobId, String),
    /// A record that the transition makes due.
    Due(Box<Due>),
    /// What a commitment stands for.
    Committed(Sha256Digest, Box<Committed>),
}

impl Write {
    /// What it adds to a commit, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Document(_, bytes) | Self::Log(_, _, bytes) => bytes.len(),
            Self::Owner { .. } => 128,
            Self::Due(_) | Self::Committed(..) => 1_024,
            Self::Trace(_, text) => text.len(),
        }
    }
}

/// The scheduler's durable state.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    durable: Durable,
}

fn owner_key(artifact: &Sha256Digest, who: &Owner) -> Vec<u8> {
    let mut key = artifact.as_bytes().to_vec();
    key.extend_from_slice(who.to_string().as_bytes());
    key
}

fn hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse<T: DeserializeOwned>(
    table: &'static str,
    key: &[u8],
    bytes: &[u8],
) -> Result<T, RecordError> {
    serde_json::from_slice(bytes).map_err(|source| RecordError::Parse {
        table,
        key: hex(key),
        source,
    })
}

/// The digest and bytes under which `value` is kept as a document.
///
/// # Errors
/// When the value cannot be written as JSON.
pub(crate) fn as_document<T: Serialize>(
    value: &T,
) -> Result<(Sha256Digest, Vec<u8>), serde_json::Error> {
    let bytes = serde_json::to_vec(value)?;
    Ok((Sha256Digest::of(&bytes), bytes))
}

impl Records {
    /// Opens the state in `directory`.
    ///
    /// # Errors
    /// When the file is damaged or in use.
    pub(crate) fn open(directory: &Path) -> Result<Self, RecordError> {
        Ok(Self { durable: Durable::open(directory.join("scheduler.redb"), TABLES)? })
    }

    /// Fires when the store failed for good and the process must exit.
    #[must_use]
    pub(crate) fn broken(&self) -> rpc::CancellationToken {
        self.durable.broken()
    }

    /// Every job, and the lowest fencing token that was never given.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub(crate) fn load(&self) -> Result<(Vec<JobRecord>, FencingToken), RecordError> {
        let mut jobs = Vec::new();
        let mut span = Span::all();
        loop {
            let page = self.durable.scan(JOBS, &span, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            span = span.after(last.clone());
            for (key, value) in &page {
                jobs.push(parse(JOBS, key, value)?);
            }
        }
        let token = self.durable.get(META, TOKEN_KEY)?;
        let token = token.and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
        Ok((jobs, token.map_or(1, FencingToken::from_be_bytes)))
    }

    /// Commits records and writes together.
    ///
    /// # Errors
    /// When the store does not take them; then nothing was written.
    pub(crate) async fn commit<'a>(
        &self,
        jobs: impl Iterator<Item = &'a JobRecord>,
        writes: Vec<Write>,
        token: Option<FencingToken>,
    ) -> Result<(), RecordError> {
        let mut batch = Batch::new();
        for record in jobs {
            let value = serde_json::to_vec(record).map_err(|source| RecordError::Parse {
                table: JOBS,
                key: record.id.to_string(),
                source,
            })?;
            batch = batch.put(JOBS, record.id.as_bytes().to_vec(), value);
        }
        for write in writes {
            batch = match write {
                Write::Document(digest, bytes) => {
                    batch.put(DOCUMENTS, digest.as_bytes().to_vec(), bytes)
                }
                Write::Owner { artifact, size, who } => {
                    batch.put(OWNERS, owner_key(&artifact, &who), size.to_be_bytes())
                }
                Write::Log(job, dropped, bytes) => {
                    let value = [&dropped.to_be_bytes()[..], &bytes].concat();
                    batch.put(LOGS, job.as_bytes().to_vec(), value)
                }
                Write::Trace(job, text) => batch.put(TRACES, job.as_bytes().to_vec(), text),
                Write::Due(due) => outbox::put_due(batch, &due)?,
                Write::Committed(commitment, committed) => {
                    outbox::put_committed(batch, &commitment, &committed)?
                }
            };
        }
        if let (Some(token), false) = (token, batch.is_empty()) {
            batch = batch.put(META, TOKEN_KEY, token.to_be_bytes());
        }
        Ok(self.durable.commit(batch).await?)
    }

    /// A document.
    ///
    /// # Errors
    /// When there is none, or it does not parse.
    pub(crate) fn document<T: DeserializeOwned>(
        &self,
        digest: &Sha256Digest,
    ) -> Result<T, RecordError> {
        let missing = || RecordError::Missing { table: DOCUMENTS, key: digest.to_hex() };
        let bytes = self.durable.get(DOCUMENTS, digest.as_bytes())?.ok_or_else(missing)?;
        parse(DOCUMENTS, digest.as_bytes(), &bytes)
    }

    /// The evidence of a job whose scans are done.
    ///
    /// # Errors
    /// When a document is missing.
    pub(crate) fn evidence(&self, documents: &Documents) -> Result<EvidenceSet, RecordError> {
        let one = |name: &str, digest: Option<Sha256Digest>| -> Result<Document, RecordError> {
            let missing = || RecordError::Missing { table: DOCUMENTS, key: name.to_owned() };
            self.document(&digest.ok_or_else(missing)?)
        };
        Ok(EvidenceSet {
            request: one("request", documents.request)?,
            grant: one("grant", documents.grant)?,
            training: one("training", documents.training)?,
            scans: documents.scans.iter().map(|d| self.document(d)).collect::<Result<_, _>>()?,
            submission: one("submission", documents.submission)?,
            release: documents.release.map(|digest| self.document(&digest)).transpose()?,
        })
    }

    /// The length of `artifact` in bytes when it is `who`'s.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn owned(
        &self,
        artifact: &Sha256Digest,
        who: &Owner,
    ) -> Result<Option<u64>, RecordError> {
        let size = self.durable.get(OWNERS, &owner_key(artifact, who))?;
        Ok(size.and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).map(u64::from_be_bytes))
    }

    /// How many bytes came before the end of a job's log, and that end.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn log(&self, job: JobId) -> Result<Option<(u64, Vec<u8>)>, RecordError> {
        let value = self.durable.get(LOGS, job.as_bytes())?;
        Ok(value.and_then(|value| {
            let (dropped, bytes) = value.split_first_chunk::<8>()?;
            Some((u64::from_be_bytes(*dropped), bytes.to_vec()))
        }))
    }

    /// The trace context of a job.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn trace(&self, job: JobId) -> Result<Option<String>, RecordError> {
        let bytes = self.durable.get(TRACES, job.as_bytes())?;
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }
}
