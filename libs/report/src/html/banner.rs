//! The head of the page: what it is about, and whether it was verified.

use super::view::{Place, View};
use super::write::Html;
use super::{Verdict, table};
use table::{Column, Row, table};

/// Title and subtitle.
pub(super) fn header(h: &mut Html, view: &View<'_>) {
    let root = view.root();
    h.el("header", &[], |h| {
        h.leaf("p", "eyebrow", "AI bill of materials");
        h.el("h1", &[], |h| {
            h.text(root.text("/metadata/component/name"));
            h.raw(" ");
            h.leaf("span", "version", root.text("/metadata/component/version"));
        });
        let description = root.text("/metadata/component/description");
        if !description.is_empty() {
            h.leaf("p", "subtitle", description);
        }
    });
}

/// Verified, refused, or not looked at.
pub(super) fn verdict(h: &mut Html, verdict: Option<&Verdict>) {
    let (class, title) = match verdict {
        Some(verdict) if verdict.holds() => ("verdict verified", "Verified"),
        Some(_) => ("verdict refused", "Refused"),
        None => ("verdict unknown", "Not verified here"),
    };
    h.el("section", &[("class", class), ("aria-label", "Verdict")], |h| {
        h.leaf("p", "word", title);
        match verdict {
            Some(verdict) => checked(h, verdict),
            None => h.leaf(
                "p",
                "",
                "Nobody checked signatures, log or evidence when this page was made: it shows what the \
                 document says. Run “aibom verify BUNDLE --trust-root FILE” before you rely on it.",
            ),
        }
        if verdict.is_some() {
            h.leaf(
                "p",
                "note",
                "The verdict is that of the program that made this page; the page itself is not \
                 signed. Whoever has the bundle can repeat it.",
            );
        }
    });
}

fn checked(h: &mut Html, verdict: &Verdict) {
    let failed: Vec<_> = verdict.checks.iter().filter(|check| !check.passed).collect();
    let (count, against) = (verdict.checks.len(), &verdict.against);
    let mut sentence = match (verdict.holds(), failed.len()) {
        (true, _) => format!("All {count} checks held."),
        (false, 0) => format!("{count} checks were made, and the verifier did not accept."),
        (false, failed) => format!("{failed} of {count} checks failed. Rely on nothing below."),
    };
    if !against.is_empty() {
        sentence.push_str(" Checked against ");
        sentence.push_str(against);
        sentence.push('.');
    }
    h.leaf("p", "", &sentence);
    if !failed.is_empty() {
        h.el("ul", &[("class", "failed")], |h| {
            for check in failed {
                h.el("li", &[], |h| {
                    h.leaf("code", "", &check.name);
                    h.raw(" ");
                    h.text(&check.detail);
                });
            }
        });
    }
    let row = |check: &super::Check| {
        let outcome = if check.passed { "held" } else { "failed" };
        let cells = vec![check.name.clone(), outcome.to_owned(), check.detail.clone()];
        Row { cells, stress: if check.passed { "" } else { "differs" }, ..Row::default() }
    };
    table::details(h, &format!("Every check ({count})"), |h| {
        let columns = [Column::Code("Check"), Column::Text("Outcome"), Column::Text("Why")];
        let rows: Vec<Row> = verdict.checks.iter().map(row).collect();
        table(h, "Checks", &columns, &rows);
    });
}

/// What the page was made of.
pub(super) fn footer(h: &mut Html, view: &View<'_>) {
    let root = view.root();
    let constant = |tail| root.at(tail).as_ref().map(Place::show).unwrap_or_default();
    h.el("footer", &[], |h| {
        h.text(&format!(
            "Made of {} {}, {}. This page loads nothing and runs nothing; the signed document is \
             aibom.cdx.json.",
            constant("/bomFormat"),
            constant("/specVersion"),
            constant("/serialNumber"),
        ));
    });
}
