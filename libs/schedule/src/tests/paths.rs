//! Single histories: what happens on the way, step by step.

use super::*;

pub(super) fn happy_path() -> (Machine, Timestamp, LeaseKey) {
    let now = Timestamp::from_unix_ms(1_790_000_000_000);
    let (mut machine, _) = Machine::resume(Config::default(), vec![], now);
    machine.apply(now, submission(1, 0, 0)).unwrap();
    let lease = Event::LeaseAsked {
        executor: executor(1),
        images: vec![image()],
        gpus: 0,
        nonce: digest("n"),
    };
    let grant = machine.apply(now, lease).unwrap().grant.unwrap();
    let key = LeaseKey {
        job: grant.job,
        attempt: grant.attempt,
        token: grant.fencing_token,
        executor: executor(1).id,
    };
    (machine, now, key)
}

pub(super) fn result() -> Trained {
    Trained { grant: digest("g"), training: digest("t"), submission: digest("s"), outputs: vec![] }
}

#[test]
fn a_job_goes_through_every_stage_in_order() {
    let (mut machine, now, lease) = happy_path();
    let trained = |submission| Event::Trained {
        lease: lease.clone(),
        result: Trained { submission: digest(submission), ..result() },
    };
    let changes = machine.apply(now, trained("s")).unwrap();
    assert_eq!(changes.start, vec![(lease.job, Stage::Scan)]);
    let again = machine.apply(now, trained("signed anew"));
    assert_eq!(again, Ok(Changes::default()), "the same report again");
    let documents = &machine.job(lease.job).unwrap().documents;
    assert_eq!(documents.submission, Some(digest("s")), "the first one stays");
    for stage in STAGES {
        let done = Event::StageDone { job: lease.job, done: done(stage) };
        machine.apply(now, done.clone()).unwrap();
        assert_eq!(machine.apply(now, done), Err(Refused::WrongStage(lease.job)), "once only");
    }
    assert_eq!(machine.job(lease.job).unwrap().state, JobState::Completed);
}

#[test]
fn the_same_key_is_the_same_job_and_another_request_is_refused() {
    let (mut machine, now, lease) = happy_path();
    let again = machine.apply(now, submission(1, 0, 0)).unwrap();
    assert_eq!(again.job, Some((lease.job, true)));
    assert!(matches!(machine.apply(now, submission(1, 0, 1)), Err(Refused::KeyReused(_))));
    let taken = machine.apply(now, submission(1, 1, 1));
    assert_eq!(taken, Err(Refused::IdTaken(lease.job)), "keys are per user, ids are not");
}

#[test]
fn a_lease_that_is_not_renewed_goes_to_another_and_the_old_holder_is_refused() {
    let (mut machine, now, old) = happy_path();
    let late = now.plus_ms(Config::default().lease_ttl_ms);
    machine.apply(late, Event::Tick).unwrap();
    assert_eq!(machine.job(old.job).unwrap().state, JobState::Queued);
    assert_eq!(machine.job(old.job).unwrap().reason, Some(Reason::LeaseExpired));
    let later = late.plus_ms(60_000);
    let lease = Event::LeaseAsked {
        executor: executor(2),
        images: vec![image()],
        gpus: 0,
        nonce: digest("m"),
    };
    let grant = machine.apply(later, lease).unwrap().grant.unwrap();
    assert_eq!((grant.attempt, grant.executor), (2, executor(2)));
    let report = Event::Trained { lease: old.clone(), result: result() };
    assert!(matches!(machine.apply(later, report), Err(Refused::LeaseLost { .. })));
    assert!(matches!(
        machine.apply(later, Event::Renewed { lease: old, key: executor(1).key }),
        Err(Refused::LeaseLost { .. })
    ));
}

#[test]
fn jobs_that_no_executor_can_run_do_not_stop_the_others() {
    let now = Timestamp::from_unix_ms(1_790_000_000_000);
    let config = Config { max_live_per_user: 100, ..Config::default() };
    let (mut machine, _) = Machine::resume(config, vec![], now);
    for n in 0..100 {
        let Event::Submitted { mut submission } = submission(n, 0, 0) else { unreachable!() };
        let other = format!("sha256:{}", digest("another image"));
        submission.spec.trainer.image = other.parse().unwrap();
        machine.apply(now, Event::Submitted { submission }).unwrap();
    }
    let full = machine.apply(now, submission(100, 0, 0));
    assert!(matches!(full, Err(Refused::QueueFull { live: 100, .. })), "a user's bound");
    machine.apply(now, submission(101, 1, 0)).unwrap();
    let lease = Event::LeaseAsked {
        executor: executor(1),
        images: vec![image()],
        gpus: 0,
        nonce: digest("n"),
    };
    assert!(machine.apply(now, lease).unwrap().grant.is_some());
}

#[test]
fn a_renewal_takes_up_the_holders_new_key() {
    let (mut machine, now, lease) = happy_path();
    let key = KeyId::of_spki(b"renewed");
    let grant = machine.apply(now, Event::Renewed { lease, key }).unwrap().grant.unwrap();
    assert_eq!(grant.executor, Grantee { key, ..executor(1) });
}

#[test]
fn a_cancelled_job_never_completes() {
    let (mut machine, now, lease) = happy_path();
    machine.apply(now, Event::CancelAsked { job: lease.job, user: user(0) }).unwrap();
    let renewed =
        machine.apply(now, Event::Renewed { lease: lease.clone(), key: executor(1).key }).unwrap();
    assert!(renewed.cancel, "the holder learns of it");
    let report = Event::Trained { lease: lease.clone(), result: result() };
    machine.apply(now, report).unwrap();
    assert_eq!(machine.job(lease.job).unwrap().state, JobState::Cancelled);
}

#[test]
fn a_stage_is_tried_again_and_waits_longer_each_time() {
    let (mut machine, now, lease) = happy_path();
    let trained = Event::Trained { lease: lease.clone(), result: result() };
    machine.apply(now, trained).unwrap();
    let give_up = |machine: &mut Machine, at| {
        let failed = Event::StageFailed {
            job: lease.job,
            stage: Stage::Scan,
            reason: Reason::StageUnavailable,
            message: "away".into(),
            again: true,
        };
        machine.apply(at, failed).unwrap();
        machine.job(lease.job).unwrap().state
    };
    let mut last = 0;
    let mut at = now;
    for _ in 0..8 {
        let failed = Event::StageFailed {
            job: lease.job,
            stage: Stage::Scan,
            reason: Reason::StageUnavailable,
            message: "away".into(),
            again: true,
        };
        let wake = machine.apply(at, failed).unwrap().wake_at.unwrap();
        let wait = wake.since_ms(at);
        assert!(wait >= last && wait <= 4_000);
        last = wait;
        at = wake;
        let changes = machine.apply(at, Event::Tick).unwrap();
        assert_eq!(changes.start, vec![(lease.job, Stage::Scan)]);
    }
    let late = now.plus_ms(Config::default().max_stage_ms + 1);
    assert_eq!(give_up(&mut machine, late), JobState::Failed, "even a wait has its bound");
}
