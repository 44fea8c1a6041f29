//! The message that brings evidence to the signer.

use ::proto::signer::v1::AttestRequest;
use evidence::{Checks, EvidenceSet};
use ids::Sha256Digest;
use prost::Message as _;

use crate::fixture::signed;

/// The message of the RPC `Attest` with this evidence.
#[must_use]
pub fn attest_message(set: EvidenceSet) -> Vec<u8> {
    AttestRequest { evidence: Some(set.into()) }.encode_to_vec()
}

/// The message of the RPC `Attest`. A full check takes a millisecond, so only one in 64 gets it.
pub fn attest_request(data: &[u8]) -> bool {
    let Ok(message) = AttestRequest::decode(data) else { return false };
    let Some(Ok(set)) = message.evidence.map(EvidenceSet::try_from) else { return false };
    let again = attest_message(set.clone());
    let back = AttestRequest::decode(again.as_slice()).ok().and_then(|message| message.evidence);
    let back = back.and_then(|evidence| EvidenceSet::try_from(evidence).ok());
    assert!(back.as_ref() == Some(&set), "a message carries the documents as they are");
    let wine = signed();
    let chosen = Sha256Digest::of(data).as_bytes().first().is_some_and(|byte| byte % 64 == 0);
    if chosen && set != wine.bundle.evidence {
        let verified = evidence::check(&set, &wine.root, wine.at, &mut Checks::new());
        assert!(verified.is_none(), "evidence that nobody signed");
    }
    true
}
