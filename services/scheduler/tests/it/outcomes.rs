//! Every outcome is in the ledger: failures, denials, holds, releases, cancellations, key changes;
//! whatever crashes, whoever is away; each told to its owner and to nobody else.

use std::time::Duration;

use bundle::{Inclusion, Tag, commitment};
use evidence::{
    About, Document, JobOutcome, Outcome, RELEASE_PAYLOAD_TYPE, RELEASE_SCHEMA, Release,
};
use ids::{Role, Timestamp};
use proto::{
    dispatch::v1::{CompleteRequest, Failure, FailureKind, complete_request::Result as Ended},
    job::v1::{
        CancelRequest, DiscloseRequest, GetMonitorKeyRequest, JobState, ListRecordsRequest,
        LoggedRecord,
    },
    review::v1::ReleaseRequest,
};
use testkit::mesh::Party;
use tonic::{Code, Status};
use verify::verify_record;

use crate::{
    crash::Process,
    fake::{Answer, Fakes, attestation, evidence, policy},
    ledger_fake::{LedgerFake, Mood},
    world::{World, reason},
};

const CVE: &str = "CVE-1";

async fn world(answer: Answer, mood: Mood) -> (World, Fakes, LedgerFake) {
    let (world, fakes) = Fakes::start(World::new(), answer).await;
    let (world, ledger) = LedgerFake::start(world, mood).await;
    (world, fakes, ledger)
}

async fn list(
    world: &World,
    url: &str,
    party: &Party,
    job: &str,
) -> Result<(Vec<LoggedRecord>, u32), Status> {
    let (mut records, mut token) = (Vec::new(), String::new());
    loop {
        let page_size = 1;
        let ask = ListRecordsRequest { job_id: job.to_owned(), page_size, page_token: token };
        let page = world.jobs(url, party).list_records(ask).await?.into_inner();
        records.extend(page.records);
        token = page.next_page_token;
        if token.is_empty() {
            return Ok((records, page.pending));
        }
    }
}

/// The records of a job once there are `count` and none is on its way; each verifies.
async fn logged(world: &World, url: &str, job: &str, count: usize) -> Vec<(About, LoggedRecord)> {
    let mut again = tokio::time::interval(Duration::from_millis(20));
    let look = async {
        loop {
            again.tick().await;
            let (records, pending) = list(world, url, &world.mesh.user, job).await.unwrap();
            if records.len() >= count && pending == 0 {
                return records;
            }
        }
    };
    let records = tokio::time::timeout(Duration::from_secs(60), look).await.expect("it is logged");
    assert_eq!(records.len(), count);
    let root = world.mesh.trust_root();
    let verified = records.into_iter().map(|record| {
        let document: Document = record.record.clone().unwrap().into();
        let LoggedRecord { salt, entry, proof, .. } = record.clone();
        let verdict = verify_record(&document, &Inclusion { salt, entry, proof }, &root);
        assert!(verdict.checks.all_passed(), "{:?}", verdict.checks);
        let proved = verdict.record.unwrap();
        (proved.record().about.clone(), record)
    });
    verified.collect()
}

fn outcome(about: &About) -> &JobOutcome {
    let About::Job(outcome) = about else { unreachable!("it is of a job: {about:?}") };
    outcome
}

async fn monitor_key(world: &World, url: &str, party: &Party) -> Result<[u8; 32], Status> {
    let answer = world.jobs(url, party).get_monitor_key(GetMonitorKeyRequest {}).await?;
    Ok(answer.into_inner().key.try_into().unwrap())
}

async fn cancelled(world: &World, url: &str, number: u64) -> String {
    let id = world.submit(url, number).await.id;
    let ask = CancelRequest { id: id.clone() };
    world.jobs(url, &world.mesh.user).cancel(ask).await.unwrap();
    id
}

