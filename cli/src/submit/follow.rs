//! Following a job: one line for each transition, a bar for the epochs.

use std::{collections::BTreeMap, fmt::Write as _};

use client::{JobView, Jobs, WatchEvent};
use ids::JobId;
use indicatif::ProgressBar;
use job::{JobState, Reason};

use super::progress::Bars;
use crate::{
    failure::Failure,
    jobs::state_name,
    terminal::{Terminal, clean},
};

/// The most metrics that fit beside a bar.
const METRICS_SHOWN: usize = 4;

/// What a person sees of a job while it runs.
#[derive(Debug)]
struct View {
    terminal: Terminal,
    bars: Bars,
    epochs: Option<ProgressBar>,
    stage: Option<ProgressBar>,
}

fn metrics(metrics: &BTreeMap<String, f64>) -> String {
    let mut text = String::new();
    for (name, value) in metrics.iter().take(METRICS_SHOWN) {
        let _ = write!(text, "{} {value:.4}  ", clean(name));
    }
    text.trim_end().to_owned()
}

impl View {
    fn say(&self, text: &str) {
        if self.terminal.is_live() {
            self.bars.say(text);
        } else {
            self.terminal.say(text);
        }
    }

    fn transition(&mut self, job: &JobView) {
        for bar in self.epochs.take().into_iter().chain(self.stage.take()) {
            bar.finish_and_clear();
        }
        let mut line = format!("{}  {}", job.updated_at, state_name(job.state));
        if job.attempt > 1 {
            let _ = write!(line, ", attempt {}", job.attempt);
        }
        if let Some(reason) = &job.reason {
            let _ = write!(line, ": {}", clean(reason));
        }
        if !job.message.is_empty() {
            let _ = write!(line, ": {}", clean(&job.message));
        }
        self.say(&line);
        if job.state == JobState::Held {
            self.say(&format!("  why, and what to do: aibom jobs show {}", job.id));
        }
    }

    /// What a stage after training is at.
    fn stage(&mut self, text: &str) {
        if !self.terminal.is_live() {
            self.terminal.say(format_args!("  {}", clean(text)));
            return;
        }
        self.stage.get_or_insert_with(|| self.bars.stage()).set_message(clean(text));
    }

    fn progress(&mut self, epoch: u32, epochs: u32, values: &BTreeMap<String, f64>) {
        let text = metrics(values);
        if !self.terminal.is_live() {
            self.terminal.say(format_args!("  epoch {epoch}/{epochs}  {text}"));
            return;
        }
        let bar = self.epochs.get_or_insert_with(|| self.bars.epochs());
        bar.set_length(epochs.into());
        bar.set_position(epoch.into());
        bar.set_message(text);
    }
}

/// How far a job is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// To its terminal state.
    Ended,
    /// To its terminal state, or until somebody has to decide on it.
    Decided,
}

/// Follows a job.
pub(crate) async fn follow(
    terminal: &Terminal,
    jobs: &Jobs,
    id: JobId,
    until: Until,
) -> Result<JobView, Failure> {
    let mut view =
        View { terminal: *terminal, bars: Bars::new(terminal), epochs: None, stage: None };
    view.say(&format!("job {id}"));
    let mut watch = jobs.watch(id);
    let mut last = None;
    while let Some(event) = watch.next().await? {
        match event {
            WatchEvent::Transition { job, .. } => {
                view.transition(&job);
                let held = job.state == JobState::Held;
                last = Some(job);
                // A hold of the past is told, too: only one of now is the end.
                if held && until == Until::Decided {
                    let now = jobs.get(id).await?;
                    if now.state == JobState::Held {
                        last = Some(now);
                        break;
                    }
                }
            }
            WatchEvent::Progress { epoch, epochs, metrics } => {
                view.progress(epoch, epochs, &metrics);
            }
            WatchEvent::Stage { stage } => view.stage(&stage),
        }
    }
    view.bars.clear();
    last.ok_or_else(|| Failure::unreachable(format_args!("the job {id} told nothing of itself")))
}

/// What is said of a job that ended otherwise than completed.
pub(crate) fn unhappy(job: &JobView) -> Failure {
    let (id, state) = (job.id, state_name(job.state));
    let reason = clean(job.reason.as_deref().unwrap_or("no reason given"));
    let failure = Failure::refused(format_args!("the job {id} is {state}: {reason}"));
    let failure =
        if job.message.is_empty() { failure } else { failure.because(clean(&job.message)) };
    if job.reason.as_deref() == Some(Reason::HoldExpired.as_str()) {
        return failure.remedy(format_args!("see what held it: aibom jobs show {id}"));
    }
    failure.remedy(format_args!("see what the trainer printed: aibom jobs logs {id}"))
}
