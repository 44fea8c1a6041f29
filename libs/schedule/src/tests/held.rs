//! Held jobs: released, released in vain, cancelled, expired, and the same after a restart.

use crate::machine::TICK_MAX;

use super::{
    paths::{happy_path, result},
    *,
};

const LATE: Timestamp = Timestamp::from_unix_ms(2_000_000_000_000);

fn hold(job: JobId, name: &str, until: Timestamp) -> Event {
    let held = Held { findings: 2, until, policy: Some(digest("policy")) };
    Event::Held { job, hold: digest(name), held, message: "two findings".into() }
}

fn release(job: JobId, name: &str) -> Event {
    Event::Released { job, release: digest(name) }
}

/// A job that the policy holds, and when it was trained.
fn held() -> (Machine, Timestamp, JobId) {
    let (mut machine, now, lease) = happy_path();
    let job = lease.job;
    machine.apply(now, Event::Trained { lease, result: result() }).unwrap();
    let later = now.plus_ms(1_000);
    machine.apply(later, Event::StageDone { job, done: done(Stage::Scan) }).unwrap();
    let changes = machine.apply(later, hold(job, "hold", LATE)).unwrap();
    assert!(changes.start.is_empty(), "nothing goes on by itself");
    assert_eq!(changes.wake_at, Some(now.plus_ms(Config::default().max_held_ms)));
    (machine, now, job)
}

fn state(machine: &Machine, job: JobId) -> (JobState, Option<Reason>) {
    let record = machine.job(job).unwrap();
    (record.state, record.reason)
}

#[test]
fn a_held_job_is_signed_once_it_is_released() {
    let (mut machine, now, job) = held();
    assert_eq!(state(&machine, job), (JobState::Held, Some(Reason::PolicyHold)));
    let early = machine.apply(now, Event::StageDone { job, done: done(Stage::Sign) });
    assert_eq!(early, Err(Refused::WrongStage(job)), "not signed without a release");
    let changes = machine.apply(now, release(job, "r")).unwrap();
    assert_eq!(changes.start, vec![(job, Stage::Sign)]);
    assert_eq!((machine.held(), machine.live()), (0, 1));
    assert_eq!(machine.apply(now, release(job, "r")).unwrap().start, vec![], "the same again");
    assert_eq!(machine.apply(now, release(job, "s")), Err(Refused::NotHeld(job)), "another one");
    for stage in [Stage::Sign, Stage::Log, Stage::Publish] {
        machine.apply(now, Event::StageDone { job, done: done(stage) }).unwrap();
    }
    assert_eq!(state(&machine, job), (JobState::Completed, None));
    assert_eq!(machine.apply(now, release(job, "r")), Ok(Changes::default()), "later still");
    let unknown = job_id(77);
    assert_eq!(machine.apply(now, release(unknown, "r")), Err(Refused::UnknownJob(unknown)));
}

#[test]
fn a_release_that_does_not_satisfy_the_signer_leaves_the_job_held() {
    let (mut machine, now, job) = held();
    machine.apply(now, release(job, "r")).unwrap();
    let sooner = now.plus_ms(5_000);
    machine.apply(now, hold(job, "another policy", sooner)).unwrap();
    let record = machine.job(job).unwrap();
    assert_eq!(record.documents.hold, Some(digest("another policy")));
    assert_eq!(record.documents.release, None);
    assert_eq!(record.held.unwrap().until, sooner);

    machine.apply(now, release(job, "r")).unwrap();
    machine.apply(now, hold(job, "hold", LATE)).unwrap();
    assert_eq!(machine.job(job).unwrap().held.unwrap().until, sooner, "no time is gained");

    machine.apply(now, release(job, "forged")).unwrap();
    let refused = Event::StageFailed {
        job,
        stage: Stage::Sign,
        reason: Reason::EvidenceRefused,
        message: "release.role".into(),
        again: false,
    };
    let due = machine.apply(now, refused.clone()).unwrap().due;
    assert_eq!(state(&machine, job), (JobState::Held, Some(Reason::PolicyHold)));
    let About::Job(said) = &due.first().unwrap().record.about else { panic!("{due:?}") };
    let denial = (Outcome::ReleaseRefused, Some(digest("forged")));
    assert_eq!((said.outcome, said.release), denial, "no new hold, but a denial");
    assert!(machine.job(job).unwrap().message.contains("release.role"));
    assert_eq!(machine.apply(now, refused), Err(Refused::WrongStage(job)));
}

