//! The documentation as Markdown.

use std::fmt::Write as _;

use super::{NOTE, Status, fill::Filled};
use crate::{
    Aibom,
    card::{code_span, escaped},
    html::Verdict,
};

/// The whole text. Texts of the document are escaped: they can bring in no markup.
pub(super) fn markdown(aibom: &Aibom, verdict: Option<&Verdict>, points: &[Filled<'_>]) -> String {
    let name = escaped(aibom.text("/metadata/component/name"));
    let version = escaped(aibom.text("/metadata/component/version"));
    let mut out = vec![
        format!("# Technical documentation: {name} {version}"),
        String::new(),
        format!("Annex IV of Regulation (EU) 2024/1689. **{NOTE}**"),
        String::new(),
        format!(
            "Made from the AIBoM {} (`aibom.cdx.json` beside this file). Behind each value stands who says \
             it: *asserted* by the submitter and *reported* by the trainer are unchecked; *observed*, \
             *scanned* and *granted* are the platform's; *derived* follows from the rest. Pointers are JSON \
             pointers (RFC 6901) into the AIBoM.",
            code_span(aibom.text("/serialNumber"))
        ),
        String::new(),
    ];
    out.push(verified(verdict));
    for filled in points {
        section(&mut out, filled);
    }
    out.push(String::new());
    out.join("\n")
}

/// What a verifier said of the bundle, in a paragraph.
fn verified(verdict: Option<&Verdict>) -> String {
    let Some(verdict) = verdict else {
        return "**Not verified here.** Nobody checked signatures, log or evidence when this was made: it \
                shows what the AIBoM says."
            .to_owned();
    };
    let failed: Vec<_> = verdict.checks.iter().filter(|check| !check.passed).collect();
    let count = verdict.checks.len();
    let mut text = match (verdict.holds(), failed.len()) {
        (true, _) => format!("**Verified.** All {count} checks held."),
        (false, 0) => {
            format!("**Refused.** {count} checks were made, and the verifier did not accept.")
        }
        (false, failed) => {
            format!("**Refused.** {failed} of {count} checks failed. Rely on nothing below.")
        }
    };
    if !verdict.against.is_empty() {
        text = format!("{text} Checked against {}.", escaped(&verdict.against));
    }
    for check in failed {
        // Writing into a string cannot fail.
        let _ = write!(text, "\n- {}: {}", escaped(&check.name), escaped(&check.detail));
    }
    text
}

fn section(out: &mut Vec<String>, filled: &Filled<'_>) {
    let point = &filled.point;
    out.extend([String::new(), format!("## {} {}", point.point, point.title), String::new()]);
    for value in &filled.values {
        let by = value.by.map_or_else(
            || "the AIBoM does not say who says it".to_owned(),
            |by| format!("*{}* by {}", by.source.word(), escaped(by.who)),
        );
        let (label, mut text) = (value.label, escaped(&value.text));
        if !value.name.is_empty() {
            text = format!("{} = {text}", escaped(&value.name));
        }
        out.push(format!("- {label}: {text} ({by}; {})", code_span(&value.pointer)));
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
