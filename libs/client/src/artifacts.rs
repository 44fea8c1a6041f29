//! ArtifactService as a user calls it.

use ids::Sha256Digest;
use proto::artifact::v1::{
    StatRequest, StatResponse, artifact_service_client::ArtifactServiceClient, stat_request::Target,
};
use rpc::Channel;
use uuid::Uuid;

use crate::{CallError, call::retry};

/// A client of the scheduler's ArtifactService. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Artifacts {
    client: ArtifactServiceClient<Channel>,
    pub(crate) upload_secret: Option<[u8; 32]>,
}

impl Artifacts {
    /// A client over `channel`.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        let client =
            ArtifactServiceClient::new(channel).max_decoding_message_size(rpc::MAX_RESPONSE_BYTES);
        Self { client, upload_secret: None }
    }

    /// Lets a later process resume what this one began: upload ids are derived from `secret`, which
    /// nobody else may know, as an id lets its holder go on with an upload.
    #[must_use]
    pub const fn with_upload_secret(mut self, secret: [u8; 32]) -> Self {
        self.upload_secret = Some(secret);
        self
    }

    pub(crate) fn raw(&self) -> ArtifactServiceClient<Channel> {
        self.client.clone()
    }

    async fn stat(&self, target: Target) -> Result<StatResponse, CallError> {
        let answer = retry("cannot ask the store", || {
            let mut client = self.raw();
            let message = StatRequest { target: Some(target.clone()), lease: None };
            async move { client.stat(message).await }
        });
        Ok(answer.await?.into_inner())
    }

    /// Whether the caller may read these bytes from the store.
    ///
    /// # Errors
    /// When the store stays unreachable.
    pub async fn is_stored(&self, sha256: Sha256Digest) -> Result<bool, CallError> {
        match self.stat(Target::Sha256(sha256.to_hex())).await {
            Ok(answer) => Ok(answer.stored),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How many bytes of an upload are stored; 0 for one that never began.
    pub(crate) async fn committed(&self, upload: Uuid) -> Result<u64, CallError> {
        match self.stat(Target::UploadId(upload.to_string())).await {
            Ok(answer) => Ok(answer.size),
            Err(error) if error.is_not_found() => Ok(0),
            Err(error) => Err(error),
        }
    }
}
