//! AdvisoryService as a user or an approver calls it.

use evidence::Document;
use ids::{Sha256Digest, Timestamp};
use proto::advisory::v1::{self as wire, advisory_service_client::AdvisoryServiceClient};
use rpc::Channel;
use serde::Serialize;

use crate::{
    CallError,
    call::retry,
    job_view::{Malformed, malformed},
};

/// The newest scan of an image, as it came: nobody verified it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advisory {
    /// The signed scan.
    pub scan: Document,
    /// Counts the scans of this image that said something new, from 1.
    pub revision: u32,
}

/// An image in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdvisoryView {
    /// SHA-256 of the image.
    pub image: Sha256Digest,
    /// As in [`Advisory`].
    pub revision: u32,
    /// When its newest scan ended.
    pub scanned_at: Timestamp,
    /// When that scan's database was updated; absent when it had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_updated_at: Option<Timestamp>,
}

/// A page of images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdvisoryPage {
    /// In the order of their digests.
    pub advisories: Vec<AdvisoryView>,
    /// Asks for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl TryFrom<wire::Advisory> for AdvisoryView {
    type Error = Malformed;

    fn try_from(wire: wire::Advisory) -> Result<Self, Malformed> {
        let time = |field: &'static str, text: &str| -> Result<Timestamp, Malformed> {
            text.parse().map_err(|_| malformed(field, &text))
        };
        let updated = wire.database_updated_at.as_str();
        let image = wire.image_sha256.parse();
        Ok(Self {
            image: image.map_err(|_| malformed("advisory.image_sha256", &wire.image_sha256))?,
            revision: wire.revision,
            scanned_at: time("advisory.scanned_at", &wire.scanned_at)?,
            database_updated_at: match updated {
                "" => None,
                text => Some(time("advisory.database_updated_at", text)?),
            },
        })
    }
}

/// A client of the scheduler's AdvisoryService. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Advisories {
    client: AdvisoryServiceClient<Channel>,
}

impl Advisories {
    /// A client over `channel`.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        let client =
            AdvisoryServiceClient::new(channel).max_decoding_message_size(rpc::MAX_RESPONSE_BYTES);
        Self { client }
    }

    /// The newest scan of an image, not verified.
    ///
    /// # Errors
    /// NOT_FOUND when there is none that the caller may read, or when the scheduler stays
    /// unreachable.
    pub async fn get(&self, image: Sha256Digest) -> Result<Advisory, CallError> {
        let what = format!("cannot get the newest scan of the image sha256:{image}");
        let answer = retry(what.clone(), || {
            let mut client = self.client.clone();
            let message = wire::GetAdvisoryRequest { image_sha256: image.to_hex() };
            async move { client.get_advisory(message).await }
        });
        let wire::GetAdvisoryResponse { scan, revision } = answer.await?.into_inner();
        match scan {
            Some(scan) if revision > 0 => Ok(Advisory { scan: scan.into(), revision }),
            _ => Err(CallError::malformed(what, "it lacks the scan or its revision")),
        }
    }

    /// A page of the images whose scans the caller may read; `size` is 1 to 500.
    ///
    /// # Errors
    /// When the scheduler refuses or stays unreachable.
    pub async fn list(&self, size: u32, after: Option<&str>) -> Result<AdvisoryPage, CallError> {
        let what = "cannot list the images with scans";
        let token = after.unwrap_or_default().to_owned();
        let message = wire::ListAdvisoriesRequest { page_size: size, page_token: token };
        let answer = retry(what, || {
            let (mut client, message) = (self.client.clone(), message.clone());
            async move { client.list_advisories(message).await }
        });
        let answer = answer.await?.into_inner();
        let views: Result<_, Malformed> =
            answer.advisories.into_iter().map(AdvisoryView::try_from).collect();
        Ok(AdvisoryPage {
            advisories: views.map_err(|error| CallError::malformed(what, error))?,
            next: (!answer.next_page_token.is_empty()).then_some(answer.next_page_token),
        })
    }
}
