//! `aibom.verifier.v1` on the wire: decode, call, encode. Who may call is the policy table's matter.

use std::sync::Arc;

use bytes::Bytes;
use envelope::link::MAX_LINKS;
use evidence::Check;
use ids::Hasher;
use keys::PublicKey;
use proto::verifier::v1::{
    self as wire, VerifyBundleRequest, VerifyBundleResponse, VerifyFileRequest, VerifyFileResponse,
    VerifyLinkRequest, VerifyLinkResponse, VerifyStoredRequest, VerifyStoredResponse,
    verifier_service_server::{VerifierService, VerifierServiceServer},
    verify_file_request::Part,
};
use rpc::{Coded, Services};
use tonic::{Code, Request, Response, Status, Streaming, server::NamedService as _};
use verify::Verdict;

use crate::verdicts::{Verdicts, VerifyError, hash};

/// The most checks that a verdict carries.
const MAX_CHECKS: usize = 256;
/// The longest piece of a file in one message, in bytes.
const MAX_CHUNK_BYTES: usize = 1024 * 1024;
/// The longest file that is hashed, in bytes: 64 GiB, as for a job's inputs.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// The longest public key, in bytes.
const MAX_PEM_BYTES: usize = 16 * 1024;

impl Coded for VerifyError {
    fn code(&self) -> Code {
        match self {
            Self::NotOwner => Code::PermissionDenied,
            Self::NoStore => Code::FailedPrecondition,
            Self::Failed(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotOwner => "NOT_OWNER",
            Self::NoStore => "NO_STORE",
            Self::Failed(_) => "VERIFIER_FAILED",
        }
    }
}

/// Why a request is not even looked at.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("owner_public_key is no Ed25519 or P-256 public key in PEM")]
    OwnerKey,
    #[error("{0} links; the limit is {MAX_LINKS}")]
    Links(usize),
    #[error("the first message must be the bundle, every further one a chunk of the file")]
    Order,
    #[error("a chunk of {0} bytes; the limit is {MAX_CHUNK_BYTES}")]
    Chunk(usize),
    #[error("the file is longer than {MAX_FILE_BYTES} bytes")]
    File,
}

impl Coded for Refused {
    fn code(&self) -> Code {
        match self {
            Self::OwnerKey | Self::Links(_) | Self::Order | Self::Chunk(_) | Self::File => {
                Code::InvalidArgument
            }
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::OwnerKey => "INVALID_KEY",
            Self::Links(_) => "TOO_MANY_LINKS",
            Self::Order => "MESSAGE_ORDER",
            Self::Chunk(_) => "CHUNK_TOO_LARGE",
            Self::File => "FILE_TOO_LARGE",
        }
    }
}

struct Grpc {
    verdicts: Arc<Verdicts>,
}

pub(crate) fn services(verdicts: Arc<Verdicts>) -> Services {
    let limit = rpc::message_limit(VerifierServiceServer::<Grpc>::NAME);
    let server = VerifierServiceServer::new(Grpc { verdicts }).max_decoding_message_size(limit);
    Services::new().add(server)
}

fn status(error: &(impl Coded + std::error::Error)) -> Status {
    rpc::to_status(error)
}

/// At most [`MAX_CHECKS`], in order; checks that held give way to those that did not.
fn checks(all: &[Check]) -> Vec<wire::Check> {
    let mut room = MAX_CHECKS.saturating_sub(all.iter().filter(|check| !check.passed).count());
    let mut kept = all.iter().filter(|check| {
        let keep = !check.passed || room > 0;
        room = room.saturating_sub(usize::from(check.passed));
        keep
    });
    let checks = kept.by_ref().take(MAX_CHECKS).map(|check| wire::Check {
        name: check.name.clone(),
        passed: check.passed,
        detail: short(&check.detail),
    });
    checks.collect()
}

/// At most 4 KiB of text.
fn short(detail: &str) -> String {
    detail.get(..detail.floor_char_boundary(4096)).unwrap_or_default().to_owned()
}

