//! The container engine as the scanner sees it: which image a name means, and its export.

use std::{fmt, path::PathBuf};

use bollard::{API_DEFAULT_VERSION, Docker};
use bytes::Bytes;
use futures::{StreamExt as _, stream::BoxStream};
use ids::Sha256Digest;
use job::Image;

/// How long the engine may take to begin an answer, in seconds.
const ANSWER_TIMEOUT_S: u64 = 120;

/// Why the engine did not give an image.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It does not have the image.
    #[error("the engine has no image {0}")]
    NotFound(String),
    /// It has an image by that name, but with another digest.
    #[error("the engine's image is not known to it as {0}")]
    OtherDigest(String),
    /// It does not answer, or answers with an error.
    #[error(
        "the engine at {} does not give the image; deploy/setup/engine.sh starts one",
        socket.display()
    )]
    Engine {
        /// Where it should answer.
        socket: PathBuf,
        /// What it said.
        #[source]
        source: bollard::errors::Error,
    },
}

/// An export: the bytes of a tar archive.
pub type Export = BoxStream<'static, Result<Bytes, EngineError>>;

/// Where images come from; the seam for tests without an engine.
#[async_trait::async_trait]
pub trait Images: Send + Sync + fmt::Debug {
    /// The engine's id of the image.
    ///
    /// # Errors
    /// When the engine does not have it or does not answer.
    async fn resolve(&self, image: &Image) -> Result<Sha256Digest, EngineError>;

    /// The bytes of the image with this id.
    fn export(&self, id: Sha256Digest) -> Export;
}

/// The engine behind a Unix socket; a connection per call, so that its restarts do not matter.
#[derive(Debug, Clone)]
pub struct Engine {
    socket: PathBuf,
}

impl Engine {
    /// The engine that answers at `socket`.
    #[must_use]
    pub const fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// A connection.
    pub(crate) async fn connect(&self) -> Result<Docker, EngineError> {
        let path = self.socket.to_string_lossy();
        let docker = Docker::connect_with_unix(&path, ANSWER_TIMEOUT_S, API_DEFAULT_VERSION)
            .map_err(|source| self.failed("", source))?;
        docker.negotiate_version().await.map_err(|source| self.failed("", source))
    }

    /// What an error about `image` means.
    pub(crate) fn failed(&self, image: &str, source: bollard::errors::Error) -> EngineError {
        match source {
            bollard::errors::Error::DockerResponseServerError { status_code: 404, .. } => {
                EngineError::NotFound(image.to_owned())
            }
            source => EngineError::Engine { socket: self.socket.clone(), source },
        }
    }
}

#[async_trait::async_trait]
impl Images for Engine {
    async fn resolve(&self, image: &Image) -> Result<Sha256Digest, EngineError> {
        if image.repository().is_none() {
            return Ok(image.digest());
        }
        // Here the digest is a manifest's: which configuration it leads to is the engine's word.
        let name = image.to_string();
        let found = self.connect().await?.inspect_image(&name).await;
        let found = found.map_err(|source| self.failed(&name, source))?;
        let known = found.repo_digests.unwrap_or_default().contains(&name);
        let id = found.id.as_deref().and_then(|id| id.strip_prefix("sha256:")?.parse().ok());
        id.filter(|_| known).ok_or(EngineError::OtherDigest(name))
    }

    fn export(&self, id: Sha256Digest) -> Export {
        let engine = self.clone();
        let name = format!("sha256:{id}");
        let opened = async move {
            match engine.connect().await {
                Ok(docker) => {
                    // Some engines answer an export of what they lack with 500, as if they failed.
                    if let Err(source) = docker.inspect_image(&name).await {
                        let missing = engine.failed(&name, source);
                        return futures::stream::once(async { Err(missing) }).boxed();
                    }
                    let pieces = docker.export_image(&name);
                    pieces
                        .map(move |piece| piece.map_err(|source| engine.failed(&name, source)))
                        .boxed()
                }
                Err(error) => futures::stream::once(async { Err(error) }).boxed(),
            }
        };
        futures::stream::once(opened).flatten().boxed()
    }
}
