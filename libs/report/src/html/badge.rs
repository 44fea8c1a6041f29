//! The small mark at a value that tells who says it, and the legend of these marks.

use std::collections::BTreeMap;

use super::view::Place;
use super::write::Html;
use crate::Source;

/// Sources in the order of the legend, with what each means.
const LEGEND: [(Source, &str); 7] = [
    (Source::Observed, "the executor saw it from outside the container"),
    (Source::Granted, "the scheduler decided it"),
    (Source::Scanned, "the scanner found it"),
    (Source::Decided, "the mesh's release policy says so, or whoever released what it held"),
    (Source::Asserted, "the submitter said so; nobody checked it"),
    (Source::Reported, "the trainer said so from inside the container; nobody checked it"),
    (Source::Derived, "follows from the rest by rules that anybody can repeat"),
];

/// Sources of some values, each with who it is.
pub(super) type From = BTreeMap<Source, String>;

/// The sources of the values at `places`.
pub(super) fn from<'p, 'v: 'p>(places: impl IntoIterator<Item = &'p Place<'v>>) -> From {
    places.into_iter().filter_map(Place::source).collect()
}

/// The marks.
pub(super) fn badges(h: &mut Html, from: &From) {
    for (source, who) in from {
        let word = source.word();
        let title = if who.is_empty() { word.to_owned() } else { format!("{word} by {who}") };
        h.raw(" ");
        h.el("span", &[("class", &format!("by {word}")), ("title", &title)], |h| h.text(word));
    }
}

/// What the marks mean.
pub(super) fn legend(h: &mut Html) {
    h.el("aside", &[("class", "legend"), ("aria-label", "Who says what")], |h| {
        h.leaf("p", "lead", "Values carry the mark of who said them. A mark at a heading, a caption or a column stands for what is \
             below it.");
        h.el("dl", &[], |h| {
            for (source, meaning) in LEGEND {
                h.el("div", &[], |h| {
                    h.el("dt", &[], |h| {
                        h.el("span", &[("class", &format!("by {}", source.word()))], |h| {
                            h.text(source.word());
                        });
                    });
                    h.leaf("dd", "", meaning);
                });
            }
        });
    });
}
