//! What a job left is nobody's until it is published.

use ids::Sha256Digest;
use proto::{
    artifact::v1::{DownloadRequest, StatRequest, stat_request::Target},
    job::v1::{CancelRequest, JobState},
};

use crate::{
    fake::{Answer, Fakes},
    world::{LOG, MODEL, World, reason, upload},
};

/// What alice gets when she asks for these bytes.
async fn fetched(world: &World, url: &str, content: &[u8]) -> Result<Vec<u8>, String> {
    let sha256 = Sha256Digest::of(content).to_hex();
    let mut client = world.artifacts(url, &world.mesh.user);
    let target = Some(Target::Sha256(sha256.clone()));
    let stat = client.stat(StatRequest { target, lease: None }).await.unwrap().into_inner();
    let ask = DownloadRequest { sha256, ..DownloadRequest::default() };
    let mut stream = match client.download(ask).await {
        Ok(stream) => stream.into_inner(),
        Err(status) => {
            assert!(!stat.stored, "whether it is there is not told");
            return Err(reason(&status));
        }
    };
    let mut got = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        got.extend_from_slice(&message.chunk);
    }
    Ok(got)
}

#[tokio::test]
async fn what_a_held_job_left_is_not_downloaded() {
    let answer = Answer::Held { version: 1, cves: vec!["CVE-1"] };
    let (world, _fakes) = Fakes::start(World::new(), answer).await;
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    let id = world.submit(url, 1).await.id;
    let lease = world.lease(url, &world.mesh.executor).await.unwrap();
    world.complete(url, lease).await;
    let held = world.reaches(url, &id, JobState::Held, 1).await;
    assert_eq!(held.outputs.first().unwrap().sha256, Sha256Digest::of(MODEL).to_hex());

    let hidden = Err("ARTIFACT_NOT_FOUND".to_owned());
    assert_eq!(fetched(&world, url, MODEL).await, hidden);
    assert_eq!(fetched(&world, url, LOG).await, Ok(LOG.to_vec()), "the log is hers at once");
    let mut jobs = world.jobs(url, &world.mesh.user);
    jobs.cancel(CancelRequest { id: id.clone() }).await.unwrap();
    world.reaches(url, &id, JobState::Cancelled, 1).await;
    assert_eq!(fetched(&world, url, MODEL).await, hidden, "nor what a cancelled one left");

    let own = uuid::Uuid::from_u128(20);
    upload(world.artifacts(url, &world.mesh.user), own, MODEL, 0, None).await.unwrap();
    assert_eq!(fetched(&world, url, MODEL).await, Ok(MODEL.to_vec()), "what she has is hers");
    running.stop().await;
}
