//! A mesh as its user reaches it: the profile, the identity, a channel to each service.

use std::sync::Arc;

use ids::Sha256Digest;
use keys::SigningKey as _;
use rpc::{Channel, ClientConfig, ConnectError, IdentityError, IdentityFiles, MeshIdentity};

use crate::{
    Advisories, Artifacts, CallError, Endpoint, IdentityPaths, Jobs, Profile, Review,
    call::{is_transient, pause},
};

/// How often a first connection is tried: 100, 200 and 400 ms lie between.
const REACH_TRIES: u32 = 4;
/// What the secret of upload ids is signed from; no document begins like this.
const UPLOAD_SECRET_LABEL: &[u8] = b"aibom.upload-secret.v1";

/// Why a mesh cannot be used; whether a service answers shows at the first call.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The user's certificate or key cannot be used.
    #[error("the user's identity cannot be used")]
    Identity(#[from] IdentityError),
    /// An address is not one.
    #[error("a service's address cannot be used")]
    Address(#[from] ConnectError),
}

/// A profile with its identity loaded. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mesh {
    profile: Arc<Profile>,
    identity: Arc<MeshIdentity>,
    scheduler: Channel,
}

impl Mesh {
    /// Loads the identity; nothing is connected yet.
    ///
    /// # Errors
    /// When the identity's files or the scheduler's address cannot be used.
    pub fn open(profile: Profile) -> Result<Self, OpenError> {
        let who = profile.identity.clone();
        Self::open_as(profile, who)
    }

    /// The same as the profile's approver; where it names none, its user is one.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_as_approver(profile: Profile) -> Result<Self, OpenError> {
        let who = profile.approver.as_ref().unwrap_or(&profile.identity).clone();
        Self::open_as(profile, who)
    }

    fn open_as(profile: Profile, who: IdentityPaths) -> Result<Self, OpenError> {
        let IdentityPaths { certificate, key, ca } = who;
        let identity = MeshIdentity::load(&IdentityFiles { certificate, key, ca })?;
        let scheduler = connect(&profile.services.scheduler, &identity)?;
        Ok(Self { profile: Arc::new(profile), identity, scheduler })
    }

    /// Connects to the scheduler now: a mesh that is not there is told of within a second, and not
    /// after all the patience of the calls that follow.
    ///
    /// # Errors
    /// When the scheduler does not answer.
    pub async fn reach(&self) -> Result<(), CallError> {
        let mut tries = 1;
        loop {
            match self.scheduler.probe().await {
                Ok(()) => return Ok(()),
                Err(status) if tries < REACH_TRIES && is_transient(&status) => {
                    tokio::time::sleep(pause(tries - 1)).await;
                    tries += 1;
                }
                Err(status) => return Err(CallError::new("cannot reach the mesh", status)),
            }
        }
    }

    /// The profile.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Who the user is.
    #[must_use]
    pub const fn identity(&self) -> &Arc<MeshIdentity> {
        &self.identity
    }

    /// The user's jobs.
    #[must_use]
    pub fn jobs(&self) -> Jobs {
        Jobs::new(self.scheduler.clone())
    }

    /// Held jobs.
    #[must_use]
    pub fn review(&self) -> Review {
        Review::new(self.scheduler.clone())
    }

    /// What is known today of images.
    #[must_use]
    pub fn advisories(&self) -> Advisories {
        Advisories::new(self.scheduler.clone())
    }

    /// The user's artifacts.
    #[must_use]
    pub fn artifacts(&self) -> Artifacts {
        let artifacts = Artifacts::new(self.scheduler.clone());
        match upload_secret(&self.identity) {
            Some(secret) => artifacts.with_upload_secret(secret),
            None => artifacts,
        }
    }

    /// A lazily connecting channel to any service of the mesh.
    ///
    /// # Errors
    /// When the address is not `https://host:port`.
    pub fn channel(&self, endpoint: &Endpoint) -> Result<Channel, ConnectError> {
        connect(endpoint, &self.identity)
    }
}

fn connect(endpoint: &Endpoint, identity: &Arc<MeshIdentity>) -> Result<Channel, ConnectError> {
    let config = ClientConfig::new(endpoint.url.clone(), endpoint.spiffe_id.clone());
    rpc::connect(&config, Arc::clone(identity))
}

/// The same for the same key, and known to its holder alone: our signatures are deterministic.
fn upload_secret(identity: &MeshIdentity) -> Option<[u8; 32]> {
    let signature = identity.signing_key().sign(UPLOAD_SECRET_LABEL).ok()?;
    Some(*Sha256Digest::of(&signature).as_bytes())
}
