//! Bytes: resumed, bounded, and only for those who may.

use ids::{Role, Sha256Digest};
use proto::artifact::v1::{
    DownloadRequest, LeaseRef, StatRequest, UploadHeader, UploadRequest, stat_request::Target,
    upload_request::Part,
};

use crate::world::{INPUT, World, reason, upload};

#[tokio::test]
async fn an_upload_is_resumed_where_it_stopped() {
    let world = World::new();
    let running = world.start().await;
    let url = &running.url;
    let content: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let id = uuid::Uuid::from_u128(1);
    let mut client = world.artifacts(url, &world.mesh.user);

    let header = UploadHeader {
        upload_id: id.to_string(),
        sha256: Sha256Digest::of(&content).to_hex(),
        size: content.len() as u64,
        ..UploadHeader::default()
    };
    let first = bytes::Bytes::copy_from_slice(&content[..4_000]);
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    for part in [Part::Header(header), Part::Chunk(first)] {
        sender.send(UploadRequest { part: Some(part) }).await.unwrap();
    }
    drop(sender);
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let short = client.upload(stream).await.unwrap_err();
    assert_eq!(reason(&short), "UPLOAD_INCOMPLETE");

    let target = Some(Target::UploadId(id.to_string()));
    let staged = client.stat(StatRequest { target, lease: None }).await.unwrap().into_inner();
    assert_eq!(staged.size, 4_000, "what came is kept");
    let offset = usize::try_from(staged.size).unwrap();
    let stored = upload(client, id, &content, offset, None).await.unwrap();
    assert_eq!(stored.sha256, Sha256Digest::of(&content).to_hex());
    running.stop().await;
}

#[tokio::test]
async fn a_user_reads_only_what_is_theirs() {
    let world = World::new();
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    let sha256 = Sha256Digest::of(INPUT).to_hex();
    let ask = DownloadRequest { sha256: sha256.clone(), ..DownloadRequest::default() };
    let mut own = world.artifacts(url, &world.mesh.user);
    let mut stream = own.download(ask.clone()).await.unwrap().into_inner();
    let mut got = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        got.extend_from_slice(&message.chunk);
    }
    assert_eq!(got, INPUT);

    let bob = world.mesh.ca.party(Role::User, "bob");
    let mut others = world.artifacts(url, &bob);
    let refused = others.download(ask).await.unwrap_err();
    assert_eq!(reason(&refused), "ARTIFACT_NOT_FOUND");
    let target = Some(Target::Sha256(sha256));
    let stat = others.stat(StatRequest { target, lease: None }).await.unwrap().into_inner();
    assert!(!stat.stored, "whether another has it is not told");
    running.stop().await;
}

#[tokio::test]
async fn an_executor_reads_its_inputs_and_writes_within_its_lease() {
    let world = World::new();
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    let other = b"not an input";
    let id = uuid::Uuid::from_u128(9);
    let users = world.artifacts(url, &world.mesh.user);
    upload(users, id, other, 0, None).await.unwrap();
    world.submit(url, 1).await;
    let lease = world.lease(url, &world.mesh.executor).await.unwrap();
    let lease = LeaseRef {
        job_id: lease.job_id,
        attempt: lease.attempt,
        fencing_token: lease.fencing_token,
    };

    let mut client = world.artifacts(url, &world.mesh.executor);
    let ask = |digest: Sha256Digest, lease: Option<LeaseRef>| DownloadRequest {
        sha256: digest.to_hex(),
        offset: 0,
        lease,
    };
    let input = Sha256Digest::of(INPUT);
    assert!(client.download(ask(input, Some(lease.clone()))).await.is_ok());
    let outside = client.download(ask(Sha256Digest::of(other), Some(lease.clone()))).await;
    assert_eq!(reason(&outside.unwrap_err()), "OUTSIDE_LEASE");
    let without = client.download(ask(input, None)).await;
    assert_eq!(reason(&without.unwrap_err()), "INVALID_ARGUMENT");

    let stale = LeaseRef { fencing_token: lease.fencing_token + 1, ..lease.clone() };
    let refused = upload(client.clone(), id, b"output", 0, Some(stale)).await;
    assert_eq!(reason(&refused.unwrap_err()), "LEASE_LOST");
    let id = uuid::Uuid::from_u128(10);
    assert!(upload(client.clone(), id, b"output", 0, Some(lease.clone())).await.is_ok());
    let huge = UploadHeader {
        upload_id: uuid::Uuid::from_u128(11).to_string(),
        sha256: Sha256Digest::of(b"huge").to_hex(),
        size: 1 << 40,
        offset: 0,
        lease: Some(lease),
    };
    let huge = tokio_stream::iter([UploadRequest { part: Some(Part::Header(huge)) }]);
    assert_eq!(reason(&client.upload(huge).await.unwrap_err()), "OUTPUT_QUOTA");
    running.stop().await;
}
