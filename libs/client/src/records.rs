//! What is in the ledger of the caller's own: records, the key to its tags, the documents behind it.

use bundle::{Inclusion, SALT_BYTES, commitment};
use evidence::Document;
use ids::{JobId, Sha256Digest};
use proto::job::v1 as wire;

use crate::{
    CallError, Jobs,
    call::retry,
    job_view::{Malformed, digest, malformed},
};

/// Records of a page.
const PAGE: u32 = 200;
/// The most records that are fetched of one job.
pub const MAX_RECORDS: usize = 10_000;

/// A record as the scheduler tells it; nothing in it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordView {
    /// The signed record.
    pub document: Document,
    /// The proof that it was logged.
    pub inclusion: Inclusion,
}

/// The records of a job, or of the mesh itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordsView {
    /// Those that are in the ledger; of a job in the order of its transitions. At most
    /// [`MAX_RECORDS`].
    pub records: Vec<RecordView>,
    /// How many are on their way there.
    pub pending: u32,
}

/// What a ledger entry stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosed {
    /// The signed document: a record, or an attestation, which comes without certificates. With the
    /// salt it makes the commitment that was asked for; its signature is still to be checked.
    pub document: Document,
    /// The salt.
    pub salt: Vec<u8>,
    /// The job that it is about. The scheduler's word.
    pub job: JobId,
    /// That job's request, by the digest of its envelope. The scheduler's word.
    pub request: Option<Sha256Digest>,
}

fn record(record: wire::LoggedRecord) -> Result<RecordView, Malformed> {
    let wire::LoggedRecord { record, salt, entry, proof } = record;
    let document = record.ok_or_else(|| malformed("records.record", &"nothing"))?.into();
    Ok(RecordView { document, inclusion: Inclusion { salt, entry, proof } })
}

/// The records of a page, and the token of the one after it. Each page brings on: a scheduler that
/// gave empty ones for ever would be asked for ever.
fn read(page: wire::ListRecordsResponse) -> Result<(Vec<RecordView>, Option<String>), Malformed> {
    let wire::ListRecordsResponse { records, next_page_token: next, pending: _ } = page;
    if records.is_empty() && !next.is_empty() {
        return Err(malformed("next_page_token", &"another page after an empty one"));
    }
    let records = records.into_iter().map(record).collect::<Result<_, _>>()?;
    Ok((records, (!next.is_empty()).then_some(next)))
}

fn disclosed(asked: &Sha256Digest, answer: wire::DiscloseResponse) -> Result<Disclosed, Malformed> {
    let document: Document =
        answer.document.ok_or_else(|| malformed("document", &"nothing"))?.into();
    let salt = answer.salt;
    if salt.len() != SALT_BYTES || commitment(&salt, &document.envelope) != *asked {
        return Err(malformed("document", &"another than the entry commits to"));
    }
    let request = (!answer.request_digest.is_empty())
        .then(|| digest("request_digest", &answer.request_digest))
        .transpose()?;
    let job = answer.job_id.parse().map_err(|_| malformed("job_id", &answer.job_id))?;
    Ok(Disclosed { document, salt, job, request })
}

impl Jobs {
    /// The records of a job, from the first on; without a job, those of the mesh: which trust roots
    /// and policies it was given.
    ///
    /// # Errors
    /// NOT_FOUND when there is no such job, or when the scheduler stays unreachable.
    pub async fn records(&self, job: Option<JobId>) -> Result<RecordsView, CallError> {
        let what = "cannot list the records";
        let mut view = RecordsView::default();
        let mut token = String::new();
        while view.records.len() < MAX_RECORDS {
            let message = wire::ListRecordsRequest {
                job_id: job.map(|job| job.to_string()).unwrap_or_default(),
                page_size: PAGE,
                page_token: token,
            };
            let answer = retry(what, || {
                let (mut client, message) = (self.raw(), message.clone());
                async move { client.list_records(message).await }
            });
            let page = answer.await?.into_inner();
            view.pending = page.pending;
            let (records, next) = read(page).map_err(|error| CallError::malformed(what, error))?;
            view.records.extend(records);
            let Some(next) = next else { break };
            token = next;
        }
        view.records.truncate(MAX_RECORDS);
        Ok(view)
    }

