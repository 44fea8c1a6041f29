//! The set of gRPC services that one server answers for.

use std::convert::Infallible;

use http::Request;
use tonic::{body::Body, server::NamedService, service::Routes};
use tower::Service;

/// The services of one server, by name; health and reflection come with the server.
#[derive(Debug, Clone, Default)]
pub struct Services {
    routes: Routes,
    names: Vec<&'static str>,
    duplicate: Option<&'static str>,
}

impl Services {
    /// No services yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a generated server, such as `JobServiceServer::new(…)`.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "the builder's word, as in tonic")]
    pub fn add<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        if self.names.contains(&S::NAME) {
            self.duplicate = Some(S::NAME);
            return self;
        }
        self.names.push(S::NAME);
        self.routes = self.routes.add_service(service);
        self
    }

    /// The full names of the services, `package.Service`.
    #[must_use]
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    pub(crate) const fn duplicate(&self) -> Option<&'static str> {
        self.duplicate
    }

    pub(crate) fn into_routes(self) -> Routes {
        self.routes.prepare()
    }
}
