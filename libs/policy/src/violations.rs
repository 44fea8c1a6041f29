//! What holds a job: its kinds, and how each is named.

use std::collections::BTreeMap;

use evidence::{Level, VerifiedEvidence};
use ids::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Ignore, Policy, completeness, ignore, rules};

/// Which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A target that was not scanned to its end, or too long ago, or with a database that is too old.
    Completeness,
    /// A file that is dangerous to open.
    File,
    /// A text that looks like a secret.
    Secret,
    /// A known vulnerability.
    Vulnerability,
    /// A configuration.
    Misconfiguration,
    /// A licence.
    Licence,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Completeness,
        Self::File,
        Self::Secret,
        Self::Vulnerability,
        Self::Misconfiguration,
        Self::Licence,
    ];

    /// Reads its name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completeness => "completeness",
            Self::File => "file",
            Self::Secret => "secret",
            Self::Vulnerability => "vulnerability",
            Self::Misconfiguration => "misconfiguration",
            Self::Licence => "licence",
        }
    }
}

/// One thing that holds a job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Violation {
    /// Which rule.
    pub kind: Kind,
    /// What: a CVE, a rule of secrets or files, a licence, a lack.
    pub id: String,
    /// Where: a purl, a file, a path, a target.
    pub subject: String,
    /// How bad.
    pub severity: Level,
    /// For people: what was found, and what mends it.
    pub detail: String,
}

impl Violation {
    /// Names it in a release: kind, id and place, so that a release lets nothing else pass. A space
    /// in the id is `%20`, so that two findings never have one key.
    #[must_use]
    pub fn key(&self) -> String {
        violation_key(self.kind.as_str(), &self.id, &self.subject)
    }
}

/// What a release calls a finding of that kind, id and place: see [`Violation::key`].
#[must_use]
pub fn violation_key(kind: &str, id: &str, subject: &str) -> String {
    let id = id.replace('%', "%25").replace(' ', "%20");
    format!("{kind} {id} {subject}")
}

/// A finding that the policy lets pass by its ignore list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// What would have held the job.
    pub violation: Violation,
    /// Why it does not.
    pub by: Ignore,
}

/// What a policy says of evidence. It decides nothing: [`crate::decide`] does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What holds the job unless an approver releases it; by kind, id and place, each once.
    pub violations: Vec<Violation>,
    /// What the policy ignores of it, in the same order.
    pub ignored: Vec<Ignored>,
}

/// Evaluates `policy` over `evidence` at `at`, the signing time.
#[must_use]
pub fn evaluate(policy: &Policy, evidence: &VerifiedEvidence, at: Timestamp) -> Findings {
    let mut found = Found::default();
    completeness::check(policy, evidence, at, &mut found);
    rules::check(policy, evidence.scans(), &mut found);
    let mut findings = Findings::default();
    for violation in found.into_violations() {
        match ignore::find(policy, &violation, at) {
            Some(by) => findings.ignored.push(Ignored { violation, by: by.clone() }),
            None => findings.violations.push(violation),
        }
    }
    findings
}

/// What was found so far: each thing once, as the scan tells it that calls it worst.
#[derive(Debug, Default)]
pub(crate) struct Found(BTreeMap<(Kind, String, String), (Level, String)>);

impl Found {
    pub(crate) fn add(&mut self, new: Violation) {
        let Violation { kind, id, subject, severity, detail } = new;
        let known = self.0.entry((kind, id, subject)).or_insert_with(|| (severity, detail.clone()));
        // Of two texts of one severity the lesser: the order of the scans does not matter.
        if severity > known.0 || severity == known.0 && detail < known.1 {
            *known = (severity, detail);
        }
    }

    fn into_violations(self) -> impl Iterator<Item = Violation> {
        self.0.into_iter().map(|((kind, id, subject), (severity, detail))| Violation {
            kind,
            id,
            subject,
            severity,
            detail,
        })
    }
}
