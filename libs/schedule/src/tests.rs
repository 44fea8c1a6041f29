//! The machine under random events: what must hold after every single one of them.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{About, Grantee, Outcome};
use ids::{JobId, Role, Sha256Digest, SpiffeId, Timestamp};
use job::{Image, JobSpec, JobState, Reason};
use keys::KeyId;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

mod held;
mod paths;

fn digest(text: &str) -> Sha256Digest {
    Sha256Digest::of(text.as_bytes())
}

fn user(n: u8) -> SpiffeId {
    SpiffeId::new("mesh.test", Role::User, &format!("u{n}")).unwrap()
}

fn executor(n: u8) -> Grantee {
    Grantee {
        id: SpiffeId::new("mesh.test", Role::Executor, &format!("e{n}")).unwrap(),
        key: KeyId::of_spki(&[n]),
    }
}

fn image() -> Image {
    format!("sha256:{}", digest("image")).parse().unwrap()
}

fn spec() -> JobSpec {
    let file = serde_json::json!({"name": "f", "sha256": digest("f"), "size": 1});
    serde_json::from_value(serde_json::json!({
        "task": "classification",
        "trainer": {"name": "keras", "image": image()},
        "inputs": {"model": file, "dataset": file, "definition": file},
        "parameters": {
            "epochs": 1, "initialEpoch": 0, "batchSize": null, "validationSplit": 0,
            "stepsPerEpoch": null, "validationSteps": null, "validationFreq": 1, "seed": 1
        },
        "model": {"name": "m", "version": "1"},
        "dataset": {"name": "d"},
        "resources": {
            "cpuMillis": 1000, "memoryMib": 512, "pids": 64, "wallClockS": 60,
            "outputMib": 16, "gpus": 0
        },
        "aibom": {"profile": 2, "cycloneDx": "1.6"}
    }))
    .unwrap()
}

fn submission(n: u8, owner: u8, body: u8) -> Event {
    Event::Submitted {
        submission: Box::new(Submission {
            id: JobId::new(1_000 + u64::from(n), [n; 10]),
            user: user(owner),
            idempotency_key: Uuid::from_bytes([n; 16]),
            payload: digest(&format!("payload {n} {body}")),
            request: digest(&format!("request {n} {body}")),
            spec: spec(),
        }),
    }
}

/// A step of a random history; numbers pick among what exists.
#[derive(Debug, Clone)]
enum Step {
    Submit(u8, u8, u8),
    Cancel(u8, u8),
    Lease(u8),
    Renew(u8, bool),
    Trained(u8, bool),
    Failed(u8, u8),
    Done(u8, u8),
    StageFailed(u8, u8, bool),
    Hold(u8, i64),
    Release(u8, u8),
    Tick,
    Restart,
}

fn step() -> impl Strategy<Value = (u16, Step)> {
    let step = prop_oneof![
        4 => (0..6u8, 0..2u8, 0..2u8).prop_map(|(n, o, b)| Step::Submit(n, o, b)),
        1 => (0..6u8, 0..2u8).prop_map(|(n, o)| Step::Cancel(n, o)),
        4 => (0..3u8).prop_map(Step::Lease),
        2 => (0..6u8, any::<bool>()).prop_map(|(n, stale)| Step::Renew(n, stale)),
        3 => (0..6u8, any::<bool>()).prop_map(|(n, stale)| Step::Trained(n, stale)),
        2 => (0..6u8, 0..4u8).prop_map(|(n, kind)| Step::Failed(n, kind)),
        6 => (0..6u8, 0..4u8).prop_map(|(n, stage)| Step::Done(n, stage)),
        2 => (0..6u8, 0..4u8, any::<bool>()).prop_map(|(n, s, a)| Step::StageFailed(n, s, a)),
        3 => (0..6u8, 0..60_000i64).prop_map(|(n, ms)| Step::Hold(n, ms)),
        3 => (0..6u8, 0..2u8).prop_map(|(n, which)| Step::Release(n, which)),
        1 => Just(Step::Tick),
        1 => Just(Step::Restart),
    ];
    (prop_oneof![4 => 0..1_000u16, 1 => 0..40_000u16], step)
}

const STAGES: [Stage; 4] = [Stage::Scan, Stage::Sign, Stage::Log, Stage::Publish];

/// What a stage makes.
fn done(stage: Stage) -> Done {
    let document = digest("document");
    match stage {
        Stage::Scan => Done::Scanned(vec![document]),
        Stage::Sign => Done::Signed(document),
        Stage::Log => Done::Logged(document),
        Stage::Publish => Done::Published(document),
    }
}

const KINDS: [FailureKind; 4] =
    [FailureKind::Job, FailureKind::Refused, FailureKind::Infrastructure, FailureKind::Cancelled];

