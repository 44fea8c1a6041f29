//! The scheduler's gRPC border: decode, authorise, call, encode.

mod advisory;
mod artifact;
mod disclosure;
mod dispatch;
mod jobs;
mod outgoing;
mod refusal;
mod review;
mod signer;

use std::sync::Arc;

use artifacts::ArtifactStore;
use evidence::{Operator, Program};
pub(crate) use outgoing::{Peers, Pieces};
use proto::{
    advisory::v1::advisory_service_server::AdvisoryServiceServer,
    artifact::v1::artifact_service_server::ArtifactServiceServer,
    dispatch::v1::dispatch_service_server::DispatchServiceServer,
    job::v1::job_service_server::JobServiceServer,
    review::v1::review_service_server::ReviewServiceServer,
};
pub(crate) use refusal::Refusal;
use rpc::MeshIdentity;

use crate::{core::Core, fleet::Fleet, live::Live, records::Records, tags::Tags};

/// What every handler works with.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) core: Core,
    pub(crate) records: Records,
    pub(crate) store: ArtifactStore,
    pub(crate) identity: Arc<MeshIdentity>,
    pub(crate) live: Live,
    pub(crate) tags: Tags,
    pub(crate) fleet: Fleet,
    pub(crate) lease_ttl_ms: i64,
    pub(crate) program: Program,
    pub(crate) operator: Option<Operator>,
}

/// The services.
pub(crate) fn services(state: State) -> rpc::Services {
    let limit = rpc::message_limit;
    let jobs = JobServiceServer::new(jobs::Jobs::new(state.clone()))
        .max_decoding_message_size(limit("aibom.job.v1.JobService"));
    let artifacts = ArtifactServiceServer::new(artifact::Artifacts::new(state.clone()))
        .max_decoding_message_size(limit("aibom.artifact.v1.ArtifactService"));
    let dispatch = DispatchServiceServer::new(dispatch::Dispatch::new(state.clone()))
        .max_decoding_message_size(limit("aibom.dispatch.v1.DispatchService"));
    let review = ReviewServiceServer::new(review::Review::new(state.clone()))
        .max_decoding_message_size(limit("aibom.review.v1.ReviewService"));
    let advisories = AdvisoryServiceServer::new(advisory::Advisories::new(state))
        .max_decoding_message_size(limit("aibom.advisory.v1.AdvisoryService"));
    rpc::Services::new().add(jobs).add(artifacts).add(dispatch).add(review).add(advisories)
}
