//! `aibom.ledger.v1` on the wire: decode, call, encode. Who may call is the policy table's matter.

use std::sync::{Arc, OnceLock};

use bundle::{TAG_BYTES, Tag};
use ids::Sha256Digest;
use proto::ledger::v1::{
    AppendRequest, AppendResponse, GetCheckpointRequest, GetCheckpointResponse,
    GetConsistencyRequest, GetConsistencyResponse, GetInclusionRequest, GetInclusionResponse,
    ledger_service_server::{LedgerService, LedgerServiceServer},
};
use rpc::{Coded, Services};
use tonic::{Code, Request, Response, Status, server::NamedService as _};

use crate::{AppendError, Appender, Leaf, LookupError};

impl Coded for AppendError {
    fn code(&self) -> Code {
        match self {
            Self::Full(_) => Code::ResourceExhausted,
            Self::Store(_)
            | Self::Clock(_)
            | Self::Busy
            | Self::WitnessesAway { .. }
            | Self::Stopping
            | Self::Halted(_) => Code::Unavailable,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Full(_) => "DISK_FULL",
            Self::Store(_) => "STORE_FAILED",
            Self::Clock(_) => "CLOCK_BEHIND",
            Self::Busy => "BUSY",
            Self::WitnessesAway { .. } => "WITNESSES_AWAY",
            Self::Stopping => "STOPPING",
            Self::Halted(_) => "HALTED",
        }
    }
}

impl Coded for LookupError {
    fn code(&self) -> Code {
        match self {
            Self::Range(_) => Code::OutOfRange,
            Self::Order { .. } => Code::InvalidArgument,
            Self::Store(_) => Code::Unavailable,
            Self::Missing(_) => Code::DataLoss,
            Self::Unknown => Code::NotFound,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Range(_) => "OUT_OF_RANGE",
            Self::Order { .. } => "INVALID_SIZES",
            Self::Store(_) => "STORE_FAILED",
            Self::Missing(_) => "ENTRY_MISSING",
            Self::Unknown => "UNKNOWN_COMMITMENT",
        }
    }
}

/// Why a request is not even looked at.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the commitment has {0} bytes, a SHA-256 has 32")]
    Commitment(usize),
    #[error("the tag has {0} bytes, not {TAG_BYTES}")]
    Tag(usize),
    #[error("the ledger is still checking its stored log")]
    NotReady,
    #[error("the ledger has halted: {0}")]
    Halted(String),
}

impl Coded for Refused {
    fn code(&self) -> Code {
        match self {
            Self::Commitment(_) | Self::Tag(_) => Code::InvalidArgument,
            Self::NotReady | Self::Halted(_) => Code::Unavailable,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Commitment(_) => "INVALID_COMMITMENT",
            Self::Tag(_) => "INVALID_TAG",
            Self::NotReady => "NOT_READY",
            Self::Halted(_) => "HALTED",
        }
    }
}

/// How long before the deadline an append gives up, so that the caller hears why.
const ANSWER: std::time::Duration = std::time::Duration::from_millis(250);

/// The service over a log that may still be loading.
struct Grpc {
    appender: Arc<OnceLock<Appender>>,
}

pub(crate) fn services(appender: Arc<OnceLock<Appender>>) -> Services {
    let limit = rpc::message_limit(LedgerServiceServer::<Grpc>::NAME);
    let server = LedgerServiceServer::new(Grpc { appender }).max_decoding_message_size(limit);
    Services::new().add(server)
}

impl Grpc {
    fn appender(&self) -> Result<&Appender, Status> {
        let appender = self.appender.get().ok_or_else(|| rpc::to_status(&Refused::NotReady))?;
        match appender.log().halted() {
            None => Ok(appender),
            Some(reason) => Err(rpc::to_status(&Refused::Halted(reason.to_owned()))),
        }
    }
}

fn digest(bytes: Vec<u8>) -> Result<Sha256Digest, Status> {
    let bytes: [u8; 32] =
        bytes.try_into().map_err(|b: Vec<u8>| rpc::to_status(&Refused::Commitment(b.len())))?;
    Ok(Sha256Digest::from_bytes(bytes))
}

fn wire(hashes: &[Sha256Digest]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}

#[tonic::async_trait]
impl LedgerService for Grpc {
    async fn append(
        &self,
        request: Request<AppendRequest>,
    ) -> Result<Response<AppendResponse>, Status> {
        let until = rpc::deadline(&request).and_then(|at| at.checked_sub(ANSWER));
        let AppendRequest { commitment, tag } = request.into_inner();
        let commitment = digest(commitment)?;
        let tag = tag.try_into().map_err(|b: Vec<u8>| rpc::to_status(&Refused::Tag(b.len())))?;
        let leaf = Leaf { commitment, tag: Tag::from_bytes(tag) };
        let appended = self.appender()?.append(leaf, until).await;
        let appended = appended.map_err(|error| rpc::to_status(&error))?;
        tracing::info!(index = appended.proof.index, %commitment, "commitment logged");
        Ok(Response::new(AppendResponse {
            entry: appended.entry,
            index: appended.proof.index,
            proof: appended.proof.to_string(),
        }))
    }

    async fn get_checkpoint(
        &self,
        _request: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        let checkpoint = self.appender()?.log().shown().note.clone();
        Ok(Response::new(GetCheckpointResponse { checkpoint }))
    }

    async fn get_inclusion(
        &self,
        request: Request<GetInclusionRequest>,
    ) -> Result<Response<GetInclusionResponse>, Status> {
        let GetInclusionRequest { index, size, commitment } = request.into_inner();
        let commitment = (!commitment.is_empty()).then(|| digest(commitment)).transpose()?;
        let log = Arc::clone(self.appender()?.log());
        let find = move || {
            let index = match commitment {
                Some(commitment) => log.find(&commitment)?.ok_or(LookupError::Unknown)?,
                None => index,
            };
            log.inclusion(index, size)
        };
        let proof = tokio::task::spawn_blocking(find).await;
        let proof = proof
            .map_err(|error| Status::internal(error.to_string()))?
            .map_err(|error| rpc::to_status(&error))?;
        Ok(Response::new(GetInclusionResponse {
            proof: wire(&proof.hashes),
            entry: proof.entry,
            size: proof.size,
            index: proof.index,
        }))
    }

    async fn get_consistency(
        &self,
        request: Request<GetConsistencyRequest>,
    ) -> Result<Response<GetConsistencyResponse>, Status> {
        let GetConsistencyRequest { old_size, new_size } = request.into_inner();
        let proof = self.appender()?.log().consistency(old_size, new_size);
        let proof = proof.map_err(|error| rpc::to_status(&error))?;
        Ok(Response::new(GetConsistencyResponse { proof: wire(&proof) }))
    }
}