    /// The caller's own key to the tags of ledger entries.
    ///
    /// # Errors
    /// When the scheduler refuses or stays unreachable.
    pub async fn monitor_key(&self) -> Result<[u8; 32], CallError> {
        let what = "cannot get the monitor key";
        let answer = retry(what, || {
            let mut client = self.raw();
            async move { client.get_monitor_key(wire::GetMonitorKeyRequest {}).await }
        });
        let key = answer.await?.into_inner().key;
        let length = key.len();
        let other = || CallError::malformed(what, malformed("key", &format!("{length} bytes")));
        key.try_into().map_err(|_| other())
    }

    /// What one of the caller's own ledger entries stands for; the commitment is checked.
    ///
    /// # Errors
    /// NOT_FOUND when no entry of the caller's has this commitment, or when the scheduler stays
    /// unreachable, or tells another document.
    pub async fn disclose(&self, commitment: Sha256Digest) -> Result<Disclosed, CallError> {
        let what = format!("cannot tell what the entry {commitment} stands for");
        let answer = retry(what.clone(), || {
            let mut client = self.raw();
            let message = wire::DiscloseRequest { commitment: commitment.as_bytes().to_vec() };
            async move { client.disclose(message).await }
        });
        let answer = answer.await?.into_inner();
        disclosed(&commitment, answer).map_err(|error| CallError::malformed(what, error))
    }
}

#[cfg(test)]
mod tests {
    //! Only the document that was committed to is taken for what an entry stands for, and pages end.
    use super::*;

    fn answer(salt: &[u8], envelope: &[u8]) -> wire::DiscloseResponse {
        let document = Document { envelope: envelope.to_vec(), certificates: Vec::new() };
        wire::DiscloseResponse {
            document: Some(document.into()),
            salt: salt.to_vec(),
            job_id: JobId::new(1, [1; 10]).to_string(),
            request_digest: String::new(),
        }
    }

    #[test]
    fn an_empty_page_has_none_after_it() {
        let document = Document { envelope: Vec::new(), certificates: Vec::new() };
        let record = Some(document.into());
        let record = wire::LoggedRecord { record, ..wire::LoggedRecord::default() };
        let page = |records: &[wire::LoggedRecord], next: &str| {
            let next_page_token = next.to_owned();
            let page = wire::ListRecordsResponse {
                records: records.to_vec(),
                next_page_token,
                pending: 1,
            };
            read(page).ok().map(|(records, next)| (records.len(), next))
        };
        assert_eq!(page(&[], ""), Some((0, None)));
        assert_eq!(page(std::slice::from_ref(&record), ""), Some((1, None)));
        assert_eq!(page(&[record], "00"), Some((1, Some("00".to_owned()))));
        assert_eq!(page(&[], "00"), None);
        assert_eq!(page(&[wire::LoggedRecord::default()], ""), None, "nothing in it");
    }

    #[test]
    fn another_document_or_salt_than_the_entry_commits_to_is_refused() {
        let asked = commitment(&[7; 32], b"document");
        assert!(disclosed(&asked, answer(&[7; 32], b"document")).is_ok());
        for (salt, envelope) in [
            (vec![8; 32], b"document".as_slice()),
            (vec![7; 32], b"documents"),
            // The same bytes, cut at another place.
            ([&[7; 32][..], b"d"].concat(), b"ocument"),
        ] {
            assert!(disclosed(&asked, answer(&salt, envelope)).is_err());
        }
        let without = wire::DiscloseResponse { document: None, ..answer(&[7; 32], b"document") };
        assert!(disclosed(&asked, without).is_err());
    }
}
