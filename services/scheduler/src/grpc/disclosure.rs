//! What is in the ledger, told to whom it belongs: records with their proofs, and the documents
//! behind entries.

use evidence::Document;
use ids::{JobId, Role, Sha256Digest, SpiffeId};
use proto::job::v1 as wire;
use rpc::Peer;
use schedule::{Refused, job_prefix};

use super::{Refusal, State, refusal::job_id};
use crate::{
    records::{LoggedRecord, What},
    stages::SignedAnswer,
};

/// The most records of a page, and the most that are counted as pending.
const PAGE_MAX: u32 = 200;
/// The longest page token, in bytes.
const TOKEN_BYTES_MAX: usize = 64;

/// A page of a job's records, or of the mesh's own.
pub(super) async fn records(
    state: &State,
    caller: &Peer,
    request: &wire::ListRecordsRequest,
) -> Result<wire::ListRecordsResponse, Refusal> {
    let size = match request.page_size {
        0 => 50,
        n if n <= PAGE_MAX => n as usize,
        n => return Err(Refusal::argument("page_size", format!("{n} is over {PAGE_MAX}"))),
    };
    let prefixes = match request.job_id.as_str() {
        "" => vec![b"p".to_vec(), b"t".to_vec()],
        text => {
            let id = job_id(text)?;
            visible(state, caller, id).await?;
            vec![job_prefix(id)]
        }
    };
    let after = token(&request.page_token)?;
    let mut page = state.records.logged_under(&prefixes, &after, size.saturating_add(1))?;
    let more = page.len() > size;
    page.truncate(size);
    let last = page.last().filter(|_| more).map(|(key, _)| hex(key));
    let mut pending = 0_usize;
    for prefix in &prefixes {
        pending = pending.saturating_add(state.records.count_due(prefix, PAGE_MAX as usize)?);
    }
    Ok(wire::ListRecordsResponse {
        records: page.into_iter().map(|(_, record)| on_the_wire(record)).collect(),
        next_page_token: last.unwrap_or_default(),
        pending: u32::try_from(pending).unwrap_or(u32::MAX),
    })
}

/// Whether the caller may see what became of the job: its user, and an approver of one that is or
/// was held. To others it does not exist.
async fn visible(state: &State, caller: &Peer, id: JobId) -> Result<(), Refusal> {
    let record = state.core.query(move |m| m.job(id).cloned()).await?;
    let seen = record.is_some_and(|record| {
        let approver = caller.role() == Role::Approver && record.held.is_some();
        approver || &record.user == caller.spiffe_id()
    });
    if seen { Ok(()) } else { Err(Refused::UnknownJob(id).into()) }
}

fn on_the_wire(LoggedRecord { document, inclusion }: LoggedRecord) -> wire::LoggedRecord {
    let bundle::Inclusion { salt, entry, proof } = inclusion;
    wire::LoggedRecord { record: Some(document.into()), salt, entry, proof }
}

fn hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn token(text: &str) -> Result<Vec<u8>, Refusal> {
    let bad = || Refusal::argument("page_token", "is none that was given");
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.len() > 2 * TOKEN_BYTES_MAX || !digits || text.len() % 2 == 1 {
        return Err(bad());
    }
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect::<Option<_>>().ok_or_else(bad)
}

/// The document behind an entry of `user`'s.
pub(super) async fn disclose(
    state: &State,
    user: &SpiffeId,
    request: wire::DiscloseRequest,
) -> Result<wire::DiscloseResponse, Refusal> {
    let bytes = <[u8; 32]>::try_from(request.commitment);
    let bytes = bytes.map_err(|_| Refusal::argument("commitment", "is not 32 bytes"))?;
    let found = state.records.committed(&Sha256Digest::from_bytes(bytes))?;
    let committed = found.filter(|committed| &committed.owner == user).ok_or(Refusal::NoEntry)?;
    let (document, salt) = match committed.what {
        What::Record { document, salt } => (document, salt),
        What::Logged(key) => {
            let LoggedRecord { document, inclusion } = state.records.logged_at(&key)?;
            (document, inclusion.salt)
        }
        What::Attestation(answer) => {
            let answer: SignedAnswer = state.records.document(&answer)?;
            let certificates = Vec::new();
            (Document { envelope: answer.attestation, certificates }, answer.salt)
        }
    };
    let job = committed.job.ok_or(Refusal::NoEntry)?;
    let record = state.core.query(move |m| m.job(job).cloned()).await?;
    let digest = record.and_then(|record| record.documents.request);
    Ok(wire::DiscloseResponse {
        document: Some(document.into()),
        salt,
        job_id: job.to_string(),
        request_digest: digest.map(|digest| digest.to_hex()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_is_a_page_token() {
        let key = job_prefix(JobId::new(1, [7; 10]));
        assert_eq!(token(&hex(&key)).unwrap(), key);
        assert_eq!(token("").unwrap(), Vec::<u8>::new());
        for bad in ["0", "0g", "é0", "+1", &"00".repeat(TOKEN_BYTES_MAX + 1)] {
            assert!(token(bad).is_err(), "{bad:?}");
        }
    }
}
