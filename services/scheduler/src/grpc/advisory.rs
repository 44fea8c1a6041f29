//! AdvisoryService: what is known today of images that AIBoMs name.

use std::collections::BTreeSet;

use ids::{Role, Sha256Digest};
use proto::advisory::v1 as wire;
use rpc::Peer;
use tonic::{Request, Response, Status};

use super::{Refusal, State};
use crate::records::AdvisoryRecord;

/// Records that are read at a time for a list.
const PAGE: usize = 500;

/// The service.
#[derive(Debug)]
pub(crate) struct Advisories {
    state: State,
}

/// Whose advisories a caller may see.
enum Visible {
    /// Those of every image: an approver's.
    All,
    /// Those of own jobs and of the configured trainers.
    Images(BTreeSet<Sha256Digest>),
}

impl Visible {
    fn has(&self, image: &Sha256Digest) -> bool {
        match self {
            Self::All => true,
            Self::Images(images) => images.contains(image),
        }
    }
}

impl Advisories {
    pub(crate) const fn new(state: State) -> Self {
        Self { state }
    }

    async fn visible(&self, caller: &Peer) -> Result<Visible, Refusal> {
        let user = caller.spiffe_id().clone();
        if user.role() == Role::Approver {
            return Ok(Visible::All);
        }
        let mut images: BTreeSet<_> =
            self.state.fleet.configured().map(job::Image::digest).collect();
        let read = move |machine: &schedule::Machine| -> Vec<Sha256Digest> {
            let ran = machine.jobs_of(&user, None).filter(|job| job.documents.training.is_some());
            ran.map(|job| job.spec.trainer.image.digest()).collect()
        };
        images.extend(self.state.core.query(read).await?);
        Ok(Visible::Images(images))
    }
}

fn digest(field: &'static str, text: &str) -> Result<Sha256Digest, Refusal> {
    text.parse().map_err(|error| Refusal::argument(field, error))
}

fn short(image: Sha256Digest, record: &AdvisoryRecord) -> wire::Advisory {
    let updated = record.database_updated_at;
    wire::Advisory {
        image_sha256: image.to_hex(),
        revision: record.revision,
        scanned_at: record.scanned_at.to_string(),
        database_updated_at: updated.map(|at| at.to_string()).unwrap_or_default(),
    }
}

#[tonic::async_trait]
impl wire::advisory_service_server::AdvisoryService for Advisories {
    async fn get_advisory(
        &self,
        request: Request<wire::GetAdvisoryRequest>,
    ) -> Result<Response<wire::GetAdvisoryResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let image = digest("image_sha256", &request.get_ref().image_sha256)?;
        // What the caller may not see does not exist.
        let visible = self.visible(&caller).await?.has(&image);
        let found = if visible {
            self.state.records.advisory_scan(&image).map_err(Refusal::from)?
        } else {
            None
        };
        let (record, scan) = found.ok_or_else(|| Refusal::NoAdvisory(image.to_hex()))?;
        let revision = record.revision;
        Ok(Response::new(wire::GetAdvisoryResponse { scan: Some(scan.into()), revision }))
    }

    async fn list_advisories(
        &self,
        request: Request<wire::ListAdvisoriesRequest>,
    ) -> Result<Response<wire::ListAdvisoriesResponse>, Status> {
        let caller = rpc::peer(&request)?.clone();
        let message = request.into_inner();
        let size = match message.page_size {
            0 => 50,
            n if n <= 500 => n as usize,
            n => return Err(Refusal::argument("page_size", format!("{n} is over 500")).into()),
        };
        let mut after = match message.page_token.as_str() {
            "" => None,
            token => Some(digest("page_token", token)?),
        };
        let visible = self.visible(&caller).await?;
        let mut advisories = Vec::new();
        // One more than fits tells whether there are more.
        while advisories.len() <= size {
            let page =
                self.state.records.advisories(after.as_ref(), PAGE).map_err(Refusal::from)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            let seen = page.iter().filter(|(image, _)| visible.has(image));
            advisories.extend(seen.map(|(image, record)| short(*image, record)));
        }
        let more = advisories.len() > size;
        advisories.truncate(size);
        let last = advisories.last().filter(|_| more);
        let next_page_token = last.map(|last| last.image_sha256.clone()).unwrap_or_default();
        Ok(Response::new(wire::ListAdvisoriesResponse { advisories, next_page_token }))
    }
}