fn job_id(n: u8) -> JobId {
    JobId::new(1_000 + u64::from(n), [n; 10])
}

fn lease_key(machine: &Machine, n: u8, stale: bool) -> LeaseKey {
    let record = machine.job(job_id(n));
    let lease = record.and_then(|r| r.lease.as_ref());
    LeaseKey {
        job: job_id(n),
        attempt: record.map_or(1, |r| r.attempt),
        token: lease.map_or(1, |l| l.token).saturating_sub(u64::from(stale)),
        executor: lease.map_or_else(|| executor(0).id, |l| l.executor.id.clone()),
    }
}

fn event(machine: &Machine, step: &Step, serial: usize, now: Timestamp) -> Option<Event> {
    Some(match *step {
        Step::Submit(n, owner, body) => submission(n, owner, body),
        Step::Cancel(n, owner) => Event::CancelAsked { job: job_id(n), user: user(owner) },
        Step::Lease(n) => Event::LeaseAsked {
            executor: executor(n),
            images: vec![image()],
            gpus: 0,
            nonce: digest(&format!("nonce {serial}")),
        },
        Step::Renew(n, stale) => {
            Event::Renewed { lease: lease_key(machine, n, stale), key: executor(n).key }
        }
        Step::Trained(n, stale) => Event::Trained {
            lease: lease_key(machine, n, stale),
            result: Trained {
                grant: digest("grant"),
                training: digest("training"),
                submission: digest("submission"),
                outputs: vec![],
            },
        },
        Step::Failed(n, kind) => Event::AttemptFailed {
            lease: lease_key(machine, n, false),
            failure: Failure {
                kind: KINDS[usize::from(kind)],
                reason: Reason::Infrastructure,
                message: "m".into(),
            },
        },
        Step::Done(n, stage) => {
            Event::StageDone { job: job_id(n), done: done(STAGES[usize::from(stage)]) }
        }
        Step::Hold(n, ms) => Event::Held {
            job: job_id(n),
            hold: digest(&format!("hold {serial}")),
            held: Held { findings: 2, until: now.plus_ms(ms), policy: Some(digest("policy")) },
            message: "two findings".into(),
        },
        Step::Release(n, which) => {
            Event::Released { job: job_id(n), release: digest(&format!("release {which}")) }
        }
        Step::StageFailed(n, stage, again) => Event::StageFailed {
            job: job_id(n),
            stage: STAGES[usize::from(stage)],
            reason: Reason::StageUnavailable,
            message: "away".into(),
            again,
        },
        Step::Tick => Event::Tick,
        Step::Restart => return None,
    })
}

fn check_record(before: Option<&JobRecord>, after: &JobRecord) {
    let state = after.state;
    assert_eq!(
        after.lease.is_some(),
        state == JobState::Training,
        "a lease is held while training"
    );
    assert!(after.attempt <= 3, "attempts are bounded");
    if state == JobState::Completed {
        let documents = &after.documents;
        let all = [documents.request, documents.grant, documents.training, documents.signed];
        assert!(all.iter().all(Option::is_some) && documents.inclusion.is_some());
        assert!(!documents.scans.is_empty() && after.bundle.is_some());
    } else {
        assert!(after.bundle.is_none(), "only a completed job has a bundle");
    }
    let documents = &after.documents;
    let beyond = [JobState::Logging, JobState::Publishing, JobState::Completed];
    if state == JobState::Held {
        assert!(documents.hold.is_some() && after.held.is_some());
        assert_eq!(documents.release, None, "a held job is not released");
    } else if beyond.contains(&state) {
        assert_eq!(documents.hold.is_some(), documents.release.is_some(), "held, so released");
    }
    if let Some((before, after)) = before.and_then(|b| Some((b.held?, after.held?))) {
        assert!(after.until <= before.until, "nothing makes a hold last longer");
    }
    let numbers: Vec<u32> = after.history.iter().map(|t| t.sequence).collect();
    let first = after.sequence + 1 - u32::try_from(numbers.len()).unwrap();
    assert_eq!(numbers, (first..=after.sequence).collect::<Vec<_>>(), "sequences have no gap");
    assert!(after.history.windows(2).all(|w| w[0].at <= w[1].at), "time does not go back");
    assert_eq!(after.history.last().map(|t| t.state), Some(state));
    if let Some(before) = before
        && before.state.is_terminal()
    {
        assert_eq!(before, after, "a terminal state is final");
    }
}

