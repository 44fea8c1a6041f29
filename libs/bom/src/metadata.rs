//! The document's metadata: who runs the mesh, what wrote it, under which licence.

use evidence::{Completeness, Operator, VerifiedEvidence};
use policy::Decision;

use crate::claims::{Claims, Source, not_scanned};
use crate::cyclonedx::component::Component;
use crate::cyclonedx::{
    Contact, DistributionConstraints, Entity, Lifecycle, Metadata, Property, Tools, property,
};
use crate::findings::Findings;
use crate::{aibom, licence, refs};

/// The metadata around the released model and the tools.
pub(crate) fn metadata(
    (evidence, decision): (&VerifiedEvidence, &Decision),
    findings: &Findings<'_>,
    release: Component,
    tools: Vec<Component>,
    claims: &mut Claims,
) -> Metadata {
    let options = &evidence.request().spec.aibom;
    let tlp = options.tlp.filter(|_| aibom::version(evidence) == job::CycloneDx::V1_7);
    claims.add(Source::Observed, refs::RELEASE, &["$/metadata/timestamp"]);
    claims.add(Source::Derived, refs::RELEASE, &["$/metadata/lifecycles", "$/metadata/properties"]);
    claims.add(Source::Granted, refs::RELEASE, &["$/metadata/manufacturer"]);
    claims.add(
        Source::Granted,
        refs::RELEASE,
        &["$/metadata/properties/aibom:job", "$/metadata/properties/aibom:attempt"],
    );
    claims.add(Source::Scanned, refs::RELEASE, &["$/metadata/properties/aibom:scan:*"]);
    claims.add(Source::Decided, refs::RELEASE, &POLICY);
    claims.add(Source::Scanned, refs::RELEASE, &LET_PASS);
    if !decision.accepted().is_empty() {
        claims.add(Source::Released, refs::RELEASE, &RELEASED);
    }
    if options.licence.is_some() {
        claims.add(Source::Asserted, refs::RELEASE, &["$/metadata/licenses"]);
    }
    if tlp.is_some() {
        claims.add(Source::Asserted, refs::RELEASE, &["$/metadata/distributionConstraints"]);
    }
    let authors: Vec<Contact> = mail(evidence).into_iter().collect();
    if !authors.is_empty() {
        claims.add(Source::Granted, refs::RELEASE, &["$/metadata/authors"]);
    }
    let finished = evidence.training().predicate.run_details.metadata.finished_on;
    Metadata {
        authors,
        component: release,
        distribution_constraints: tlp.map(|tlp| DistributionConstraints { tlp }),
        licenses: licence::declared(&options.licence),
        lifecycles: [Lifecycle { phase: "build" }],
        manufacturer: manufacturer(evidence),
        properties: properties(evidence, decision, findings),
        timestamp: finished.to_string(),
        tools: Tools { components: tools },
    }
}

/// Who runs the mesh: the operator, or no more than the name of the trust domain.
pub(crate) fn manufacturer(evidence: &VerifiedEvidence) -> Entity {
    let grant = evidence.grant();
    let Some(Operator { name, url, .. }) = &grant.operator else {
        let domain = grant.executor.id.trust_domain();
        let url = vec![format!("spiffe://{domain}")];
        return Entity { name: Some(domain.to_owned()), url, ..Entity::default() };
    };
    Entity {
        contact: mail(evidence).into_iter().map(|c| Contact { name: None, ..c }).collect(),
        name: Some(name.clone()),
        url: url.iter().cloned().collect(),
    }
}

/// The operator with its mail address, where there is one: the evidence was refused if it were none.
fn mail(evidence: &VerifiedEvidence) -> Option<Contact> {
    let operator = evidence.grant().operator.as_ref()?;
    let email = operator.email.clone()?;
    Some(Contact { email: Some(email), name: Some(operator.name.clone()) })
}

/// What was let pass, by the ids and places that the scans give.
const LET_PASS: [&str; 2] = [
    "$/metadata/properties/aibom:decision:accepted",
    "$/metadata/properties/aibom:decision:ignored",
];
/// The policy's words.
const POLICY: [&str; 2] =
    ["$/metadata/properties/aibom:policy:name", "$/metadata/properties/aibom:policy:version"];
/// The approver's words.
const RELEASED: [&str; 3] = [
    "$/metadata/properties/aibom:decision:approver",
    "$/metadata/properties/aibom:decision:decidedAt",
    "$/metadata/properties/aibom:decision:reason",
];

fn properties(
    evidence: &VerifiedEvidence,
    decision: &Decision,
    findings: &Findings<'_>,
) -> Vec<Property> {
    let grant = evidence.grant();
    let mut out = vec![
        property("profile", job::PROFILE),
        property("job", grant.job),
        property("attempt", grant.attempt),
        property("evidence:set:sha256", evidence.set_digest()),
    ];
    for (index, scan) in evidence.scans().iter().enumerate() {
        let extension = &scan.predicate.aibom;
        let status = match extension.completeness {
            Completeness::Complete => "complete".to_owned(),
            Completeness::Incomplete => not_scanned(&extension.reason),
        };
        out.push(property(&format!("scan:{index}:target"), extension.target));
        out.push(property(&format!("scan:{index}:status"), status));
    }
    out.extend(findings.counts());
    out.extend(decided(evidence, decision));
    out
}

/// By which policy it was released, what that ignores, and who released it in spite of what.
fn decided(evidence: &VerifiedEvidence, decision: &Decision) -> Vec<Property> {
    let accepted = decision.accepted();
    let release = evidence.release().filter(|_| !accepted.is_empty());
    let word = if release.is_some() { "released-by-approver" } else { "released" };
    let policy = decision.policy();
    let mut out = vec![
        property("policy:name", &policy.name),
        property("policy:version", policy.version),
        property("policy:sha256", policy.digest),
        property("decision", word),
    ];
    out.extend(decision.ignored().iter().map(|i| property("decision:ignored", i.violation.key())));
    if let Some(release) = release {
        out.push(property("decision:approver", evidence.approver().unwrap_or_default()));
        out.push(property("decision:decidedAt", release.decided_at));
        out.push(property("decision:reason", &release.reason));
        out.extend(accepted.iter().map(|held| property("decision:accepted", held.key())));
    }
    out
}
