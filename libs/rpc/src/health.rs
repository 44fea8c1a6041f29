//! grpc.health.v1: one state for all services of a server, flipped at once; watches end at drain.

use std::{pin::Pin, sync::Arc};

use futures::Stream;
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_server::{Health, HealthServer},
};

/// Whether a server takes work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthState {
    /// It takes work.
    Ready,
    /// It does not, for this reason.
    NotReady(String),
    /// It ends; this state is final.
    Draining,
}

/// Flips the health of all services of one server, "" included, at once.
#[derive(Debug, Clone)]
pub struct HealthHandle {
    state: Arc<watch::Sender<HealthState>>,
}

impl HealthHandle {
    pub(crate) fn new() -> Self {
        let starting = HealthState::NotReady("starting".into());
        Self { state: Arc::new(watch::Sender::new(starting)) }
    }

    fn set(&self, new: &HealthState) {
        let changed = self.state.send_if_modified(|state| {
            let changes = state != new && *state != HealthState::Draining;
            if changes {
                state.clone_from(new);
            }
            changes
        });
        if changed {
            metrics::gauge!("rpc_ready").set(f64::from(u8::from(*new == HealthState::Ready)));
            tracing::info!(state = ?new, "health changed");
        }
    }

    /// The server takes work.
    pub fn set_ready(&self) {
        self.set(&HealthState::Ready);
    }

    /// The server takes no work, for `reason`; calls are still answered.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.set(&HealthState::NotReady(reason.into()));
    }

    /// The server ends: watchers hear NOT_SERVING and their streams close. `Bound::serve` calls it
    /// itself when its shutdown begins.
    pub fn drain(&self) {
        self.set(&HealthState::Draining);
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> HealthState {
        self.state.borrow().clone()
    }
}

/// The service itself, for these names and "".
#[derive(Debug)]
pub(crate) struct HealthService {
    state: watch::Receiver<HealthState>,
    names: Vec<&'static str>,
}

/// The health service for `names` and "".
pub(crate) fn service(
    handle: &HealthHandle,
    names: Vec<&'static str>,
) -> HealthServer<HealthService> {
    HealthServer::new(HealthService { state: handle.state.subscribe(), names })
}

fn answer(state: &HealthState) -> HealthCheckResponse {
    let status = match state {
        HealthState::Ready => ServingStatus::Serving,
        HealthState::NotReady(_) | HealthState::Draining => ServingStatus::NotServing,
    };
    HealthCheckResponse { status: status.into() }
}

/// The next answer of a watch that differs from the last one; none once the server drains.
async fn next_answer(
    (mut state, last): (watch::Receiver<HealthState>, Option<i32>),
) -> Option<(Result<HealthCheckResponse, Status>, (watch::Receiver<HealthState>, Option<i32>))> {
    loop {
        state.changed().await.ok()?;
        let (new, draining) = {
            let state = state.borrow_and_update();
            (answer(&state), *state == HealthState::Draining)
        };
        if last != Some(new.status) {
            if draining {
                // The loop ends at the next poll: nothing changes after draining.
                state.mark_changed();
            }
            return Some((Ok(new), (state, Some(new.status))));
        }
        if draining {
            return None;
        }
    }
}

impl HealthService {
    fn known(&self, name: &str) -> Result<(), Status> {
        if name.is_empty() || self.names.contains(&name) {
            Ok(())
        } else {
            Err(Status::not_found("this server has no such service"))
        }
    }
}

#[tonic::async_trait]
impl Health for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.known(&request.get_ref().service)?;
        Ok(Response::new(answer(&self.state.borrow())))
    }

    type WatchStream =
        Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send + 'static>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.known(&request.get_ref().service)?;
        let mut state = self.state.clone();
        state.mark_changed();
        let states = futures::stream::unfold((state, None), next_answer);
        Ok(Response::new(Box::pin(states)))
    }
}
