//! One self-contained HTML page for people: no script, no request, everything escaped.
//!
//! The page shows what an AIBoM says and, at each value, who says it. It is a pure function of the
//! document: the same document gives the same page. Document text reaches the page through
//! [`write::Html::text`] and attributes alone, which escape; markup is `&'static str`.

mod badge;
mod banner;
mod chart;
mod claims;
mod dataset;
mod decided;
mod documents;
mod facts;
mod formulation;
mod graph;
mod machine;
mod metrics;
mod model;
mod overview;
mod packages;
mod standing;
mod table;
mod units;
mod view;
mod vulnerabilities;
mod write;

use crate::Aibom;
use view::{Standing, View};
use write::Html;

pub(crate) use write::{clip, is_hidden};

/// What a verifier found, for the banner of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the verifier accepted the bundle. The banner says "verified" only when every one of
    /// `checks` held as well, and there is at least one.
    pub verified: bool,
    /// Every check, in the order they were made.
    pub checks: Vec<Check>,
    /// What it was verified against, such as the trust root's digest; may be empty.
    pub against: String,
}

/// One check of a verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Stable dotted name.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
    /// Why, for people.
    pub detail: String,
}

impl Verdict {
    /// Whether the banner may say so.
    pub(crate) fn holds(&self) -> bool {
        self.verified && !self.checks.is_empty() && self.checks.iter().all(|check| check.passed)
    }
}

/// A section of the page: its anchor, its title, and what writes it.
type Section = (&'static str, &'static str, fn(&mut Html, &View<'_>));

const SECTIONS: [Section; 12] = [
    ("overview", "What it is", overview::section),
    ("provenance", "Where it comes from", graph::section),
    ("metrics", "Measurements", metrics::section),
    ("model", "Model", model::section),
    ("dataset", "Dataset", dataset::section),
    ("formulation", "How it was made", formulation::section),
    ("decision", "Scans and decision", decided::section),
    ("claims", "Claims and their evidence", claims::section),
    ("packages", "Image and packages", packages::section),
    ("vulnerabilities", "Vulnerabilities", vulnerabilities::section),
    ("machine", "Machine and tools", machine::section),
    ("documents", "Keys, evidence, completeness", documents::section),
];

/// The page for `aibom`.
///
/// `verdict` is what a verifier said of the bundle that it came in, `None` when nobody verified it
/// here; `signed` is whether the caller found a signature on it. Where there is a verdict, it alone
/// decides whether the signature counts, in the score and in the drawing.
///
/// The page loads nothing (`Content-Security-Policy`, no script) and is as long as the document
/// is: texts longer than 4 KiB are cut with a note, lists are shown in full.
#[must_use]
pub fn page(aibom: &Aibom, verdict: Option<&Verdict>, signed: bool) -> String {
    let view = View::new(aibom, Standing::new(verdict, signed));
    let mut html = Html::default();
    html.raw("<!DOCTYPE html>\n");
    html.el("html", &[("lang", "en")], |h| {
        h.el("head", &[], |h| head(h, &view));
        h.el("body", &[], |h| {
            h.el("a", &[("class", "skip"), ("href", "#overview")], |h| h.text("Skip to content"));
            banner::header(h, &view);
            h.el("div", &[("class", "frame")], |h| {
                contents(h);
                h.el("main", &[], |h| {
                    banner::verdict(h, verdict);
                    decided::banner(h, aibom);
                    badge::legend(h);
                    standing::section(h, aibom, view.standing());
                    for (anchor, title, write) in SECTIONS {
                        section(h, anchor, title, |h| write(h, &view));
                    }
                });
            });
            banner::footer(h, &view);
        });
    });
    html.finish()
}

fn head(h: &mut Html, view: &View<'_>) {
    h.void("meta", &[("charset", "utf-8")]);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                  base-uri 'none'; form-action 'none'";
    h.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", policy)]);
    h.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    h.void("meta", &[("name", "referrer"), ("content", "no-referrer")]);
    h.void("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    // Without this a browser may ask a name server for the hosts of links before they are followed.
    let prefetch = [("http-equiv", "x-dns-prefetch-control"), ("content", "off")];
    h.void("meta", &prefetch);
    // Without this a browser asks the server for /favicon.ico.
    h.void("link", &[("rel", "icon"), ("href", "data:,")]);
    let name = view.root().text("/metadata/component/name");
    h.el("title", &[], |h| h.text(&format!("AIBoM: {}", write::clip(name, 80))));
    h.el("style", &[], |h| h.raw(include_str!("html/page.css")));
}

fn contents(h: &mut Html) {
    h.el("nav", &[("aria-label", "Contents")], |h| {
        h.el("ul", &[], |h| {
            let first = [("score", "Minimum elements")];
            let rest = SECTIONS.iter().map(|(anchor, title, _)| (*anchor, *title));
            for (anchor, title) in first.into_iter().chain(rest) {
                h.el("li", &[], |h| {
                    h.el("a", &[("href", &format!("#{anchor}"))], |h| h.text(title));
                });
            }
        });
    });
}

/// A section with its heading.
fn section(h: &mut Html, anchor: &str, title: &str, inner: impl FnOnce(&mut Html)) {
    let heading = format!("h-{anchor}");
    h.el("section", &[("id", anchor), ("aria-labelledby", &heading)], |h| {
        h.el("h2", &[("id", &heading)], |h| h.text(title));
        inner(h);
    });
}

#[cfg(test)]
mod tests;
