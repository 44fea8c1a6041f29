//! `aibom.signer.v1` on the wire: decode, call, encode. Who may call is the policy table's matter.

use std::sync::{Arc, OnceLock};

use bom::SignAibomError;
use evidence::{EvidenceSet, MissingDocument};
use proto::signer::v1::{
    AttestRequest, AttestResponse, GetPolicyRequest, GetPolicyResponse, GetTrustRootRequest,
    GetTrustRootResponse, Hold, ListKeysRequest, ListKeysResponse, SignedAibom, SigningKey,
    Violation,
    attest_response::Outcome,
    signer_service_server::{SignerService, SignerServiceServer},
};
use rpc::{Coded, Services};
use tonic::{Code, Request, Response, Status, server::NamedService as _};

use crate::{
    attest::{AttestError, JournalError, Record},
    listing::Listed,
    ring::RingError,
    service::{Service, ServiceError},
};

impl Coded for ServiceError {
    fn code(&self) -> Code {
        match self {
            Self::Attest(
                AttestError::Refused { .. } | AttestError::Sign(SignAibomError::Assemble(_)),
            ) => Code::FailedPrecondition,
            Self::Attest(
                AttestError::AlreadySigned { .. } | AttestError::RequestAlreadySigned { .. },
            ) => Code::AlreadyExists,
            Self::Attest(AttestError::Journal(JournalError::Full(_))) => Code::ResourceExhausted,
            Self::Attest(AttestError::Journal(JournalError::Damaged { .. })) => Code::DataLoss,
            // Jobs wait for a key that is there and whose time has come.
            Self::Attest(
                AttestError::Ring(_)
                | AttestError::Policy(_)
                | AttestError::Sign(_)
                | AttestError::Journal(_),
            )
            | Self::Random(_) => Code::Unavailable,
            Self::Attest(AttestError::Held(_)) => Code::FailedPrecondition,
            Self::Failed(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Attest(
                AttestError::Refused { .. } | AttestError::Sign(SignAibomError::Assemble(_)),
            ) => "EVIDENCE_REFUSED",
            Self::Attest(AttestError::Ring(RingError::NoneNamed { .. })) => "NO_KEY_NAMED",
            Self::Attest(AttestError::Ring(RingError::Missing { .. })) => "KEY_MISSING",
            Self::Attest(AttestError::AlreadySigned { .. }) => "JOB_ALREADY_SIGNED",
            Self::Attest(AttestError::RequestAlreadySigned { .. }) => "REQUEST_ALREADY_SIGNED",
            Self::Attest(AttestError::Journal(JournalError::Full(_))) => "DISK_FULL",
            Self::Attest(AttestError::Journal(JournalError::Damaged { .. })) => "RECORD_DAMAGED",
            Self::Attest(AttestError::Journal(_)) => "STORE_FAILED",
            Self::Attest(AttestError::Ring(RingError::Away(_)) | AttestError::Sign(_)) => {
                "KEY_UNAVAILABLE"
            }
            Self::Attest(AttestError::Policy(_)) => "POLICY_UNUSABLE",
            Self::Attest(AttestError::Held(_)) => "POLICY_HOLD",
            Self::Random(_) => "NO_RANDOMNESS",
            Self::Failed(_) => "SIGNER_FAILED",
        }
    }
}

/// Why a request is not even looked at.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the message lacks the field evidence")]
    NoEvidence,
    #[error(transparent)]
    Missing(#[from] MissingDocument),
    #[error("the signer is still opening its journal")]
    NotReady,
}

impl Coded for Refused {
    fn code(&self) -> Code {
        match self {
            Self::NoEvidence | Self::Missing(_) => Code::InvalidArgument,
            Self::NotReady => Code::Unavailable,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NoEvidence | Self::Missing(_) => "MISSING_FIELD",
            Self::NotReady => "NOT_READY",
        }
    }
}

/// The service, which may still be loading.
struct Grpc {
    service: Arc<OnceLock<Arc<Service>>>,
}

pub(crate) fn services(service: Arc<OnceLock<Arc<Service>>>) -> Services {
    let limit = rpc::message_limit(SignerServiceServer::<Grpc>::NAME);
    let server = SignerServiceServer::new(Grpc { service }).max_decoding_message_size(limit);
    Services::new().add(server)
}

impl Grpc {
    fn service(&self) -> Result<&Arc<Service>, Status> {
        self.service.get().ok_or_else(|| rpc::to_status(&Refused::NotReady))
    }
}

fn signing_key(Listed { key, entry, signs }: Listed) -> SigningKey {
    SigningKey {
        key_id: key.key_id().to_string(),
        r#use: entry.usage.to_string(),
        public_key: entry.public_key,
        valid_from: entry.valid_from.to_string(),
        valid_until: entry.valid_until.to_string(),
        revoked_since: entry.revoked.map(|r| r.since.to_string()).unwrap_or_default(),
        signs,
    }
}

fn signed(record: Record) -> SignedAibom {
    SignedAibom {
        aibom: record.aibom,
        attestation: record.attestation,
        salt: record.salt.to_vec(),
        model_signature: record.signatures.model,
        link: record.signatures.link,
        layout: record.signatures.layout,
        policy: record.policy,
    }
}

fn held(hold: policy::Hold) -> Hold {
    let violation = |found: policy::Violation| Violation {
        kind: found.kind.as_str().to_owned(),
        id: found.id,
        subject: found.subject,
        severity: found.severity.to_string(),
        detail: found.detail,
    };
    Hold {
        evidence_digest: hold.evidence.to_hex(),
        policy_name: hold.policy.name,
        policy_version: hold.policy.version,
        policy_digest: hold.policy.digest.to_hex(),
        violations: hold.violations.into_iter().map(violation).collect(),
        more: hold.more,
    }
}

#[tonic::async_trait]
impl SignerService for Grpc {
    async fn attest(
        &self,
        request: Request<AttestRequest>,
    ) -> Result<Response<AttestResponse>, Status> {
        let caller = rpc::peer(&request)?.spiffe_id().clone();
        let set = request.into_inner().evidence;
        let set = set.ok_or(Refused::NoEvidence).and_then(|set| Ok(EvidenceSet::try_from(set)?));
        let set = set.map_err(|error| rpc::to_status(&error))?;
        let outcome = match self.service()?.attest(set, &caller).await {
            Ok(attested) => Outcome::Signed(signed(attested.record)),
            Err(ServiceError::Attest(AttestError::Held(hold))) => Outcome::Hold(held(*hold)),
            Err(error) => return Err(rpc::to_status(&error)),
        };
        Ok(Response::new(AttestResponse { outcome: Some(outcome) }))
    }

    async fn get_policy(
        &self,
        _request: Request<GetPolicyRequest>,
    ) -> Result<Response<GetPolicyResponse>, Status> {
        let policy = self.service()?.policy().await.map_err(|error| rpc::to_status(&error))?;
        Ok(Response::new(GetPolicyResponse { policy }))
    }

    async fn get_trust_root(
        &self,
        _request: Request<GetTrustRootRequest>,
    ) -> Result<Response<GetTrustRootResponse>, Status> {
        let pinned = self.service()?.root().await.map_err(|error| rpc::to_status(&error))?;
        Ok(Response::new(GetTrustRootResponse { trust_root: pinned.bytes.clone() }))
    }

    async fn list_keys(
        &self,
        _request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        let listed = self.service()?.keys().await.map_err(|error| rpc::to_status(&error))?;
        let (trust_root_version, keys) = listed;
        let keys = keys.into_iter().map(signing_key).collect();
        Ok(Response::new(ListKeysResponse { keys, trust_root_version }))
    }
}
