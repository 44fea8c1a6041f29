//! What the document is about: name, producer, licence, digests, job, times.

use super::facts::{address, code, fact, facts, hashes, told};
use super::model::words;
use super::view::{Place, View, licences};
use super::write::Html;

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    let root = view.root();
    if let Some(release) = root.at("/metadata/component") {
        h.leaf("h3", "", "The system");
        facts(h, |h| described(h, &release));
    }
    h.leaf("h3", "", "The run");
    facts(h, |h| run(h, view, &root));
    h.leaf("h3", "", "This document");
    facts(h, |h| document(h, &root));
}

/// Name, version and who answers for it, of any component.
pub(super) fn described(h: &mut Html, component: &Place<'_>) {
    fact(h, "Name", component.at("/name"));
    fact(h, "Version", component.at("/version"));
    fact(h, "Description", component.at("/description"));
    fact(h, "Producer", component.at("/supplier/name"));
    told(h, "Licence", &licences(component), &component.items("/licenses"));
    code(h, "Package URL", component.at("/purl"));
    hashes(h, component);
    for reference in component.items("/externalReferences") {
        address(h, &words(reference.text("/type")), reference.at("/url"));
    }
}

fn run(h: &mut Html, view: &View<'_>, root: &Place<'_>) {
    let Some(metadata) = root.at("/metadata") else { return };
    code(h, "Job", metadata.property("aibom:job"));
    fact(h, "Attempt", metadata.property("aibom:attempt"));
    if let Some(user) =
        root.at("/metadata/component").and_then(|c| c.property("aibom:request:user"))
    {
        code(h, "Submitted by", Some(user));
    }
    if let Some(declared) = view.workflow("workflow/declared") {
        fact(h, "Submitted at", declared.at("/trigger/timeActivated"));
    }
    if let Some(task) = view.task("task/observed/train") {
        fact(h, "Training began", task.at("/timeStart"));
        fact(h, "Training ended", task.at("/timeEnd"));
    }
    fact(h, "Run by", metadata.at("/manufacturer/name"));
    for url in metadata.items("/manufacturer/url") {
        address(h, "Operator’s address", Some(url));
    }
    for contact in metadata.items("/manufacturer/contact") {
        fact(h, "Operator’s contact", contact.at("/email"));
    }
}

fn document(h: &mut Html, root: &Place<'_>) {
    code(h, "Serial number", root.at("/serialNumber"));
    let format = format!("{} {}", root.text("/bomFormat"), root.text("/specVersion"));
    told(h, "Format", &format, &root.at("/specVersion").into_iter().collect::<Vec<_>>());
    let Some(metadata) = root.at("/metadata") else { return };
    fact(h, "Profile", metadata.property("aibom:profile"));
    fact(h, "Timestamp", metadata.at("/timestamp"));
    for lifecycle in metadata.items("/lifecycles") {
        fact(h, "Lifecycle", lifecycle.at("/phase"));
    }
    told(h, "Licence of the AIBoM", &licences(&metadata), &metadata.items("/licenses"));
    fact(h, "May be shown to (TLP)", metadata.at("/distributionConstraints/tlp"));
    code(h, "Digest of all evidence", metadata.property("aibom:evidence:set:sha256"));
}
