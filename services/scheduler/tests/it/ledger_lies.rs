//! A ledger that lies: its answers are not taken, the job waits and says why, and goes on when the
//! ledger is as it was.

use std::time::Duration;

use ids::Sha256Digest;
use proto::job::v1::{GetRequest, Job, JobState};

use crate::{
    fake::{Answer, Fakes},
    ledger_fake::{LedgerFake, Mood},
    world::{Running, World},
};

/// A world whose jobs are signed, with a ledger in this mood.
async fn start(mood: Mood) -> (World, Fakes, LedgerFake, Running) {
    let (world, fakes) = Fakes::start(World::new(), Answer::Signed).await;
    let (world, ledger) = LedgerFake::start(world, mood).await;
    let running = world.start().await;
    world.upload_input(&running.url).await;
    (world, fakes, ledger, running)
}

/// A job of alice's that was trained; what comes after goes on by itself.
async fn trained(world: &World, url: &str, number: u64) -> String {
    let id = world.submit(url, number).await.id;
    let lease = world.lease(url, &world.mesh.executor).await.unwrap();
    world.complete(url, lease).await;
    id
}

/// The job once it is in `state` for `reason`.
async fn waits(world: &World, url: &str, id: &str, state: JobState, reason: &str) -> Job {
    let mut jobs = world.jobs(url, &world.mesh.user);
    let mut again = tokio::time::interval(Duration::from_millis(20));
    let look = async {
        loop {
            again.tick().await;
            let ask = GetRequest { id: id.to_owned() };
            let job = jobs.get(ask).await.unwrap().into_inner().job.unwrap();
            if job.state() == state && job.reason == reason {
                return job;
            }
            assert!(!job.message.contains("evidence"), "{job:?}");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.expect(reason)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_proves_nothing_is_not_taken() {
    let lies = [Mood::ProvesAnother, Mood::SignsWithAnotherKey];
    for lie in lies {
        let (world, _fakes, ledger, running) = Box::pin(start(lie)).await;
        let id = trained(&world, &running.url, 1).await;
        let job = waits(&world, &running.url, &id, JobState::Logging, "LEDGER_LIES").await;
        assert!(job.message.starts_with("ledger: the answer proves nothing"), "{}", job.message);
        ledger.be(Mood::Honest);
        world.reaches(&running.url, &id, JobState::Publishing, 1).await;
        running.stop().await;
    }
}

/// The ledger keeps the first tag for ever, so the job would wait for ever; nobody verifies by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_with_another_tag_holds_no_job() {
    let (world, _fakes, ledger, running) = Box::pin(start(Mood::Retags)).await;
    let id = trained(&world, &running.url, 1).await;
    world.reaches(&running.url, &id, JobState::Publishing, 1).await;
    let tag = bundle::Tag::from_bytes([0; 16]);
    assert!(ledger.entries().iter().all(|entry| entry.tag == tag), "it was retagged");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_trust_root_a_trained_job_waits_and_with_a_known_one_it_goes_on() {
    let (world, fakes) = Fakes::start(World::new(), Answer::Signed).await;
    let (world, _ledger) = LedgerFake::start(world, Mood::Honest).await;
    fakes.hide_root(true);
    let running = world.start().await;
    world.upload_input(&running.url).await;
    let first = trained(&world, &running.url, 1).await;
    let job = waits(&world, &running.url, &first, JobState::Logging, "STAGE_UNAVAILABLE").await;
    assert!(job.message.contains("NO_TRUST_ROOT"), "{}", job.message);
    fakes.hide_root(false);
    world.reaches(&running.url, &first, JobState::Publishing, 1).await;
    fakes.hide_root(true);
    let second = trained(&world, &running.url, 2).await;
    world.reaches(&running.url, &second, JobState::Publishing, 1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn witnesses_that_are_away_are_no_lie() {
    let (world, _fakes, ledger, running) = Box::pin(start(Mood::Unwitnessed)).await;
    let id = trained(&world, &running.url, 1).await;
    let job = waits(&world, &running.url, &id, JobState::Logging, "STAGE_UNAVAILABLE").await;
    assert!(job.message.contains("ledger.witnesses"), "{}", job.message);
    ledger.be(Mood::Honest);
    world.reaches(&running.url, &id, JobState::Publishing, 1).await;
    running.stop().await;
}

/// Fault 24: a ledger whose state was restored from an old backup, also over a restart of the
/// scheduler.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_was_rolled_back_is_refused_until_it_has_its_entries_again() {
    let (world, _fakes, ledger, running) = Box::pin(start(Mood::Honest)).await;
    for number in 1..=3 {
        let id = trained(&world, &running.url, number).await;
        world.reaches(&running.url, &id, JobState::Publishing, 1).await;
    }
    let whole = ledger.entries();
    assert!(whole.len() >= 3);
    running.stop().await;

    let running = world.start().await;
    ledger.forget_after(1);
    let id = trained(&world, &running.url, 4).await;
    let job = waits(&world, &running.url, &id, JobState::Logging, "LEDGER_ROLLED_BACK").await;
    assert!(job.message.contains("it was rolled back"), "{}", job.message);
    ledger.rewrite(whole);
    world.reaches(&running.url, &id, JobState::Publishing, 1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_with_another_history_is_refused_however_long_it_is() {
    let (world, _fakes, ledger, running) = Box::pin(start(Mood::Honest)).await;
    let id = trained(&world, &running.url, 1).await;
    world.reaches(&running.url, &id, JobState::Publishing, 1).await;
    let mut forked = ledger.entries();
    forked[0].commitment = Sha256Digest::of(b"somebody else's");
    forked.extend(forked.clone());
    for (number, entry) in forked.iter_mut().enumerate().skip(1) {
        entry.commitment = Sha256Digest::of(&[u8::try_from(number).unwrap()]);
    }
    ledger.rewrite(forked);
    let id = trained(&world, &running.url, 2).await;
    let job = waits(&world, &running.url, &id, JobState::Logging, "LEDGER_ROLLED_BACK").await;
    assert!(job.message.contains("its history was exchanged"), "{}", job.message);
    running.stop().await;
}
