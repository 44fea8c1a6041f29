//! `aibom.signer.v1` on the wire: decode, call, encode. Who may call is the policy table's matter.

use std::sync::{Arc, OnceLock};

use evidence::{EvidenceSet, MissingDocument};
use proto::signer::v1::{
    AttestRequest, AttestResponse, GetTrustRootRequest, GetTrustRootResponse,
    signer_service_server::{SignerService, SignerServiceServer},
};
use rpc::{Coded, Services};
use tonic::{Code, Request, Response, Status, server::NamedService as _};

use crate::{
    attest::{AttestError, JournalError},
    service::{Service, ServiceError},
};

impl Coded for ServiceError {
    fn code(&self) -> Code {
        match self {
            Self::Attest(AttestError::Refused { .. } | AttestError::Assemble(_)) => {
                Code::FailedPrecondition
            }
            Self::Attest(
                AttestError::AlreadySigned { .. } | AttestError::RequestAlreadySigned { .. },
            ) => Code::AlreadyExists,
            // Jobs wait for a key whose time has come.
            Self::KeyExpired { .. } => Code::Unavailable,
            Self::Attest(AttestError::Journal(JournalError::Full(_))) => Code::ResourceExhausted,
            Self::Attest(AttestError::Journal(JournalError::Damaged { .. })) => Code::DataLoss,
            Self::Attest(AttestError::Seal(_) | AttestError::Journal(_)) | Self::Random(_) => {
                Code::Unavailable
            }
            Self::Failed(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Attest(AttestError::Refused { .. } | AttestError::Assemble(_)) => {
                "EVIDENCE_REFUSED"
            }
            Self::KeyExpired { .. } => "KEY_EXPIRED",
            Self::Attest(AttestError::AlreadySigned { .. }) => "JOB_ALREADY_SIGNED",
            Self::Attest(AttestError::RequestAlreadySigned { .. }) => "REQUEST_ALREADY_SIGNED",
            Self::Attest(AttestError::Journal(JournalError::Full(_))) => "DISK_FULL",
            Self::Attest(AttestError::Journal(JournalError::Damaged { .. })) => "RECORD_DAMAGED",
            Self::Attest(AttestError::Journal(_)) => "STORE_FAILED",
            Self::Attest(AttestError::Seal(_)) => "KEY_UNAVAILABLE",
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
        let attested = self.service()?.attest(set, &caller).await;
        let record = attested.map_err(|error| rpc::to_status(&error))?.record;
        Ok(Response::new(AttestResponse {
            aibom: record.aibom,
            attestation: record.attestation,
            salt: record.salt.to_vec(),
        }))
    }

    async fn get_trust_root(
        &self,
        _request: Request<GetTrustRootRequest>,
    ) -> Result<Response<GetTrustRootResponse>, Status> {
        let trust_root = self.service()?.root_bytes().to_vec();
        Ok(Response::new(GetTrustRootResponse { trust_root }))
    }
}