/// What is due is what the transition says, and is due once.
fn check_due(machine: &Machine, changes: &Changes, ever: &mut BTreeSet<Vec<u8>>) {
    let mut due = changes.due.iter();
    for id in &changes.moved {
        let record = machine.job(*id).unwrap();
        let outcome = match (record.state, record.reason) {
            (JobState::Failed, Some(Reason::HoldExpired)) => Outcome::HoldExpired,
            (JobState::Failed, _) => Outcome::Failed,
            (JobState::Refused, _) => Outcome::Refused,
            (JobState::Cancelled, _) => Outcome::Cancelled,
            (JobState::Held, _) if record.documents.refused_release.is_some() => {
                Outcome::ReleaseRefused
            }
            (JobState::Held, _) => Outcome::Held,
            (JobState::Signing, _) if record.documents.release.is_some() => Outcome::Released,
            _ => continue,
        };
        let due = due.next().expect("an outcome without a record");
        assert_eq!((&due.owner, due.sealed), (&record.user, None));
        assert!(due.record.is_bounded(), "what is signed would be refused: {due:?}");
        assert!(ever.insert(due.key()), "due twice: {due:?}");
        let About::Job(said) = &due.record.about else { panic!("{due:?}") };
        assert_eq!((said.job, said.outcome, said.sequence), (*id, outcome, record.sequence));
        assert_eq!((said.reason, said.training), (record.reason, record.documents.training));
        let held = matches!(
            outcome,
            Outcome::Held | Outcome::HoldExpired | Outcome::Released | Outcome::ReleaseRefused
        );
        assert!(!held || said.policy.is_some(), "which policy held it is told");
    }
    assert_eq!(due.next(), None, "a record without an outcome");
}

fn check(before: &BTreeMap<JobId, JobRecord>, machine: &Machine, changes: Option<&Changes>) {
    for (id, record) in &machine.jobs {
        check_record(before.get(id), record);
        let changed = before.get(id) != Some(record);
        let reported = changes.is_none_or(|c| c.changed.contains(id));
        let lease_only = before.get(id).is_some_and(|b| b.sequence == record.sequence);
        assert!(!changed || reported || lease_only, "a change that is not reported is not stored");
    }
    assert!(before.keys().all(|id| machine.jobs.contains_key(id)), "no job is lost");
    let live = machine.jobs.values().filter(|r| !r.state.is_terminal()).count();
    assert_eq!(machine.live(), live);
    let held: Vec<JobId> = machine.held_after(None).map(|record| record.id).collect();
    let mut expected: Vec<&JobRecord> =
        machine.jobs.values().filter(|r| r.state == JobState::Held).collect();
    expected.sort_by_key(|r| (r.held.map(|held| held.until), r.id));
    assert_eq!(held, expected.iter().map(|r| r.id).collect::<Vec<_>>(), "every held job is listed");
    let queued: Vec<JobId> = machine.queue.iter().map(|(_, id)| *id).collect();
    let mut expected: Vec<JobId> =
        machine.jobs.values().filter(|r| r.state == JobState::Queued).map(|r| r.id).collect();
    expected.sort_by_key(|id| (machine.jobs[id].created_at, *id));
    assert_eq!(queued, expected, "every queued job, and nothing else, is in the queue");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_history_keeps_the_invariants(steps in proptest::collection::vec(step(), 1..120)) {
        let mut now = Timestamp::from_unix_ms(1_790_000_000_000);
        let (mut machine, _) = Machine::resume(Config::default(), vec![], now);
        let (mut highest_token, mut ever) = (0, BTreeSet::new());
        for (serial, (elapsed, step)) in steps.iter().enumerate() {
            now = now.plus_ms(i64::from(*elapsed));
            let before = machine.jobs.clone();
            let Some(event) = event(&machine, step, serial, now) else {
                let token = machine.next_token();
                let records = machine.jobs.values().cloned().collect();
                let (mut resumed, changes) = Machine::resume(Config::default(), records, now);
                resumed.tokens_from(token);
                machine = resumed;
                for record in machine.jobs.values() {
                    let due = changes.start.iter().any(|(id, _)| *id == record.id);
                    prop_assert_eq!(due, Stage::of(record.state).is_some(), "stages start again");
                }
                check(&before, &machine, None);
                continue;
            };
            let text = serde_json::to_string(&event).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Event>(&text).unwrap(), &event);
            match machine.apply(now, event) {
                Ok(changes) => {
                    if let (Step::Lease(_), Some(grant)) = (step, &changes.grant) {
                        prop_assert!(grant.fencing_token > highest_token, "tokens only grow");
                        highest_token = grant.fencing_token;
                    }
                    let first = machine.held.first().map(|(until, _)| *until);
                    prop_assert!(first.is_none_or(|until| changes.wake_at.is_some_and(|at| at <= until)));
                    check(&before, &machine, Some(&changes));
                    check_due(&machine, &changes, &mut ever);
                }
                Err(_) => prop_assert_eq!(&before, &machine.jobs, "a refusal changes nothing"),
            }
        }
    }
}
