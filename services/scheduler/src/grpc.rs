//! The scheduler's gRPC border: decode, authorise, call, encode.

mod artifact;
mod dispatch;
mod jobs;
mod outgoing;
mod refusal;

use std::sync::Arc;

use artifacts::ArtifactStore;
use evidence::{Operator, Program};
pub(crate) use outgoing::{Peers, Pieces};
use proto::{
    artifact::v1::artifact_service_server::ArtifactServiceServer,
    dispatch::v1::dispatch_service_server::DispatchServiceServer,
    job::v1::job_service_server::JobServiceServer,
};
pub(crate) use refusal::Refusal;
use rpc::MeshIdentity;

use crate::{core::Core, fleet::Fleet, live::Live, records::Records};

/// What every handler works with.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) core: Core,
    pub(crate) records: Records,
    pub(crate) store: ArtifactStore,
    pub(crate) identity: Arc<MeshIdentity>,
    pub(crate) live: Live,
    pub(crate) fleet: Fleet,
    pub(crate) lease_ttl_ms: i64,
    pub(crate) program: Program,
    pub(crate) operator: Option<Operator>,
}

/// The three services.
pub(crate) fn services(state: State) -> rpc::Services {
    let limit = rpc::message_limit;
    let jobs = JobServiceServer::new(jobs::Jobs::new(state.clone()))
        .max_decoding_message_size(limit("aibom.job.v1.JobService"));
    let artifacts = ArtifactServiceServer::new(artifact::Artifacts::new(state.clone()))
        .max_decoding_message_size(limit("aibom.artifact.v1.ArtifactService"));
    let dispatch = DispatchServiceServer::new(dispatch::Dispatch::new(state))
        .max_decoding_message_size(limit("aibom.dispatch.v1.DispatchService"));
    rpc::Services::new().add(jobs).add(artifacts).add(dispatch)
}
