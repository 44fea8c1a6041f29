//! Signed requests, made before any clock starts.

use std::sync::Arc;

use anyhow::Context as _;
use client::{Artifacts, LocalFile};
use evidence::Document;
use job::{REQUEST_PAYLOAD_TYPE, Request};
use rpc::Channel;
use testkit::evidence::Fixture;

use crate::{grpc::Submission, site::Site};

/// Threads that sign.
const SIGNERS: usize = 2;

/// The request of a real job (wine, Keras) by the site's user, whose inputs are in `inputs`.
pub(crate) fn template(site: &Site, inputs: &[LocalFile; 3]) -> Request {
    let mut request = Fixture::new().parts().request;
    request.user = site.mesh.user.id.clone();
    let files = &mut request.spec.inputs;
    for (file, local) in
        [&mut files.model, &mut files.dataset, &mut files.definition].into_iter().zip(inputs)
    {
        file.sha256 = local.digests.sha256;
        file.size = local.size;
    }
    request
}

/// The request `number` of a run: another idempotency key, so another job.
pub(crate) fn numbered(template: &Request, number: u64) -> Request {
    let mut request = template.clone();
    request.idempotency_key = uuid::Uuid::from_u128(u128::from(number) + 1);
    request
}

/// Signs one request as the user.
pub(crate) fn sign(site: &Site, request: &Request) -> Document {
    site.mesh.user.sign(REQUEST_PAYLOAD_TYPE, request)
}

/// Signs `count` requests, numbered from `first` on. Blocks.
pub(crate) fn sign_many(
    site: &Site,
    template: &Request,
    first: u64,
    count: usize,
) -> anyhow::Result<Arc<[Submission]>> {
    let share = count.div_ceil(SIGNERS).max(1) as u64;
    let parts = std::thread::scope(|scope| {
        let signers: Vec<_> = (0..SIGNERS as u64)
            .map(|part| {
                let from = first + part * share;
                scope.spawn(move || -> Vec<Submission> {
                    (from..from + share)
                        .map(|number| Submission::new(sign(site, &numbered(template, number))))
                        .collect()
                })
            })
            .collect();
        signers.into_iter().map(|signer| signer.join().ok()).collect::<Option<Vec<_>>>()
    });
    Ok(parts.context("a signing thread ended")?.into_iter().flatten().collect())
}

/// Writes three small inputs and uploads them, so that requests may name them.
pub(crate) async fn upload_inputs(site: &Site, channel: Channel) -> anyhow::Result<[LocalFile; 3]> {
    let artifacts = Artifacts::new(channel);
    let mut files = Vec::new();
    for name in ["model.keras", "dataset.csv", "definition.yaml"] {
        let path = site.path(name);
        std::fs::write(&path, format!("{name}: any bytes will do here\n"))?;
        let file = LocalFile::hash(&path)?;
        artifacts.upload(&file, Arc::new(|_| ())).await?;
        files.push(file);
    }
    files.try_into().map_err(|_| anyhow::anyhow!("three inputs"))
}
