//! From how a container ended to how the attempt ended: one table, pure.

use evidence::Limits;
use job::Reason;

use crate::{events::Report, failure::Failure};

/// Why the executor stopped a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It ran too long.
    WallClock,
    /// It wrote too much.
    Output,
    /// It printed too much.
    Log,
    /// The user cancelled.
    Cancelled,
    /// The lease is another's.
    LeaseLost,
    /// The executor shuts down.
    Drain,
    /// The engine no longer answers as it should.
    Engine,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Why we stopped it, if we did.
    pub stop: Option<Stop>,
    /// Exit status as the engine has it.
    pub exit_code: i64,
    /// Whether the kernel killed something in it for memory.
    pub oom_killed: bool,
    /// Whether it ran into the limit of processes.
    pub pids_limit_hit: bool,
    /// What the trainer said.
    pub report: Report,
}

/// How the attempt goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The trainer did what it should: collect these outputs.
    Trained(Vec<String>),
    /// It did not.
    Failed(Failure),
    /// The lease is another's: say nothing.
    Abandoned,
}

fn stopped(stop: Stop, limits: &Limits) -> Verdict {
    let failure = match stop {
        Stop::WallClock => {
            let text = format!("stopped after {} s, the limit of this job", limits.wall_clock_s);
            Failure::job(Reason::WallClockLimit, &text)
        }
        Stop::Output => {
            let text = format!(
                "stopped: the output directory passed the limit of {} bytes (or of its number of files)",
                limits.output_bytes
            );
            Failure::job(Reason::OutputLimit, &text)
        }
        Stop::Log => {
            let text =
                format!("stopped: printed more than {} bytes", crate::capture::MAX_LOG_BYTES);
            Failure::job(Reason::LogLimit, &text)
        }
        Stop::Cancelled => Failure::cancelled(),
        Stop::LeaseLost => return Verdict::Abandoned,
        Stop::Drain => Failure::infrastructure("the executor shut down before the training ended"),
        Stop::Engine => Failure::infrastructure("the container engine failed during the training"),
    };
    Verdict::Failed(failure)
}

fn exited(code: i64, report: &Report) -> Failure {
    let said = report.error.as_ref().map(|e| format!("{}: {}", e.reason, e.message));
    let said =
        said.unwrap_or_else(|| format!("the trainer ended with status {code} and said no reason"));
    match code {
        2 => Failure::job(
            Reason::ContractBroken,
            &format!("the trainer refused its specification: {said}"),
        ),
        3 => Failure::job(Reason::DatasetRefused, &said),
        4 => Failure::job(Reason::ModelRefused, &said),
        125..=127 => Failure::job(
            Reason::ContractBroken,
            &format!("the image's entry point cannot be run: {said}"),
        ),
        // Nobody here sent these: the engine stopped or restarted, or the machine ran out of memory.
        137 | 143 => Failure::infrastructure(&format!(
            "the container was ended from outside (status {code}), not by the executor"
        )),
        129..=192 => Failure::job(
            Reason::TrainingFailed,
            &format!("the trainer was ended by signal {}", code - 128),
        ),
        _ => Failure::job(Reason::TrainingFailed, &said),
    }
}

/// Classifies an end. What the executor did itself comes first, then what the kernel did, then
/// what the trainer says.
#[must_use]
pub fn classify(ended: &Ended, limits: &Limits) -> Verdict {
    if let Some(stop) = ended.stop {
        return stopped(stop, limits);
    }
    if ended.oom_killed {
        let text = format!("ran out of memory: the limit is {} bytes", limits.memory_bytes);
        return Verdict::Failed(Failure::job(Reason::MemoryLimit, &text));
    }
    if ended.exit_code != 0 {
        if ended.pids_limit_hit {
            let text = format!("ran into the limit of {} processes and threads", limits.pids);
            return Verdict::Failed(Failure::job(Reason::PidsLimit, &text));
        }
        return Verdict::Failed(exited(ended.exit_code, &ended.report));
    }
    match &ended.report.outputs {
        Some(outputs) => Verdict::Trained(outputs.clone()),
        None => Verdict::Failed(Failure::job(
            Reason::ContractBroken,
            "the trainer ended with status 0 and did not say that it is done",
        )),
    }
}

#[cfg(test)]
mod tests;
