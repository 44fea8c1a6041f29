//! Held jobs: who sees them, and what releases them.

use evidence::{Document, RELEASE_PAYLOAD_TYPE, RELEASE_SCHEMA, Release};
use ids::{Role, Sha256Digest, Timestamp};
use proto::{
    job::v1::{CancelRequest, GetRequest, JobState},
    review::v1::{GetHoldRequest, ListHeldRequest, ReleaseRequest},
};
use testkit::mesh::Party;
use tonic::{Code, Status};

use crate::{
    fake::{Answer, Fakes, evidence, policy},
    world::{Running, World, reason},
};

const CVES: [&str; 2] = ["CVE-1", "CVE-2"];

fn key(cve: &str) -> String {
    format!("vulnerability {cve} pkg:pypi/keras@3.0.0")
}

/// A job that version 1 of the policy holds for [`CVES`].
async fn held(world: &World, running: &Running, number: u64) -> String {
    let url = &running.url;
    world.upload_input(url).await;
    let id = world.submit(url, number).await.id;
    let lease = world.lease(url, &world.mesh.executor).await.unwrap();
    world.complete(url, lease).await;
    world.reaches(url, &id, JobState::Held, 1).await;
    id
}

async fn start() -> (World, Fakes, Running) {
    let answer = Answer::Held { version: 1, cves: CVES.to_vec() };
    let (world, fakes) = Fakes::start(World::new(), answer).await;
    let running = world.start().await;
    (world, fakes, running)
}

fn release(job: &str) -> Release {
    Release {
        schema: RELEASE_SCHEMA.to_owned(),
        job: job.parse().unwrap(),
        evidence: evidence(),
        policy: policy(1),
        violations: CVES.map(key).to_vec(),
        reason: "not reachable".to_owned(),
        decided_at: Timestamp::from(std::time::SystemTime::now()),
    }
}

fn signed(by: &Party, release: &Release) -> Document {
    by.sign(RELEASE_PAYLOAD_TYPE, release)
}

async fn send(
    world: &World,
    running: &Running,
    by: &Party,
    document: &Document,
) -> Result<JobState, Status> {
    let message = ReleaseRequest { release: Some(document.clone().into()) };
    let answer = world.review(&running.url, by).release(message).await?;
    Ok(answer.into_inner().job.unwrap().state())
}

#[tokio::test]
async fn approvers_see_every_held_job_and_users_their_own() {
    let (world, _fakes, running) = start().await;
    let first = held(&world, &running, 1).await;
    let second = held(&world, &running, 2).await;
    let mut review = world.review(&running.url, &world.mesh.approver);
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = ListHeldRequest { page_size: 1, page_token: token };
        let page = review.list_held(page).await.unwrap().into_inner();
        seen.extend(page.jobs);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let ids: Vec<String> = seen.iter().map(|held| held.job.clone().unwrap().id).collect();
    assert_eq!(ids, [first.clone(), second], "soonest to end first");
    assert_eq!(
        (seen[0].user.as_str(), seen[0].violations),
        (world.mesh.user.id.to_string().as_str(), 2)
    );
    let until = seen[0].held_until.unwrap().seconds * 1_000;
    let now = Timestamp::from(std::time::SystemTime::now());
    let day_ms = 24 * 3_600_000;
    assert!(until - now.unix_ms() < day_ms, "no longer than the certificates of the evidence");

    let ask = GetHoldRequest { id: first.clone() };
    let hold = review.get_hold(ask.clone()).await.unwrap().into_inner();
    assert_eq!(hold.violations.iter().map(|v| v.key.clone()).collect::<Vec<_>>(), CVES.map(key));
    assert_eq!((hold.policy_name.as_str(), hold.policy_version), ("standard", 1));
    let mut own = world.review(&running.url, &world.mesh.user);
    assert_eq!(own.get_hold(ask.clone()).await.unwrap().into_inner(), hold);
    let all = own.list_held(ListHeldRequest::default()).await.unwrap_err();
    assert_eq!(all.code(), Code::PermissionDenied, "{all:?}");
    let eve = world.mesh.ca.party(Role::User, "eve");
    let others = world.review(&running.url, &eve).get_hold(ask).await.unwrap_err();
    assert_eq!(reason(&others), "JOB_NOT_FOUND");
    let queued = GetHoldRequest { id: world.submit(&running.url, 3).await.id };
    assert_eq!(reason(&own.get_hold(queued).await.unwrap_err()), "HOLD_NOT_FOUND");
    running.stop().await;
}