async fn released(world: &World, url: &str, job: &str) {
    let release = Release {
        schema: RELEASE_SCHEMA.to_owned(),
        job: job.parse().unwrap(),
        evidence: evidence(),
        policy: policy(1),
        violations: vec![format!("vulnerability {CVE} pkg:pypi/keras@3.0.0")],
        reason: "not reachable".to_owned(),
        decided_at: Timestamp::from(std::time::SystemTime::now()),
    };
    let bob = &world.mesh.approver;
    let release = Some(bob.sign(RELEASE_PAYLOAD_TYPE, &release).into());
    world.review(url, bob).release(ReleaseRequest { release }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_releases_and_denials_are_logged_in_their_order() {
    let answer = Answer::Held { version: 1, cves: vec![CVE] };
    let (world, fakes, _ledger) = world(answer, Mood::Honest).await;
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    let held = world.submit(url, 1).await;
    let lease = world.lease(url, &world.mesh.executor).await.unwrap();
    world.complete(url, lease).await;
    world.reaches(url, &held.id, JobState::Held, 1).await;
    fakes.say(Answer::Refused);
    released(&world, url, &held.id).await;
    world.reaches(url, &held.id, JobState::Held, 2).await;
    let records = logged(&world, url, &held.id, 3).await;
    let outcomes: Vec<_> = records.iter().map(|(about, _)| outcome(about).outcome).collect();
    assert_eq!(outcomes, [Outcome::Held, Outcome::Released, Outcome::ReleaseRefused]);
    for (about, _) in &records {
        let said = outcome(about);
        assert_eq!(
            (said.policy, said.request.to_hex()),
            (Some(policy(1)), held.request_digest.clone())
        );
        assert!(said.training.is_some() && said.grant.is_some() && !said.scans.is_empty());
        assert_eq!(said.release.is_some(), said.outcome != Outcome::Held);
    }
    let (seen, _) = list(&world, url, &world.mesh.approver, &held.id).await.unwrap();
    assert_eq!(seen.len(), 3, "approvers see what became of held jobs");

    // Another is denied without a hold, and one fails in training.
    let denied = world.submit(url, 2).await;
    let lease = world.lease(url, &world.mesh.executor).await.unwrap();
    world.complete(url, lease).await;
    world.reaches(url, &denied.id, JobState::Failed, 1).await;
    let records = logged(&world, url, &denied.id, 1).await;
    let said = outcome(&records[0].0);
    assert_eq!((said.outcome, said.reason), (Outcome::Failed, Some(job::Reason::EvidenceRefused)));
    let failed = world.submit(url, 3).await;
    let lease = world.lease(url, &world.mesh.executor).await.unwrap();
    let failure = Failure {
        kind: FailureKind::Job.into(),
        reason: "TRAINING_FAILED".into(),
        ..Failure::default()
    };
    let report = CompleteRequest {
        job_id: lease.job_id,
        attempt: lease.attempt,
        fencing_token: lease.fencing_token,
        result: Some(Ended::Failure(failure)),
    };
    world.dispatch(url, &world.mesh.executor).complete(report).await.unwrap();
    let records = logged(&world, url, &failed.id, 1).await;
    let said = outcome(&records[0].0);
    assert_eq!((said.outcome, said.reason), (Outcome::Failed, Some(job::Reason::TrainingFailed)));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_is_known_to_its_owner_alone() {
    let (world, mut fakes, ledger) = world(Answer::Signed, Mood::Honest).await;
    let running = world.start().await;
    let (url, alice) = (&running.url, &world.mesh.user);
    world.upload_input(url).await;
    let id = cancelled(&world, url, 1).await;
    let records = logged(&world, url, &id, 1).await;
    let signed = world.submit(url, 2).await;
    let lease = world.lease(url, &world.mesh.executor).await.unwrap();
    world.complete(url, lease).await;
    world.reaches(url, &signed.id, JobState::Publishing, 1).await;

    let key = monitor_key(&world, url, alice).await.unwrap();
    let eve = world.mesh.ca.party(Role::User, "eve");
    let other = monitor_key(&world, url, &eve).await.unwrap();
    assert_ne!(key, other);
    let mine = ledger.entries_of(&key);
    assert_eq!((mine.len(), ledger.entries_of(&other).len()), (2, 0));
    let LoggedRecord { entry, .. } = &records[0].1;
    assert_eq!(bundle::LedgerEntry::parse(entry).unwrap(), mine[0]);
    let record: Document = records[0].1.record.clone().unwrap().into();
    let attested = attestation(&fakes.heard().await.grant.digest());
    let jobs = [(&id, record.envelope), (&signed.id, attested)];
    for (entry, (id, envelope)) in mine.iter().zip(jobs) {
        let ask = DiscloseRequest { commitment: entry.commitment.as_bytes().to_vec() };
        let told = world.jobs(url, alice).disclose(ask.clone()).await.unwrap().into_inner();
        let document: Document = told.document.unwrap().into();
        assert_eq!((&told.job_id, &document.envelope), (id, &envelope));
        assert_eq!(commitment(&told.salt, &document.envelope), entry.commitment);
        let refused = world.jobs(url, &eve).disclose(ask).await.unwrap_err();
        assert_eq!(reason(&refused), "ENTRY_NOT_FOUND");
    }
    for commitment in [vec![0; 32], vec![0; 31]] {
        let refused = world.jobs(url, alice).disclose(DiscloseRequest { commitment }).await;
        assert!(matches!(refused.unwrap_err().code(), Code::NotFound | Code::InvalidArgument));
    }
    let refused = list(&world, url, &eve, &id).await.unwrap_err();
    assert_eq!(reason(&refused), "JOB_NOT_FOUND");
    let refused = list(&world, url, &world.mesh.approver, &id).await.unwrap_err();
    assert_eq!(reason(&refused), "JOB_NOT_FOUND", "an approver has nothing to do with it");
    for party in [&world.mesh.approver, &world.mesh.executor, &world.mesh.scanner] {
        let refused = monitor_key(&world, url, party).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let ask = DiscloseRequest { commitment: mine[0].commitment.as_bytes().to_vec() };
        let refused = world.jobs(url, party).disclose(ask).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    running.stop().await;
    let running = world.start().await;
    assert_eq!(monitor_key(&world, &running.url, alice).await.unwrap(), key, "it stays");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trust_root_and_a_policy_are_logged_once_and_are_nobodys() {
    let (world, _fakes, ledger) = world(Answer::Away, Mood::Honest).await;
    for _ in 0..2 {
        let running = world.start().await;
        let records = logged(&world, &running.url, "", 2).await;
        let [(first, _), (second, _)] = &records[..] else { unreachable!("{records:?}") };
        assert!(matches!(first, About::Policy { version: 1, .. }), "{first:?}");
        let digest = ids::Sha256Digest::of(&world.mesh.seal_root(&world.mesh.trust_root()));
        assert_eq!(second, &About::TrustRoot { version: 1, digest });
        let key = monitor_key(&world, &running.url, &world.mesh.user).await.unwrap();
        assert_eq!((ledger.entries().len(), ledger.entries_of(&key).len()), (2, 0));
        let tags = ledger.entries().into_iter().map(|entry| entry.tag);
        assert!(tags.into_iter().all(|tag| tag != Tag::from_bytes([0; 16])));
        running.stop().await;
    }
}

/// Between each two of: due, sealed, appended, proved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_between_any_two_steps_logs_an_outcome_once() {
    let (world, _fakes, ledger) = world(Answer::Away, Mood::Away).await;
    let running = world.start().await;
    world.upload_input(&running.url).await;
    let id = cancelled(&world, &running.url, 1).await;
    let (records, pending) = list(&world, &running.url, &world.mesh.user, &id).await.unwrap();
    assert_eq!((records.len(), pending), (0, 1), "due as soon as it is told");
    let key = monitor_key(&world, &running.url, &world.mesh.user).await.unwrap();
    running.stop().await;

    ledger.be(Mood::LosesAnswers);
    let running = world.start().await;
    let mut again = tokio::time::interval(Duration::from_millis(20));
    let look = async {
        while ledger.entries_of(&key).is_empty() {
            again.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.expect("it is appended");
    let (records, pending) = list(&world, &running.url, &world.mesh.user, &id).await.unwrap();
    assert_eq!((records.len(), pending), (0, 1), "without a proof it is not logged");
    running.stop().await;

    ledger.be(Mood::Honest);
    let running = world.start().await;
    let records = logged(&world, &running.url, &id, 1).await;
    assert_eq!(outcome(&records[0].0).outcome, Outcome::Cancelled);
    assert_eq!(ledger.entries_of(&key).len(), 1, "the same entry, however often it was sent");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_at_any_point_loses_no_outcome_and_logs_none_twice() {
    let (world, _fakes, ledger) = world(Answer::Away, Mood::Away).await;
    let mut ids = Vec::new();
    let moods = [Mood::Honest, Mood::LosesAnswers, Mood::Honest, Mood::Away, Mood::Honest];
    for (round, mood) in (0_u64..).zip(moods) {
        ledger.be(mood);
        let process = Process::start(&world);
        world.upload_input(&process.url).await;
        for number in 0..5 {
            ids.push(cancelled(&world, &process.url, round * 10 + number).await);
        }
        process.kill();
    }
    ledger.be(Mood::Honest);
    let running = world.start().await;
    for id in &ids {
        let records = logged(&world, &running.url, id, 1).await;
        assert_eq!(outcome(&records[0].0).outcome, Outcome::Cancelled);
    }
    let key = monitor_key(&world, &running.url, &world.mesh.user).await.unwrap();
    assert_eq!(ledger.entries_of(&key).len(), ids.len());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_does_not_verify_is_not_called_logged() {
    let (world, _fakes, ledger) = world(Answer::Away, Mood::StampsAhead).await;
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    let early = cancelled(&world, url, 1).await;
    let key = monitor_key(&world, url, &world.mesh.user).await.unwrap();
    let mut again = tokio::time::interval(Duration::from_millis(20));
    let look = async {
        while ledger.entries_of(&key).is_empty() {
            again.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.expect("it is appended");
    ledger.be(Mood::Honest);
    let late = cancelled(&world, url, 2).await;
    logged(&world, url, &late, 1).await;
    let (records, pending) = list(&world, url, &world.mesh.user, &early).await.unwrap();
    assert_eq!((records.len(), pending), (0, 1), "its certificate did not hold when it was logged");
    assert_eq!(ledger.entries_of(&key).len(), 2, "and it is not sealed again and again");
    running.stop().await;
}

/// More than a page of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_always_fail_keep_no_other_waiting() {
    const STUCK: usize = 70;
    let (world, _fakes, ledger) = world(Answer::Away, Mood::RefusesForEver).await;
    let running = world.start().await;
    let url = &running.url;
    world.upload_input(url).await;
    for number in 0..STUCK as u64 {
        cancelled(&world, url, number).await;
    }
    let mut again = tokio::time::interval(Duration::from_millis(20));
    let look = async {
        while ledger.refused() < STUCK {
            again.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.expect("each is tried");
    ledger.be(Mood::Honest);
    let late = cancelled(&world, url, 1_000).await;
    let records = logged(&world, url, &late, 1).await;
    assert_eq!(outcome(&records[0].0).outcome, Outcome::Cancelled);
    running.stop().await;
}
