//! The documentation as Markdown.

use super::{NOTE, Status, fill::Filled};
use crate::Aibom;

/// The whole text. Texts of the document are escaped: they can bring in no markup.
pub(super) fn markdown(aibom: &Aibom, points: &[Filled<'_>]) -> String {
    let name = plain(aibom.text("/metadata/component/name"));
    let version = plain(aibom.text("/metadata/component/version"));
    let mut out = vec![
        format!("# Technical documentation: {name} {version}"),
        String::new(),
        format!("Annex IV of Regulation (EU) 2024/1689. **{NOTE}**"),
        String::new(),
        format!(
            "Made from the AIBoM `{}` (`aibom.cdx.json` beside this file). Behind each value stands who says \
             it: *asserted* by the submitter and *reported* by the trainer are unchecked; *observed*, \
             *scanned* and *granted* are the platform's; *derived* follows from the rest. Pointers are JSON \
             pointers (RFC 6901) into the AIBoM.",
            code(aibom.text("/serialNumber"))
        ),
    ];
    for filled in points {
        section(&mut out, filled);
    }
    out.push(String::new());
    out.join("\n")
}

fn section(out: &mut Vec<String>, filled: &Filled<'_>) {
    let point = &filled.point;
    out.extend([String::new(), format!("## {} {}", point.point, point.title), String::new()]);
    for value in &filled.values {
        let by = value.by.map_or_else(
            || "the AIBoM does not say who says it".to_owned(),
            |by| format!("*{}* by {}", by.source.word(), plain(by.who)),
        );
        let (label, text) = (value.label, plain(&value.text));
        out.push(format!("- {label}: {text} ({by}; `{}`)", code(&value.pointer)));
    }
    if point.add.is_empty() {
        return;
    }
    if !filled.values.is_empty() {
        out.push(String::new());
    }
    let what = match point.status {
        Status::Missing => "Not in the AIBoM",
        Status::Filled | Status::Partly => "Beyond the AIBoM",
    };
    out.push(format!("{what}: the provider must add {}.", point.add));
}

/// A text of the document as plain words of one line.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '|' | '!' | '~' => {
                out.extend(['\\', c]);
            }
            _ if c.is_whitespace() => out.push(' '),
            _ if c.is_control() => {}
            _ => out.push(c),
        }
    }
    out
}

/// A text within backticks.
fn code(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '`').collect()
}
