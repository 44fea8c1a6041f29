//! The answer for people: what is new, worst first, and what can be done about it.

use evidence::{Completeness, Level};

use super::{
    Known,
    compare::{Item, Signed},
};
use crate::terminal::{Style, Terminal, clean, cut};

/// The most lines of one list.
const MAX_LINES: usize = 100;
/// The most packages of one vulnerability.
const MAX_PLACES: usize = 4;
/// The longest title or package that is shown, in characters.
const MAX_CHARS: usize = 80;

/// The lines.
pub(super) fn lines(terminal: &Terminal, known: &Known) -> Vec<String> {
    let predicate = &known.advisory.scan().predicate;
    let database = predicate.scanner.db.as_ref();
    let database = database.map_or_else(|| "none".to_owned(), |db| db.last_update.to_string());
    let (scanned, revision) = (predicate.metadata.scan_finished_on, known.file.revision);
    let mut lines = vec![
        format!("image     sha256:{}", known.advisory.image()),
        format!("scan      {scanned}, revision {revision}, database of {database}"),
        format!("signed    {}, verified", known.advisory.signer().spiffe_id()),
    ];
    let signed = known.subject.aibom.as_ref();
    let then = signed.map(|(aibom, verified)| (Signed::of(aibom), *verified));
    if let Some((signed, verified)) = &then {
        let word = if *verified { "verified" } else { "not verified here: no bundle was named" };
        lines.push(format!("AIBoM     {}, {word}", cut(&signed.at, MAX_CHARS)));
        if signed.incomplete {
            let text = "a scan of then was incomplete: what is new may have been there";
            lines.push(terminal.paint(Style::Warn, text));
        }
    } else {
        lines.push("AIBoM     none was named: everything counts as new".to_owned());
    }
    if predicate.aibom.completeness == Completeness::Incomplete {
        let reason = clean(&predicate.aibom.reason);
        let text =
            format!("the scan is incomplete, that something is not in it means nothing: {reason}");
        lines.push(terminal.paint(Style::Warn, text));
    }
    let changes = &known.changes;
    for (word, items) in
        [("new", &changes.new), ("worse", &changes.worse), ("fixable", &changes.fixable)]
    {
        lines.extend(items.iter().take(MAX_LINES).map(|item| line(terminal, word, item)));
        more(&mut lines, word, items.len());
    }
    let gone = changes.gone.iter().take(MAX_LINES);
    lines.extend(gone.map(|id| format!("gone      {}", cut(id, MAX_CHARS))));
    more(&mut lines, "gone", changes.gone.len());
    lines.push(format!(
        "{} new, {} worse, {} with a fix since, {} gone, {} unchanged",
        changes.new.len(),
        changes.worse.len(),
        changes.fixable.len(),
        changes.gone.len(),
        changes.unchanged
    ));
    lines
}

fn more(lines: &mut Vec<String>, word: &str, count: usize) {
    if let Some(rest) = count.checked_sub(MAX_LINES).filter(|rest| *rest > 0) {
        lines.push(format!("{word:8}  and {rest} more: --format json has all"));
    }
}

fn severity(terminal: &Terminal, level: Level) -> String {
    let word = level.as_str().to_ascii_lowercase();
    let style = match level {
        Level::Critical | Level::High => Style::Bad,
        Level::Medium => Style::Warn,
        Level::Low | Level::Unknown => Style::Dim,
    };
    terminal.paint(style, format_args!("{word:8}"))
}

fn line(terminal: &Terminal, word: &str, item: &Item) -> String {
    let packages = item.packages.iter().take(MAX_PLACES).map(|place| {
        let purl = cut(&place.purl, MAX_CHARS);
        match &place.fixed {
            Some(fixed) => format!("{purl} (fixed in {})", cut(fixed, MAX_CHARS)),
            None => format!("{purl} (no fix)"),
        }
    });
    let mut packages = packages.collect::<Vec<_>>().join(", ");
    if let Some(rest) = item.packages.len().checked_sub(MAX_PLACES).filter(|rest| *rest > 0) {
        packages.push_str(&format!(" and {rest} more"));
    }
    let was = item.was.map(|was| format!("  was {}", was.as_str().to_ascii_lowercase()));
    let (level, id) = (severity(terminal, item.severity), cut(&item.id, MAX_CHARS));
    let (was, title) = (was.unwrap_or_default(), cut(&item.title, MAX_CHARS));
    format!("{word:8}  {level}  {id}{was}  {packages}  {title}").trim_end().to_owned()
}
