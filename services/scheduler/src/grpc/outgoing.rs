//! What the scheduler asks of others: scan, attest, append.

mod scan;

use std::sync::Arc;

use bundle::{Inclusion, Signatures, commitment};
use evidence::{EvidenceSet, Level, TrustRoot};
use ids::{JobId, Sha256Digest};
use job::Reason;
use policy::{Hold, Kind, PolicyName, Violation};
use proto::{
    ledger::v1::{AppendRequest, ledger_service_client::LedgerServiceClient},
    scan::v1::scan_service_client::ScanServiceClient,
    signer::v1::{
        self as signing, AttestRequest, GetTrustRootRequest, attest_response::Outcome,
        signer_service_client::SignerServiceClient,
    },
};
use rpc::{Channel, ConnectError, MeshIdentity, status::Code};
use tonic::Status;

use crate::{
    Config,
    stages::{Attested, SignedAnswer, StageError},
};

pub(crate) use scan::Pieces;

/// The services that the scheduler calls.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    scanner: ScanServiceClient<Channel>,
    signer: SignerServiceClient<Channel>,
    ledger: LedgerServiceClient<Channel>,
}

/// What a stage's failed call means for the job.
fn stage_error(service: &str, final_reason: Reason, status: &Status) -> StageError {
    let again = match status.code() {
        // What was asked is itself refused: the same call gets the same answer.
        Code::InvalidArgument
        | Code::FailedPrecondition
        | Code::AlreadyExists
        | Code::NotFound
        | Code::OutOfRange
        | Code::DataLoss => false,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::Unauthenticated => true,
    };
    let named = rpc::reason_of(status).unwrap_or_else(|| format!("{:?}", status.code()));
    let again = again && !FINAL_REASONS.contains(&named.as_str());
    let reason = if again { Reason::StageUnavailable } else { final_reason };
    StageError { reason, message: format!("{service}: {named}: {}", status.message()), again }
}

/// Refusals that the same call gets again, whatever their code. A Trivy that fails is none of them:
/// its database may be broken, and a training is not thrown away for what an operator can mend.
const FINAL_REASONS: [&str; 6] = [
    "IMAGE_TOO_LARGE",
    "FILES_TOO_LARGE",
    "REPORT_TOO_LARGE",
    "SCRATCH_TOO_LARGE",
    "SCAN_TOO_LARGE",
    "REPORT_INVALID",
];

fn missing(service: &str) -> StageError {
    StageError {
        reason: Reason::StageUnavailable,
        message: format!("{service}: the answer is incomplete"),
        again: true,
    }
}

/// The signer's hold; `None` when it does not hold together.
fn held(job: JobId, hold: signing::Hold) -> Option<Hold> {
    let violation = |found: signing::Violation| {
        Some(Violation {
            kind: Kind::parse(&found.kind)?,
            id: found.id,
            subject: found.subject,
            severity: Level::of(&found.severity),
            detail: found.detail,
        })
    };
    Some(Hold {
        job,
        evidence: hold.evidence_digest.parse().ok()?,
        policy: PolicyName {
            name: hold.policy_name,
            version: hold.policy_version,
            digest: hold.policy_digest.parse().ok()?,
        },
        violations: hold.violations.into_iter().map(violation).collect::<Option<_>>()?,
        more: hold.more,
    })
}

impl Peers {
    pub(crate) fn connect(
        config: &Config,
        identity: &Arc<MeshIdentity>,
    ) -> Result<Self, ConnectError> {
        let max = rpc::MAX_RESPONSE_BYTES;
        let channel = |to| rpc::connect(to, Arc::clone(identity));
        Ok(Self {
            scanner: ScanServiceClient::new(channel(&config.scanner)?)
                .max_decoding_message_size(max),
            signer: SignerServiceClient::new(channel(&config.signer)?)
                .max_decoding_message_size(max)
                .max_encoding_message_size(max),
            ledger: LedgerServiceClient::new(channel(&config.ledger)?),
        })
    }

    pub(crate) async fn attest(
        &self,
        job: JobId,
        evidence: EvidenceSet,
    ) -> Result<Attested, StageError> {
        let request = AttestRequest { evidence: Some(evidence.into()) };
        let answer = self.signer.clone().attest(request).await;
        let answer = answer.map_err(|s| stage_error("signer", Reason::EvidenceRefused, &s))?;
        match answer.into_inner().outcome.ok_or_else(|| missing("signer"))? {
            Outcome::Signed(answer) => Ok(Attested::Signed(Box::new(SignedAnswer {
                aibom: answer.aibom,
                attestation: answer.attestation,
                signatures: Signatures {
                    model: answer.model_signature,
                    link: answer.link,
                    layout: answer.layout,
                },
                policy: answer.policy,
                salt: answer.salt,
            }))),
            Outcome::Hold(hold) => {
                let hold = held(job, hold).ok_or_else(|| missing("signer"))?;
                Ok(Attested::Held(Box::new(hold)))
            }
        }
    }

    /// What verifiers of this mesh pin.
    pub(crate) async fn trust_root(&self) -> Result<TrustRoot, StageError> {
        let answer = self.signer.clone().get_trust_root(GetTrustRootRequest {}).await;
        let answer = answer.map_err(|s| stage_error("signer", Reason::StageUnavailable, &s))?;
        TrustRoot::parse(&answer.into_inner().trust_root).map_err(|error| StageError {
            reason: Reason::StageUnavailable,
            message: format!("signer: {error}"),
            again: true,
        })
    }

    pub(crate) async fn append(
        &self,
        salt: Vec<u8>,
        attestation: &[u8],
    ) -> Result<Inclusion, StageError> {
        let commitment = commitment(&salt, attestation);
        let key: [u8; 32] = salt.as_slice().try_into().map_err(|_| missing("signer"))?;
        let tag = Tag::of(&key, &commitment).as_bytes().to_vec();
        let commitment = commitment.as_bytes().to_vec();
        let answer = self.ledger.clone().append(AppendRequest { commitment, tag }).await;
        let answer = answer.map_err(|s| stage_error("ledger", Reason::StageUnavailable, &s))?;
        let answer = answer.into_inner();
        Ok(Inclusion { salt, entry: answer.entry, proof: answer.proof })
    }
}

#[cfg(test)]
mod tests;
