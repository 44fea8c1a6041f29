//! A server: bind, serve, and end within a hard bound.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    ConnectionMetrics, Connections, HealthHandle, MeshIdentity, ServerConfig, Services, connection,
    health, meter::Budget, policy::Shared, rate::RateLimiter, reflection, topology::topology,
};

const METRICS: ConnectionMetrics = ConnectionMetrics {
    open: "rpc_connections",
    refused: connection::REFUSED_METRIC,
    cut_off: "rpc_drain_cut_off_total",
};

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address cannot be bound.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was given.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
}

/// Why a server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The same service was added twice.
    #[error("the service {0} was added twice")]
    Duplicate(&'static str),
    /// A service of which the policy table lists no RPC.
    #[error("the service {0} is not in docs/topology.toml")]
    NotListed(&'static str),
    /// The contracts cannot be reflected.
    #[error("cannot set up reflection")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// The entry to servers of the mesh.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Binds `config.listen`; nothing is accepted before [`Bound::serve`]. Runs inside a tokio
    /// runtime.
    ///
    /// # Errors
    /// When the address cannot be bound or TLS cannot be set up.
    #[expect(clippy::unused_async, reason = "says that it needs a runtime")]
    pub async fn bind(
        config: ServerConfig,
        identity: Arc<MeshIdentity>,
    ) -> Result<Bound, BindError> {
        let failed = |source| BindError::Listen { address: config.listen, source };
        let listener = std::net::TcpListener::bind(config.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let tls = Arc::new(crate::tls::server_config(&identity, config.public)?);
        Ok(Bound { config, identity, listener, address, tls, health: HealthHandle::new() })
    }
}

/// A server that listens but does not serve yet.
#[derive(Debug)]
pub struct Bound {
    config: ServerConfig,
    identity: Arc<MeshIdentity>,
    listener: TcpListener,
    address: SocketAddr,
    tls: Arc<rustls::ServerConfig>,
    health: HealthHandle,
}

impl Bound {
    /// The address that clients connect to.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The switch of this server's health; it starts as not ready.
    #[must_use]
    pub fn health(&self) -> HealthHandle {
        self.health.clone()
    }

    /// Serves until `shutdown`, then drains: not serving, no new connections, health watches end,
    /// calls in flight go on for up to `drain_ms`, and what still runs then is cut off.
    ///
    /// # Errors
    /// When a service was added twice or is not in the policy table.
    pub async fn serve(
        self,
        services: Services,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let drain = Duration::from_millis(self.config.drain_ms);
        let health = self.health.clone();
        let (listener, shared) = self.share(services)?;
        let (draining, stop) = (CancellationToken::new(), CancellationToken::new());
        let _cuts_all = stop.clone().drop_guard();
        let mut connections = Connections::new(&shared.limits, METRICS);
        let serve = |stream, remote, place| {
            let (shared, draining) = (Arc::clone(&shared), draining.clone());
            connection::run(stream, remote, place, shared, draining, stop.child_token())
        };
        connections.accept(&listener, &shutdown, serve).await;
        health.not_ready("shutting down");
        drop(listener);
        health.drain();
        draining.cancel();
        connections.drain(drain).await;
        Ok(())
    }

    fn share(self, services: Services) -> Result<(TcpListener, Arc<Shared>), ServeError> {
        if let Some(name) = services.duplicate() {
            return Err(ServeError::Duplicate(name));
        }
        let names = services.names().to_vec();
        let unlisted = |name: &&&'static str| crate::topology::message_limit(name) == 0;
        if let Some(name) = names.iter().find(unlisted) {
            return Err(ServeError::NotListed(name));
        }
        let limits = self.config.limits;
        let services = services.add(health::service(&self.health, names.clone()));
        let routes = reflection::add(services.into_routes(), &names)?.prepare();
        let rate = self
            .config
            .public
            .then(|| RateLimiter::new(limits.public_calls_per_second, limits.public_burst));
        let shared = Shared {
            identity: self.identity,
            tls: self.tls,
            public: self.config.public,
            topology: topology(),
            routes,
            places: Arc::new(Semaphore::new(limits.max_calls.clamp(1, Semaphore::MAX_PERMITS))),
            budget: Arc::new(Budget::new(limits.max_request_bytes_in_flight)),
            rate,
            limits,
        };
        Ok((self.listener, Arc::new(shared)))
    }
}
