//! Known vulnerabilities of the image, the worst first.

use std::collections::BTreeSet;

use super::badge;
use super::table::{Column, Row, table};
use super::view::{Place, View};
use super::write::Html;
use crate::severity::{self, SEVERITIES};

/// The most affected packages that are named in a row.
const MAX_NAMES: usize = 20;

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    for (reference, text) in incomplete(view) {
        h.el("p", &[("class", "warning")], |h| {
            h.leaf("strong", "", "Scan incomplete. ");
            h.text(text);
            h.text(" ");
            h.leaf("code", "", reference);
        });
    }
    let mut found = view.root().items("/vulnerabilities");
    found.sort_by_key(|one| (rank(one), one.text("/id").to_owned()));
    if found.is_empty() {
        h.leaf("p", "none", "The document lists no vulnerabilities.");
        return;
    }
    let count = |(at, word): (usize, &&str)| {
        let number = found.iter().filter(|one| rank(one) == at).count();
        (number > 0).then(|| format!("{number} {word}"))
    };
    let counts: Vec<String> = SEVERITIES.iter().enumerate().filter_map(count).collect();
    h.leaf("p", "lead", &format!("{} known: {}.", found.len(), counts.join(", ")));
    let rows: Vec<Row> = found.iter().map(|one| row(view, one)).collect();
    let columns = [
        Column::Code("Id"),
        Column::Text("Severity"),
        Column::Text("What"),
        Column::Text("Affects"),
        Column::Text("Fix"),
    ];
    table(h, "Vulnerabilities, the worst first", &columns, &rows);
}

/// Annotations that say that a scan was not complete.
pub(super) fn incomplete<'v>(view: &'v View<'_>) -> Vec<(&'v str, &'v str)> {
    let notes = view.root().items("/annotations").into_iter();
    notes
        .map(|note| (note.text("/bom-ref"), note.text("/text")))
        .filter(|(reference, _)| reference.starts_with("not-scanned/"))
        .collect()
}

/// The place of its worst rating in [`SEVERITIES`].
fn rank(vulnerability: &Place<'_>) -> usize {
    let ratings = vulnerability.items("/ratings");
    let ranks = ratings.iter().map(|rating| severity::rank(rating.text("/severity")));
    ranks.min().unwrap_or_else(|| severity::rank("unknown"))
}

/// The names of what it affects, each once.
fn affected(view: &View<'_>, one: &Place<'_>) -> String {
    let references = one.items("/affects");
    let references: BTreeSet<&str> = references.iter().map(|place| place.text("/ref")).collect();
    let names = references.iter().take(MAX_NAMES).map(|reference| view.name(reference));
    let names = names.collect::<Vec<_>>().join(", ");
    match references.len().checked_sub(MAX_NAMES) {
        None | Some(0) => names,
        Some(more) => format!("{names} and {more} more"),
    }
}

fn row(view: &View<'_>, one: &Place<'_>) -> Row {
    let severity = SEVERITIES.get(rank(one)).copied().unwrap_or("unknown");
    let rated: Vec<&str> = one.items("/ratings").iter().map(|r| r.text("/source/name")).collect();
    let vector = one.items("/ratings").iter().map(|r| r.text("/vector")).find(|v| !v.is_empty());
    let mut rating = severity.to_owned();
    if rated.iter().any(|name| !name.is_empty()) {
        rating = format!("{severity} ({})", rated.join(", "));
    }
    let cwes =
        one.items("/cwes").iter().map(|cwe| format!("CWE-{}", cwe.show())).collect::<Vec<_>>();
    let lines = [one.text("/description"), &cwes.join(", "), vector.unwrap_or_default()];
    let what = lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let unfixed = one.properties("aibom:not-fixed");
    let fix = match (one.text("/recommendation"), unfixed.len()) {
        ("", 0) => "not stated".to_owned(),
        ("", _) => "none yet".to_owned(),
        (fix, 0) => fix.to_owned(),
        (fix, open) => format!("{fix} None yet for {open} more."),
    };
    let url = one.text("/source/url");
    let cells = vec![one.text("/id").to_owned(), rating, what, affected(view, one), fix];
    let stress = match severity {
        "critical" | "high" => "severe",
        _ => "",
    };
    Row { href: url.to_owned(), stress, ..Row::new(cells, badge::from(&one.at("/id"))) }
}
