//! What the scheduler asks of others: scan, attest, append.

mod scan;

use std::sync::Arc;

use bundle::{LedgerEntry, Signatures, Tag};
use evidence::{EvidenceSet, Level, TrustRoot};
use ids::{JobId, Sha256Digest, Timestamp};
use job::Reason;
use policy::{Hold, Kind, PolicyName, SignedPolicy, Violation};
use proto::{
    ledger::v1::{
        AppendRequest, GetConsistencyRequest, GetInclusionRequest,
        ledger_service_client::LedgerServiceClient,
    },
    scan::v1::scan_service_client::ScanServiceClient,
    signer::v1::{
        self as signing, AttestRequest, GetPolicyRequest, GetTrustRootRequest,
        attest_response::Outcome, signer_service_client::SignerServiceClient,
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

/// How the ledger says that it does not have a commitment.
const UNKNOWN_COMMITMENT: &str = "UNKNOWN_COMMITMENT";

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

/// The same where the job waits whatever the service says: it has nothing to do with what was asked.
fn waits(service: &str, status: &Status) -> StageError {
    StageError { again: true, ..stage_error(service, Reason::StageUnavailable, status) }
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
        Ok(self.signed_trust_root().await?.0)
    }

    /// The same with the digest of its envelope.
    pub(crate) async fn signed_trust_root(&self) -> Result<(TrustRoot, Sha256Digest), StageError> {
        let answer = self.signer.clone().get_trust_root(GetTrustRootRequest {}).await;
        let answer = answer.map_err(|s| waits("signer", &s))?;
        let bytes = answer.into_inner().trust_root;
        let root = TrustRoot::parse(&bytes)
            .map_err(|error| StageError::ours(format_args!("signer: {error}")))?;
        Ok((root, Sha256Digest::of(&bytes)))
    }

    /// The release policy in force, signed by a policy key of `root`.
    pub(crate) async fn policy(&self, root: &TrustRoot) -> Result<SignedPolicy, StageError> {
        let answer = self.signer.clone().get_policy(GetPolicyRequest {}).await;
        let answer = answer.map_err(|s| waits("signer", &s))?;
        // Whether its key counts now is the signer's to say; here only whose it is matters.
        SignedPolicy::open(&answer.into_inner().policy, root, |_| Ok(()))
            .map_err(|error| StageError::ours(format_args!("signer: {error}")))
    }

    /// What the ledger says to a commitment: entry and proof, which nobody has checked yet.
    pub(crate) async fn append(
        &self,
        commitment: &Sha256Digest,
        tag: &Tag,
    ) -> Result<(Vec<u8>, String), StageError> {
        let (commitment, tag) = (commitment.as_bytes().to_vec(), tag.as_bytes().to_vec());
        let answer = self.ledger.clone().append(AppendRequest { commitment, tag }).await;
        let answer = answer.map_err(|s| stage_error("ledger", Reason::StageUnavailable, &s))?;
        let answer = answer.into_inner();
        Ok((answer.entry, answer.proof))
    }

    /// When the ledger took a commitment; `None` when it does not have it. Its word.
    pub(crate) async fn logged_at(
        &self,
        commitment: &Sha256Digest,
    ) -> Result<Option<Timestamp>, StageError> {
        let asked = commitment.as_bytes().to_vec();
        let request = GetInclusionRequest { index: 0, size: 0, commitment: asked };
        let answer = match self.ledger.clone().get_inclusion(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) if rpc::reason_of(&status).as_deref() == Some(UNKNOWN_COMMITMENT) => {
                return Ok(None);
            }
            Err(status) => return Err(waits("ledger", &status)),
        };
        let entry = LedgerEntry::parse(&answer.entry).ok();
        let entry = entry.filter(|entry| entry.commitment == *commitment);
        entry.map(|entry| Some(entry.logged_at)).ok_or_else(|| missing("ledger"))
    }

    /// The ledger's proof that its tree of `new_size` entries extends the one of `old_size`.
    pub(crate) async fn consistency(
        &self,
        old_size: u64,
        new_size: u64,
    ) -> Result<Vec<Sha256Digest>, StageError> {
        let request = GetConsistencyRequest { old_size, new_size };
        let answer = self.ledger.clone().get_consistency(request).await;
        // Without a proof it cannot tell a ledger that lost entries.
        let answer = answer.map_err(|s| waits("ledger", &s))?;
        let hashes = answer.into_inner().proof.into_iter();
        let hashes = hashes.map(|hash| Some(Sha256Digest::from_bytes(hash.try_into().ok()?)));
        hashes.collect::<Option<_>>().ok_or_else(|| missing("ledger"))
    }
}

#[cfg(test)]
mod tests;
