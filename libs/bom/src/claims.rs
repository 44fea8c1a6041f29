//! Who says what: every fact that is written is recorded with its source, and the record becomes the
//! document's annotations.

use std::collections::BTreeMap;

use evidence::{Completeness, VerifiedEvidence};

use crate::cyclonedx::component::{Component, Kind};
use crate::cyclonedx::{Annotation, Annotator, Contact};
use crate::refs;

/// Where a fact comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The user's request says so.
    Asserted,
    /// The scheduler's grant says so.
    Granted,
    /// The executor saw it from outside the container.
    Observed,
    /// The trainer said so from inside the container.
    Reported,
    /// The scanner found it.
    Scanned,
    /// It follows from the rules of the profile.
    Derived,
}

/// The record: fields by source and subject, in the order of both.
#[derive(Debug, Default)]
pub(crate) struct Claims(BTreeMap<(Source, String), Vec<&'static str>>);

impl Claims {
    /// Records that `fields` of `subject` come from `source`.
    pub(crate) fn add(&mut self, source: Source, subject: &str, fields: &[&'static str]) {
        let known = self.0.entry((source, subject.to_owned())).or_default();
        known.extend(fields);
    }

    /// One annotation for each source and subject, and one for each scan that was not done.
    pub(crate) fn annotations(self, evidence: &VerifiedEvidence) -> Vec<Annotation> {
        let sources = Sources { evidence };
        let mut out: Vec<Annotation> = self
            .0
            .into_iter()
            .enumerate()
            .map(|(index, ((source, subject), fields))| Annotation {
                bom_ref: format!("annotation/{index}"),
                text: sources.text(source, &fields.join(", ")),
                annotator: sources.annotator(source),
                timestamp: sources.time(source),
                subjects: vec![subject],
            })
            .collect();
        for (index, scan) in evidence.scans().iter().enumerate() {
            if scan.predicate.aibom.completeness == Completeness::Incomplete {
                out.push(Annotation {
                    bom_ref: format!("annotation/not-scanned/{index}"),
                    subjects: vec![refs::IMAGE.to_owned()],
                    annotator: sources.annotator(Source::Scanned),
                    timestamp: scan.predicate.metadata.scan_finished_on.to_string(),
                    text: format!(
                        "{}. An absent vulnerability means nothing.",
                        not_scanned(&scan.predicate.aibom.reason)
                    ),
                });
            }
        }
        out
    }
}

/// How an incomplete scan is named everywhere.
pub(crate) fn not_scanned(reason: &str) -> String {
    let reason = if reason.is_empty() { "no reason given" } else { reason };
    format!("not scanned: {reason}")
}

struct Sources<'a> {
    evidence: &'a VerifiedEvidence,
}

impl Sources<'_> {
    /// SPIFFE id of the signer of the n-th document.
    fn signer(&self, index: usize) -> &str {
        self.evidence.signers().get(index).map_or("", |(id, _)| id.as_str())
    }

    /// Who scanned, each once in a row.
    fn scanners(&self) -> String {
        let signers = self.evidence.signers().iter().skip(3).take(self.evidence.scans().len());
        let mut names: Vec<&str> = signers.map(|(id, _)| id.as_str()).collect();
        names.dedup();
        names.join(", ")
    }

    fn text(&self, source: Source, fields: &str) -> String {
        match source {
            Source::Asserted => format!(
                "Asserted by {} in the signed request, not verified by the platform: {fields}.",
                self.signer(0)
            ),
            Source::Observed => {
                format!("Observed from outside the container by {}: {fields}.", self.signer(2))
            }
            Source::Reported => format!(
                "Reported by the trainer from inside the container, passed on by {}, not verified: \
                 {fields}.",
                self.signer(2)
            ),
            Source::Scanned => format!("Found by {}: {fields}.", self.scanners()),
            Source::Granted => format!("Granted by {}: {fields}.", self.signer(1)),
            Source::Derived => {
                format!("Derived by the rules of profile {}: {fields}.", job::PROFILE)
            }
        }
    }

    fn annotator(&self, source: Source) -> Annotator {
        let component = |name: &str, kind| {
            let component = Component { kind, name: name.to_owned(), ..Component::default() };
            Annotator::Component(Box::new(component))
        };
        match source {
            Source::Asserted => Annotator::Individual(Contact { name: self.signer(0).to_owned() }),
            Source::Observed => component(self.signer(2), Kind::Application),
            Source::Reported => {
                component(&self.evidence.request().spec.trainer.name, Kind::Container)
            }
            Source::Scanned => component(&self.scanners(), Kind::Application),
            Source::Granted => component(self.signer(1), Kind::Application),
            Source::Derived => component("aibom", Kind::Application),
        }
    }

    fn time(&self, source: Source) -> String {
        let finished = self.evidence.training().predicate.run_details.metadata.finished_on;
        match source {
            Source::Asserted => self.evidence.request().requested_at,
            Source::Granted => self.evidence.grant().issued_at,
            Source::Observed | Source::Reported | Source::Derived => finished,
            Source::Scanned => self
                .evidence
                .scans()
                .first()
                .map_or(finished, |scan| scan.predicate.metadata.scan_finished_on),
        }
        .to_string()
    }
}
