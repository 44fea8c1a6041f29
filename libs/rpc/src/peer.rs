//! Who is calling: the verified identity of the connection, as handlers see it.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use ids::{Role, SpiffeId};
use keys::{Identity, PublicKey};
use tonic::{Request, Status};

use crate::{refusal::Refusal, status::to_status};

/// The caller, from its certificate; only a completed handshake makes one.
#[derive(Debug, Clone)]
pub struct Peer {
    identity: Identity,
    chain: Vec<Vec<u8>>,
    remote: SocketAddr,
}

impl Peer {
    pub(crate) const fn new(identity: Identity, chain: Vec<Vec<u8>>, remote: SocketAddr) -> Self {
        Self { identity, chain, remote }
    }

    /// Who it is.
    #[must_use]
    pub const fn spiffe_id(&self) -> &SpiffeId {
        self.identity.spiffe_id()
    }

    /// What it is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.identity.spiffe_id().role()
    }

    /// The key that its certificate certifies.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        self.identity.public_key()
    }

    /// The verified identity itself.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The leaf certificate, DER.
    #[must_use]
    pub fn leaf_der(&self) -> &[u8] {
        self.identity.certificate().der()
    }

    /// The chain that it sent, leaf first, DER.
    #[must_use]
    pub fn chain_der(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The address that it connects from.
    #[must_use]
    pub const fn remote_addr(&self) -> SocketAddr {
        self.remote
    }
}

/// When the call must have ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(pub(crate) Instant);

/// The caller of a request.
///
/// # Errors
/// UNAUTHENTICATED (`NO_CERTIFICATE`) for a call through a public listener.
pub fn peer<T>(request: &Request<T>) -> Result<&Peer, Status> {
    match request.extensions().get::<Arc<Peer>>() {
        Some(peer) => Ok(peer),
        None => Err(to_status(&Refusal::NoCertificate { method: "this call" })),
    }
}

/// When the call must have ended; none for streams without a bound.
#[must_use]
pub fn deadline<T>(request: &Request<T>) -> Option<Instant> {
    request.extensions().get::<Deadline>().map(|deadline| deadline.0)
}