fn encode(verdict: &Verdict) -> wire::Verdict {
    wire::Verdict {
        verified: verdict.checks.all_passed(),
        checks: checks(verdict.checks.as_slice()),
        job_id: verdict.claimed_job.map(|job| job.to_string()).unwrap_or_default(),
    }
}

#[tonic::async_trait]
impl VerifierService for Grpc {
    async fn verify_bundle(
        &self,
        request: Request<VerifyBundleRequest>,
    ) -> Result<Response<VerifyBundleResponse>, Status> {
        let verdict = self.verdicts.bundle(request.into_inner().bundle).await;
        let verdict = Some(encode(&verdict.map_err(|e| status(&e))?));
        Ok(Response::new(VerifyBundleResponse { verdict }))
    }

    async fn verify_link(
        &self,
        request: Request<VerifyLinkRequest>,
    ) -> Result<Response<VerifyLinkResponse>, Status> {
        let VerifyLinkRequest { link, layout, owner_public_key, further_links } =
            request.into_inner();
        let mut links = vec![link];
        links.extend(further_links);
        if links.len() > MAX_LINKS {
            return Err(status(&Refused::Links(links.len())));
        }
        let bounded = (owner_public_key.len() <= MAX_PEM_BYTES).then_some(owner_public_key);
        let owner = bounded.and_then(|pem| PublicKey::from_pem(&pem).ok());
        let owner = owner.ok_or_else(|| status(&Refused::OwnerKey))?;
        let all = self.verdicts.links(links, layout, owner).await.map_err(|e| status(&e))?;
        let verdict = wire::Verdict {
            verified: !all.is_empty() && all.iter().all(|check| check.passed),
            checks: checks(&all),
            job_id: String::new(),
        };
        Ok(Response::new(VerifyLinkResponse { verdict: Some(verdict) }))
    }

    async fn verify_file(
        &self,
        request: Request<Streaming<VerifyFileRequest>>,
    ) -> Result<Response<VerifyFileResponse>, Status> {
        let mut messages = request.into_inner();
        let Some(Part::Bundle(bundle)) = messages.message().await?.and_then(|m| m.part) else {
            return Err(status(&Refused::Order));
        };
        let verdict = self.verdicts.bundle(bundle).await.map_err(|e| status(&e))?;
        let hasher = hash_file(&mut messages).await?;
        let found = self.verdicts.file(verdict, hasher);
        let (part, name) =
            found.file.map(|file| (file.part.to_string(), file.name)).unwrap_or_default();
        Ok(Response::new(VerifyFileResponse {
            verdict: Some(encode(&found.verdict)),
            part,
            name,
            sha256: found.digests.sha256.to_hex(),
        }))
    }

    async fn verify_stored(
        &self,
        request: Request<VerifyStoredRequest>,
    ) -> Result<Response<VerifyStoredResponse>, Status> {
        let caller = rpc::peer(&request)?.spiffe_id().clone();
        let verdict = self.verdicts.stored(request.into_inner().bundle, &caller).await;
        let verdict = Some(encode(&verdict.map_err(|e| status(&e))?));
        Ok(Response::new(VerifyStoredResponse { verdict }))
    }
}

/// Hashes every further message of the stream, once, as it comes.
async fn hash_file(messages: &mut Streaming<VerifyFileRequest>) -> Result<Hasher, Status> {
    let mut hasher = Hasher::new();
    while let Some(message) = messages.message().await? {
        let Some(Part::Chunk(chunk)) = message.part else {
            return Err(status(&Refused::Order));
        };
        let chunk: Bytes = chunk;
        if chunk.len() > MAX_CHUNK_BYTES {
            return Err(status(&Refused::Chunk(chunk.len())));
        }
        if hasher.length().saturating_add(chunk.len() as u64) > MAX_FILE_BYTES {
            return Err(status(&Refused::File));
        }
        hasher = hash(hasher, chunk).await.map_err(|e| status(&e))?;
    }
    Ok(hasher)
}
