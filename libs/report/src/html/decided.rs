//! What was scanned, what was found, and who let it out.

use super::facts::{code, fact, facts, texts};
use super::table::{Column, Row, table};
use super::view::{Place, View};
use super::write::Html;
use crate::Aibom;

/// Says at the top of the page that the policy had held it.
pub(super) fn banner(h: &mut Html, aibom: &Aibom) {
    let decision = aibom.decision();
    let Some(warning) = decision.warning() else { return };
    let attributes =
        [("class", "verdict refused"), ("aria-label", "Released in spite of findings")];
    h.el("section", &attributes, |h| {
        h.leaf("p", "word", "Released in spite of findings");
        h.el("p", &[], |h| {
            h.text("This AIBoM was ");
            h.text(&warning);
            h.text(".");
        });
        if !decision.reason.is_empty() {
            h.el("p", &[], |h| {
                h.leaf("strong", "", "Reason: ");
                h.text(decision.reason);
            });
        }
    });
}

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    let Some(metadata) = view.root().at("/metadata") else { return };
    h.leaf("h3", "", "Decision");
    let values = |name: &str| -> Vec<Place<'_>> {
        let all = metadata.items("/properties").into_iter();
        all.filter(|p| p.text("/name") == name).filter_map(|p| p.at("/value")).collect()
    };
    facts(h, |h| {
        fact(h, "Decision", metadata.property("aibom:decision"));
        fact(h, "Policy", metadata.property("aibom:policy:name"));
        fact(h, "Version of the policy", metadata.property("aibom:policy:version"));
        code(h, "SHA-256 of the policy", metadata.property("aibom:policy:sha256"));
        code(h, "Released by", metadata.property("aibom:decision:approver"));
        fact(h, "Released at", metadata.property("aibom:decision:decidedAt"));
        fact(h, "Reason", metadata.property("aibom:decision:reason"));
        texts(h, "Held, and accepted", &values("aibom:decision:accepted"));
        texts(h, "Ignored by the policy", &values("aibom:decision:ignored"));
        for (kind, count) in metadata.properties("aibom:findings:") {
            fact(h, &format!("Found, {kind}"), Some(count));
        }
        for (scan, target) in metadata.properties("aibom:scan:") {
            fact(h, &format!("Scan {scan}"), Some(target));
        }
    });
    ignored(h, view);
    found(h, view);
}

/// Why the policy ignores what it does.
fn ignored(h: &mut Html, view: &View<'_>) {
    for note in view.root().items("/annotations") {
        if note.text("/bom-ref").starts_with("ignored/") {
            h.leaf("p", "note", note.text("/text"));
        }
    }
}

/// What scans found in files, the image and programs.
fn found(h: &mut Html, view: &View<'_>) {
    const KINDS: [(&str, &str); 4] = [
        ("aibom:inspection:hazard", "dangerous content"),
        ("aibom:inspection:unread", "not read"),
        ("aibom:secret", "secret"),
        ("aibom:misconfiguration", "misconfiguration"),
    ];
    let root = view.root();
    let mut parts = view.all();
    parts.extend(root.items("/metadata/tools/components"));
    parts.extend(root.at("/metadata/component"));
    let mut rows = Vec::new();
    for part in &parts {
        for property in part.items("/properties") {
            let kind = KINDS.iter().find(|(name, _)| *name == property.text("/name"));
            if let Some((_, kind)) = kind {
                let cells = [part.text("/bom-ref"), kind, property.text("/value")];
                let from = super::badge::from(&property.at("/value"));
                rows.push(Row::new(cells.map(str::to_owned).to_vec(), from));
            }
        }
    }
    if rows.is_empty() {
        h.leaf("p", "none", "The document lists no findings in files.");
        return;
    }
    let columns = [Column::Code("Where"), Column::Text("Kind"), Column::Text("What")];
    table(h, "Findings in files, image and programs", &columns, &rows);
}
