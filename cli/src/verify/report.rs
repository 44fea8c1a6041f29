//! What a verification found, for people and for programs.

use ::verify::Verified;
use evidence::{Check, Checks};
use ids::{JobId, Timestamp};
use keys::KeyId;
use policy::{Ignore, PolicyName, Violation};
use serde::Serialize;

use crate::{
    failure::{Exit, Failure},
    terminal::{Style, Terminal, clean},
};

/// Every check, and what the bundle proves when all of them held.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Whether every check held.
    pub(crate) verified: bool,
    /// The job; nothing vouches for it unless `verified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<JobId>,
    /// The names of the checks that failed.
    pub(crate) failed: Vec<String>,
    /// Every check, in the order they were made.
    pub(crate) checks: Vec<Check>,
    /// What a reader should know although every check held.
    pub(crate) warnings: Vec<String>,
    /// What was not checked, and why.
    pub(crate) notes: Vec<String>,
    #[serde(flatten)]
    facts: Option<Facts>,
}

/// What a verified bundle proves.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    model: String,
    signing_key: KeyId,
    signed_at: Timestamp,
    logged_at: Timestamp,
    log_index: u64,
    policy: PolicyName,
    /// What the policy ignores, by whose word, until when.
    ignored: Vec<Ignored>,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<Released>,
}

/// A finding that the policy's ignore list lets pass.
#[derive(Debug, Clone, Serialize)]
struct Ignored {
    violation: Violation,
    by: Ignore,
}

/// What an approver let pass.
#[derive(Debug, Clone, Serialize)]
struct Released {
    approver: String,
    reason: String,
    accepted: Vec<Violation>,
}

impl Facts {
    fn of(subject: &Verified) -> Self {
        let (decision, evidence) = (subject.decision(), subject.evidence());
        let ignored = decision.ignored().iter().map(|policy::Ignored { violation, by }| Ignored {
            violation: violation.clone(),
            by: by.clone(),
        });
        let release = evidence.release().filter(|_| !decision.accepted().is_empty());
        Self {
            model: subject.model_name().to_owned(),
            signing_key: subject.signer(),
            signed_at: subject.signed_at(),
            logged_at: subject.logged_at(),
            log_index: subject.log_index(),
            policy: decision.policy().clone(),
            ignored: ignored.collect(),
            released: release.map(|release| Released {
                approver: evidence.approver().unwrap_or_default().to_owned(),
                reason: release.reason.clone(),
                accepted: decision.accepted().to_vec(),
            }),
        }
    }

    /// Who decided; in spite of what is in the warnings.
    fn decision(&self) -> String {
        let PolicyName { name, version, .. } = &self.policy;
        let released = self.released.as_ref().map_or_else(
            || "releases it".to_owned(),
            |released| {
                let count = released.accepted.len();
                format!("holds it for {count} findings that {} accepts", clean(&released.approver))
            },
        );
        format!("policy {} version {version} {released}", clean(name))
    }
}

impl Report {
    pub(super) fn new(
        checks: &Checks,
        subject: Option<&Verified>,
        claimed: Option<JobId>,
        notes: Vec<String>,
    ) -> Self {
        let failed = checks.as_slice().iter().filter(|check| !check.passed);
        Self {
            verified: subject.is_some() && checks.all_passed(),
            job: subject.map(Verified::job_id).or(claimed),
            failed: failed.map(|check| check.name.clone()).collect(),
            warnings: subject.map(|s| s.warnings().to_vec()).unwrap_or_default(),
            facts: subject.map(Facts::of),
            checks: checks.as_slice().to_vec(),
            notes,
        }
    }

    /// The exit code that goes with it.
    pub(crate) const fn exit(&self) -> Exit {
        if self.verified { Exit::Done } else { Exit::Refused }
    }

    /// Prints every check with its reason, and the verdict last.
    pub(crate) fn print(&self, terminal: &Terminal) -> Result<(), Failure> {
        if terminal.is_json() {
            return terminal.json(self);
        }
        let width = self.checks.iter().map(|c| c.name.chars().count()).max().unwrap_or(0);
        for check in &self.checks {
            let (style, mark) =
                if check.passed { (Style::Good, "✓") } else { (Style::Bad, "✗") };
            let (mark, detail) = (terminal.paint(style, mark), clean(&check.detail));
            let detail = if check.passed {
                terminal.paint(Style::Dim, detail)
            } else {
                terminal.paint(Style::Bad, detail)
            };
            terminal.line(format_args!("{mark} {:width$}  {detail}", clean(&check.name)))?;
        }
        if let Some(facts) = &self.facts {
            terminal.line(facts.decision())?;
        }
        for warning in &self.warnings {
            let word = terminal.paint(Style::Warn, "warning:");
            terminal.line(format_args!("{word} {}", clean(warning)))?;
        }
        for note in &self.notes {
            terminal.line(format_args!("note: {}", clean(note)))?;
        }
        terminal.line(self.verdict(terminal))
    }

    /// The last line.
    fn verdict(&self, terminal: &Terminal) -> String {
        let count = self.checks.len();
        match (&self.facts, self.job) {
            (Some(facts), Some(job)) if self.verified => {
                let (model, at) = (clean(&facts.model), facts.signed_at);
                let word = terminal.paint(Style::Good, "VERIFIED");
                format!("{word}  job {job}, model {model}, signed {at}: {count} checks held")
            }
            (_, job) => {
                let word = terminal.paint(Style::Bad, "REFUSED");
                let job = job.map_or_else(String::new, |job| format!("  job {job}"));
                let failed = self.failed.join(", ");
                format!("{word}{job}  {} of {count} checks failed: {failed}", self.failed.len())
            }
        }
    }
}
