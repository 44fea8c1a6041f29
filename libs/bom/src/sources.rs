//! The sources in words, and as the annotations of CycloneDX 1.6.

use evidence::VerifiedEvidence;
use policy::Decision;

use crate::claims::{Group, Source};
use crate::cyclonedx::component::{Component, Kind};
use crate::cyclonedx::{Annotation, Annotator, Contact};

/// One annotation for each group: its bom-ref is `source/<n>`.
pub(crate) fn annotations(groups: Vec<Group>, sources: Sources<'_>) -> Vec<Annotation> {
    let annotation = |(index, group): (usize, Group)| Annotation {
        annotator: sources.annotator(group.source),
        bom_ref: format!("source/{index}"),
        text: sources.text(&group),
        timestamp: sources.time(group.source),
        subjects: group.subjects,
    };
    groups.into_iter().enumerate().map(annotation).collect()
}

/// Who each source is in this evidence.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) evidence: &'a VerifiedEvidence,
    pub(crate) decision: &'a Decision,
}

impl Sources<'_> {
    /// SPIFFE id of the signer of the n-th document.
    fn signer(&self, index: usize) -> &str {
        self.evidence.signers().get(index).map_or("", |(id, _)| id.as_str())
    }

    /// Who scanned, each once.
    fn scanners(&self) -> String {
        let signers = self.evidence.signers().iter().skip(3).take(self.evidence.scans().len());
        let mut names: Vec<&str> = signers.map(|(id, _)| id.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.join(" and ")
    }

    /// `<Source> by <who>: <field>, …`, as docs/formats/aibom.md has it.
    pub(crate) fn text(&self, group: &Group) -> String {
        let fields = group.fields.join(", ");
        match group.source {
            Source::Asserted => format!("Asserted by {}: {fields}", self.signer(0)),
            Source::Granted => format!("Granted by {}: {fields}", self.signer(1)),
            Source::Observed => format!("Observed by {}: {fields}", self.signer(2)),
            Source::Reported => format!(
                "Reported by the trainer {} in the container, passed on by {}: {fields}",
                trainer(&self.evidence.request().spec.trainer.name),
                self.signer(2)
            ),
            Source::Scanned => format!("Scanned by {}: {fields}", self.scanners()),
            Source::Decided => format!("Decided by {}: {fields}", self.policy()),
            Source::Released => format!("Decided by {}: {fields}", self.approver()),
            Source::Derived => {
                format!("Derived by the rules of profile {}: {fields}", job::PROFILE)
            }
        }
    }

    /// The policy, by name, version and key.
    fn policy(&self) -> String {
        let name = self.decision.policy();
        let key = self.decision.key().key_id();
        format!("the policy {} version {} of the key {key}", name.name, name.version)
    }

    /// Who released what the policy held.
    fn approver(&self) -> &str {
        self.evidence.approver().unwrap_or_default()
    }

    pub(crate) fn annotator(&self, source: Source) -> Annotator {
        let component = |name: &str, kind| {
            let component = Component { kind, name: name.to_owned(), ..Component::default() };
            Annotator::Component(Box::new(component))
        };
        match source {
            Source::Asserted => Annotator::Individual(Contact::named(self.signer(0))),
            Source::Granted => component(self.signer(1), Kind::Application),
            Source::Observed => component(self.signer(2), Kind::Application),
            Source::Reported => {
                component(&self.evidence.request().spec.trainer.name, Kind::Container)
            }
            Source::Scanned => component(&self.scanners(), Kind::Application),
            Source::Decided => component(&self.policy(), Kind::Application),
            Source::Released => Annotator::Individual(Contact::named(self.approver())),
            Source::Derived => component("aibom", Kind::Application),
        }
    }

    /// When it was said, by the clock of whoever said it.
    pub(crate) fn time(&self, source: Source) -> String {
        let finished = self.evidence.training().predicate.run_details.metadata.finished_on;
        let scanned =
            || self.evidence.scans().iter().map(|s| s.predicate.metadata.scan_finished_on);
        match source {
            Source::Asserted => self.evidence.request().requested_at,
            Source::Granted => self.evidence.grant().issued_at,
            Source::Observed | Source::Reported | Source::Derived => finished,
            Source::Scanned => scanned().max().unwrap_or(finished),
            Source::Decided => self.decision.issued_at(),
            Source::Released => self.evidence.release().map_or(finished, |r| r.decided_at),
        }
        .to_string()
    }
}

/// A trainer's name within a text that a reader takes apart at `: ` and `, `.
fn trainer(name: &str) -> String {
    crate::claims::name(name).replace(':', "~3")
}
