//! The table from ends to outcomes, row by row.

use super::*;
use crate::{events::TrainerError, failure::Kind};

fn limits() -> Limits {
    Limits {
        memory_bytes: 1,
        memory_swap_bytes: 1,
        cpu_millis: 1,
        pids: 32,
        wall_clock_s: 5,
        output_bytes: 1,
    }
}

fn ended(exit_code: i64) -> Ended {
    let report = Report {
        error: Some(TrainerError { reason: "why".into(), message: "because".into() }),
        ..Report::default()
    };
    Ended { stop: None, exit_code, oom_killed: false, pids_limit_hit: false, report }
}

fn failed(ended: &Ended) -> (Kind, Reason) {
    match classify(ended, &limits()) {
        Verdict::Failed(failure) => (failure.kind, failure.reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn exit_codes_of_the_contract() {
    for (code, kind, reason) in [
        (1, Kind::Job, Reason::TrainingFailed),
        (2, Kind::Job, Reason::ContractBroken),
        (3, Kind::Job, Reason::DatasetRefused),
        (4, Kind::Job, Reason::ModelRefused),
        (5, Kind::Job, Reason::TrainingFailed),
        (77, Kind::Job, Reason::TrainingFailed),
        (127, Kind::Job, Reason::ContractBroken),
        (139, Kind::Job, Reason::TrainingFailed),
        (137, Kind::Infrastructure, Reason::Infrastructure),
        (143, Kind::Infrastructure, Reason::Infrastructure),
    ] {
        assert_eq!(failed(&ended(code)), (kind, reason), "exit code {code}");
    }
}

#[test]
fn the_trainers_words_reach_the_user() {
    let Verdict::Failed(failure) = classify(&ended(5), &limits()) else { panic!() };
    assert_eq!(failure.message, "why: because");
}

#[test]
fn what_we_did_comes_before_what_the_container_says() {
    for (stop, reason) in [
        (Stop::WallClock, Reason::WallClockLimit),
        (Stop::Output, Reason::OutputLimit),
        (Stop::Log, Reason::LogLimit),
        (Stop::Cancelled, Reason::Cancelled),
        (Stop::Drain, Reason::Infrastructure),
        (Stop::Engine, Reason::Infrastructure),
    ] {
        let mut end = ended(137);
        end.stop = Some(stop);
        end.oom_killed = true;
        assert_eq!(failed(&end).1, reason);
    }
    let mut end = ended(0);
    end.stop = Some(Stop::LeaseLost);
    assert_eq!(classify(&end, &limits()), Verdict::Abandoned);
}

#[test]
fn the_kernels_limits_are_the_jobs_failures() {
    let mut end = ended(137);
    end.oom_killed = true;
    assert_eq!(failed(&end), (Kind::Job, Reason::MemoryLimit));
    end.exit_code = 0;
    assert_eq!(failed(&end), (Kind::Job, Reason::MemoryLimit), "evidence with it is refused");
    let mut end = ended(5);
    end.pids_limit_hit = true;
    assert_eq!(failed(&end), (Kind::Job, Reason::PidsLimit));
}

#[test]
fn success_needs_exit_0_and_done() {
    let mut end = ended(0);
    assert_eq!(failed(&end), (Kind::Job, Reason::ContractBroken));
    end.report.outputs = Some(vec!["model.keras".into()]);
    end.pids_limit_hit = true;
    let names = vec!["model.keras".to_owned()];
    assert_eq!(classify(&end, &limits()), Verdict::Trained(names), "it coped with the limit");
}
