//! Notes for whoever opens the document: what was not scanned, what the policy ignores, and that it was
//! released in spite of findings.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Completeness, ScanTarget, VerifiedEvidence};
use policy::Ignore;

use crate::claims::{Claims, Source, not_scanned};
use crate::cyclonedx::Annotation;
use crate::findings::Findings;
use crate::refs;
use crate::sources::Sources;

/// The notes, the gravest first.
pub(crate) fn notes(
    sources: Sources<'_>,
    findings: &Findings<'_>,
    claims: &mut Claims,
) -> Vec<Annotation> {
    let released = released(sources, findings, claims);
    let mut out: Vec<Annotation> = released.into_iter().collect();
    out.extend(not_done(sources, findings, claims));
    out.extend(ignores(sources, findings, claims));
    out
}

/// An entry of the policy's list, in its own words.
pub(crate) fn ignored(by: &Ignore) -> String {
    let place = by.subject.as_ref().map(|subject| format!(" in {subject}")).unwrap_or_default();
    format!("The policy ignores {}{place} until {}: {}", by.id, by.expires, by.reason)
}

/// The release in the approver's words.
pub(crate) fn accepted(evidence: &VerifiedEvidence) -> Option<String> {
    let (release, approver) = (evidence.release()?, evidence.approver()?);
    Some(format!("Accepted by {approver} on {}: {}", release.decided_at, release.reason))
}

/// That an approver released what the policy held, of everything that it was held for.
fn released(
    sources: Sources<'_>,
    findings: &Findings<'_>,
    claims: &mut Claims,
) -> Option<Annotation> {
    let accepted = sources.decision.accepted();
    let release = sources.evidence.release().filter(|_| !accepted.is_empty())?;
    let mut subjects = BTreeSet::from([refs::RELEASE.to_owned()]);
    subjects.extend(accepted.iter().flat_map(|violation| findings.places(violation)));
    claims.add(Source::Released, refs::RELEASED, &["everything"]);
    claims.add(Source::Derived, refs::RELEASED, &["/bom-ref", "/subjects"]);
    let approver = sources.evidence.approver().unwrap_or_default();
    Some(Annotation {
        annotator: sources.annotator(Source::Released),
        bom_ref: refs::RELEASED.to_owned(),
        subjects: subjects.into_iter().collect(),
        text: format!(
            "Released in spite of {} findings that the policy holds, by {approver}: {}",
            accepted.len(),
            release.reason
        ),
        timestamp: release.decided_at.to_string(),
    })
}

/// One note for each scan that was not done.
fn not_done<'a>(
    sources: Sources<'a>,
    findings: &'a Findings<'_>,
    claims: &'a mut Claims,
) -> impl Iterator<Item = Annotation> + 'a {
    let scans = sources.evidence.scans().iter().enumerate();
    let incomplete =
        scans.filter(|(_, scan)| scan.predicate.aibom.completeness == Completeness::Incomplete);
    incomplete.map(move |(index, scan)| {
        let (reference, extension) = (refs::not_scanned(index), &scan.predicate.aibom);
        claims.add(Source::Scanned, &reference, &["everything"]);
        claims.add(Source::Derived, &reference, &["/bom-ref", "/subjects"]);
        let means = match extension.target {
            ScanTarget::Image | ScanTarget::Mesh => "An absent vulnerability means nothing.",
            ScanTarget::Inputs | ScanTarget::Outputs => "An absent finding means nothing.",
        };
        Annotation {
            annotator: sources.annotator(Source::Scanned),
            bom_ref: reference,
            subjects: findings.of_target(extension.target),
            text: format!("{}. {means}", not_scanned(&extension.reason)),
            timestamp: scan.predicate.metadata.scan_finished_on.to_string(),
        }
    })
}

/// One note for each entry of the policy's list that ignores something here.
fn ignores(sources: Sources<'_>, findings: &Findings<'_>, claims: &mut Claims) -> Vec<Annotation> {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for ignored in sources.decision.ignored() {
        let subjects = used.entry(self::ignored(&ignored.by)).or_default();
        subjects.extend(findings.places(&ignored.violation));
    }
    let note = |(index, (text, subjects)): (usize, (String, BTreeSet<String>))| {
        let reference = refs::ignored(index);
        claims.add(Source::Decided, &reference, &["everything"]);
        claims.add(Source::Derived, &reference, &["/bom-ref", "/subjects"]);
        Annotation {
            annotator: sources.annotator(Source::Decided),
            bom_ref: reference,
            subjects: subjects.into_iter().collect(),
            text,
            timestamp: sources.decision.issued_at().to_string(),
        }
    };
    used.into_iter().enumerate().map(note).collect()
}