#[test]
fn a_hold_ends_with_its_time() {
    let (mut machine, now, job) = held();
    let until = now.plus_ms(Config::default().max_held_ms);
    machine.apply(until.plus_ms(-1), Event::Tick).unwrap();
    assert_eq!(machine.held(), 1);
    let changes = machine.apply(until, Event::Tick).unwrap();
    assert_eq!((changes.moved, changes.wake_at), (vec![job], None));
    assert_eq!(state(&machine, job), (JobState::Failed, Some(Reason::HoldExpired)));
    assert_eq!((machine.held(), machine.live()), (0, 0));
    assert_eq!(machine.apply(until, release(job, "r")), Err(Refused::NotHeld(job)));
}

#[test]
fn a_held_job_is_cancelled_at_once() {
    let (mut machine, now, job) = held();
    machine.apply(now, Event::CancelAsked { job, user: user(0) }).unwrap();
    assert_eq!(state(&machine, job), (JobState::Cancelled, Some(Reason::Cancelled)));
    assert_eq!((machine.held(), machine.live()), (0, 0));
    assert_eq!(machine.apply(now, release(job, "r")), Err(Refused::NotHeld(job)));
}

#[test]
fn a_held_job_stays_held_after_a_restart_and_counts_as_live() {
    let (machine, now, job) = held();
    let config = Config { max_live: 1, ..Config::default() };
    let records = machine.jobs.values().cloned().collect();
    let (mut resumed, changes) = Machine::resume(config, records, now);
    assert!(changes.start.is_empty());
    assert_eq!(state(&resumed, job), (JobState::Held, Some(Reason::PolicyHold)));
    let full = resumed.apply(now, submission(2, 0, 0));
    assert!(matches!(full, Err(Refused::QueueFull { live: 1, .. })));
    let until = now.plus_ms(Config::default().max_held_ms);
    assert_eq!(resumed.apply(now, Event::Tick).unwrap().wake_at, Some(until));
}

#[test]
fn held_jobs_are_listed_soonest_to_end_first_and_a_page_goes_on_where_one_was() {
    let (mut machine, now, first) = held();
    for n in 2..5 {
        machine.apply(now, submission(n, 0, 0)).unwrap();
        let lease = Event::LeaseAsked {
            executor: executor(1),
            images: vec![image()],
            gpus: 0,
            nonce: digest("n"),
        };
        let job = machine.apply(now, lease).unwrap().grant.unwrap().job;
        let lease = lease_key(&machine, n, false);
        machine.apply(now, Event::Trained { lease, result: result() }).unwrap();
        machine.apply(now, Event::StageDone { job, done: done(Stage::Scan) }).unwrap();
        machine.apply(now, hold(job, "hold", now.plus_ms(1_000 * i64::from(10 - n)))).unwrap();
    }
    let ids = |machine: &Machine, after| -> Vec<JobId> {
        machine.held_after(after).map(|record| record.id).collect()
    };
    assert_eq!(ids(&machine, None), [job_id(4), job_id(3), job_id(2), first]);
    machine.apply(now, release(job_id(3), "r")).unwrap();
    assert_eq!(ids(&machine, Some(job_id(3))), [job_id(2), first]);
}

#[test]
fn what_one_tick_ends_fits_one_commit_and_the_rest_follows_at_once() {
    let now = Timestamp::from_unix_ms(1_790_000_000_000);
    let count = 2 * TICK_MAX + 1;
    let (held_machine, _, job) = held();
    let one = held_machine.job(job).unwrap();
    let records = (1..).take(count).map(|n: u64| JobRecord {
        id: JobId::new(n, [1; 10]),
        idempotency_key: Uuid::from_u128(u128::from(n)),
        ..one.clone()
    });
    let (mut machine, _) = Machine::resume(Config::default(), records.collect(), now);
    let (mut ended, mut ticks, mut wake_at) = (0, 0, Some(LATE));
    while let Some(at) = wake_at {
        assert!(at <= LATE, "it waits for nothing");
        let changes = machine.apply(LATE, Event::Tick).unwrap();
        assert!(changes.changed.len() <= TICK_MAX && changes.due.len() <= TICK_MAX);
        (ended, ticks, wake_at) = (ended + changes.moved.len(), ticks + 1, changes.wake_at);
    }
    assert_eq!((ended, ticks, machine.held()), (count, 3, 0));
}
