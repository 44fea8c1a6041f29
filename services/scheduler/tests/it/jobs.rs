//! What users may do with jobs.

use ids::Role;
use proto::job::v1::watch_response::Event;
use proto::job::v1::{CancelRequest, GetRequest, JobState, ListRequest, WatchRequest};

use crate::world::{World, reason};

#[tokio::test]
async fn a_submission_is_stored_once_under_its_key() {
    let world = World::new();
    let running = world.start().await;
    let url = &running.url;
    let mut jobs = world.jobs(url, &world.mesh.user);
    let request = world.request(1);
    let early = jobs.submit(world.sign(&request)).await.unwrap_err();
    assert_eq!(reason(&early), "INPUT_MISSING");

    world.upload_input(url).await;
    let first = jobs.submit(world.sign(&request)).await.unwrap().into_inner();
    let again = jobs.submit(world.sign(&request)).await.unwrap().into_inner();
    assert!(!first.existed && again.existed);
    assert_eq!(first.job.unwrap().id, again.job.as_ref().unwrap().id);
    let mut later = request.clone();
    later.requested_at = later.requested_at.plus_ms(1);
    let later = jobs.submit(world.sign(&later)).await.unwrap().into_inner();
    assert!(later.existed, "asked again a moment later, it is the same request");

    let mut other = request.clone();
    other.spec.parameters.seed += 1;
    let refused = jobs.submit(world.sign(&other)).await.unwrap_err();
    assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REUSED");
    running.stop().await;
}

#[tokio::test]
async fn a_request_that_its_sender_did_not_sign_is_refused() {
    let world = World::new();
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    let mut jobs = world.jobs(url, &world.mesh.user);

    let mut changed = world.sign(&world.request(1));
    let document = changed.request.as_mut().unwrap();
    let text = String::from_utf8(document.envelope.clone()).unwrap();
    let position = text.find("\"payload\":\"").unwrap() + 40;
    document.envelope[position] ^= 1;
    assert_eq!(reason(&jobs.submit(changed).await.unwrap_err()), "REQUEST_SIGNATURE");

    let bob = world.mesh.ca.party(Role::User, "bob");
    let mut by_bob = world.jobs(url, &bob);
    let alices = by_bob.submit(world.sign(&world.request(1))).await.unwrap_err();
    assert_eq!(reason(&alices), "NOT_YOUR_REQUEST");

    let mut bad = world.request(1);
    bad.spec.parameters.epochs = 0;
    let refused = jobs.submit(world.sign(&bad)).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_ARGUMENT");
    assert!(refused.message().contains("parameters.epochs is 0"), "{}", refused.message());
    running.stop().await;
}

#[tokio::test]
async fn another_users_job_does_not_exist() {
    let world = World::new();
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    let id = world.submit(url, 1).await.id;
    let bob = world.mesh.ca.party(Role::User, "bob");
    let mut jobs = world.jobs(url, &bob);
    let answers = [
        reason(&jobs.get(GetRequest { id: id.clone() }).await.unwrap_err()),
        reason(&jobs.cancel(CancelRequest { id: id.clone() }).await.unwrap_err()),
        reason(&jobs.watch(WatchRequest { id }).await.unwrap_err()),
    ];
    assert_eq!(answers, ["JOB_NOT_FOUND", "JOB_NOT_FOUND", "JOB_NOT_FOUND"]);
    let list = jobs.list(ListRequest::default()).await.unwrap().into_inner();
    assert!(list.jobs.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn lists_come_in_pages_newest_first() {
    let world = World::new();
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    let mut submitted = Vec::new();
    for number in 1..=5 {
        submitted.push(world.submit(url, number).await.id);
    }
    submitted.sort();
    submitted.reverse();
    let mut jobs = world.jobs(url, &world.mesh.user);
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = ListRequest { page_size: 2, page_token: token };
        let page = jobs.list(page).await.unwrap().into_inner();
        seen.extend(page.jobs.into_iter().map(|job| job.id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, submitted);
    running.stop().await;
}

#[tokio::test]
async fn a_watcher_sees_every_transition_and_the_stream_ends() {
    let world = World::new();
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    let id = world.submit(url, 1).await.id;
    let mut jobs = world.jobs(url, &world.mesh.user);
    let mut stream = jobs.watch(WatchRequest { id: id.clone() }).await.unwrap().into_inner();
    let mut states = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        let Some(Event::Transition(transition)) = message.event else {
            continue;
        };
        states.push((transition.sequence, transition.job.unwrap().state()));
        if states.len() == 1 {
            jobs.cancel(CancelRequest { id: id.clone() }).await.unwrap();
        }
    }
    assert_eq!(states, [(1, JobState::Queued), (2, JobState::Cancelled)]);
    running.stop().await;
}