#[tokio::test]
async fn a_release_that_does_not_fit_is_refused() {
    let (world, _fakes, running) = start().await;
    let id = held(&world, &running, 1).await;
    let bob = &world.mesh.approver;
    let good = release(&id);
    for party in [&world.mesh.user, &world.mesh.scheduler, &world.mesh.executor] {
        let refused = send(&world, &running, party, &signed(party, &good)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
    }
    let carol = world.mesh.ca.party(Role::Approver, "carol");
    let mut broken = signed(bob, &good);
    broken.envelope.clone_from(&signed(&carol, &good).envelope);
    let other = Sha256Digest::of(b"other");
    let now = good.decided_at;
    let mut unsorted = good.violations.clone();
    unsorted.reverse();
    let cases = [
        (signed(&carol, &good), "NOT_YOUR_RELEASE"),
        (broken, "RELEASE_SIGNATURE"),
        (signed(bob, &Release { evidence: other, ..good.clone() }), "HOLD_CHANGED"),
        (signed(bob, &Release { policy: other, ..good.clone() }), "HOLD_CHANGED"),
        (
            signed(bob, &Release { violations: vec![key("CVE-1")], ..good.clone() }),
            "RELEASE_INCOMPLETE",
        ),
        (signed(bob, &Release { violations: unsorted, ..good.clone() }), "INVALID_ARGUMENT"),
        (signed(bob, &Release { reason: " ".into(), ..good.clone() }), "INVALID_ARGUMENT"),
        (signed(bob, &Release { schema: "v2".into(), ..good.clone() }), "INVALID_ARGUMENT"),
        (
            signed(bob, &Release { decided_at: now.plus_ms(3_600_000), ..good.clone() }),
            "INVALID_ARGUMENT",
        ),
    ];
    for (number, (document, expected)) in cases.iter().enumerate() {
        let refused = send(&world, &running, bob, document).await.unwrap_err();
        assert_eq!(reason(&refused), *expected, "case {number}: {refused:?}");
        if *expected == "RELEASE_INCOMPLETE" {
            assert!(refused.message().contains(&key("CVE-2")), "{}", refused.message());
        }
    }
    let mut jobs = world.jobs(&running.url, &world.mesh.user);
    let job = jobs.get(GetRequest { id: id.clone() }).await.unwrap().into_inner().job.unwrap();
    assert_eq!((job.state(), job.reason.as_str()), (JobState::Held, "POLICY_HOLD"));
    jobs.cancel(CancelRequest { id: id.clone() }).await.unwrap();
    let late = send(&world, &running, bob, &signed(bob, &good)).await.unwrap_err();
    assert_eq!(reason(&late), "NOT_HELD");
    running.stop().await;
}

#[tokio::test]
async fn a_release_reaches_the_signer_as_the_approver_signed_it() {
    let (world, mut fakes, running) = start().await;
    let id = held(&world, &running, 1).await;
    let bob = &world.mesh.approver;
    fakes.forget();
    fakes.say(Answer::Away);
    let document = signed(bob, &release(&id));
    assert_eq!(send(&world, &running, bob, &document).await.unwrap(), JobState::Signing);
    assert_eq!(fakes.heard().await.release, Some(document.clone()));
    let again = send(&world, &running, bob, &document).await.unwrap();
    assert_eq!(again, JobState::Signing, "the same again changes nothing");
    let other = Release { reason: "another reason".into(), ..release(&id) };
    let other = send(&world, &running, bob, &signed(bob, &other)).await.unwrap_err();
    assert_eq!(reason(&other), "NOT_HELD");
    running.stop().await;
}

#[tokio::test]
async fn a_release_that_the_signer_does_not_take_leaves_the_job_held() {
    let (world, mut fakes, running) = start().await;
    let id = held(&world, &running, 1).await;
    let bob = &world.mesh.approver;

    fakes.say(Answer::Refused);
    send(&world, &running, bob, &signed(bob, &release(&id))).await.unwrap();
    let job = world.reaches(&running.url, &id, JobState::Held, 2).await;
    assert!(job.message.contains("release.role"), "{}", job.message);

    // The policy was changed in the meantime.
    fakes.say(Answer::Held { version: 2, cves: vec!["CVE-3"] });
    send(&world, &running, bob, &signed(bob, &release(&id))).await.unwrap();
    world.reaches(&running.url, &id, JobState::Held, 3).await;
    running.stop().await;

    fakes.forget();
    let running = world.start().await;
    let mut review = world.review(&running.url, bob);
    let hold = review.get_hold(GetHoldRequest { id: id.clone() }).await.unwrap().into_inner();
    assert_eq!((hold.policy_version, hold.violations.len()), (2, 1));
    let refused = send(&world, &running, bob, &signed(bob, &release(&id))).await.unwrap_err();
    assert_eq!(reason(&refused), "HOLD_CHANGED");
    fakes.say(Answer::Away);
    let right = Release { policy: policy(2), violations: vec![key("CVE-3")], ..release(&id) };
    let right = signed(bob, &right);
    send(&world, &running, bob, &right).await.unwrap();
    assert_eq!(fakes.heard().await.release, Some(right), "asked again only once it is released");
    running.stop().await;
}
