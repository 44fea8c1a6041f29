//! in-toto metadata of the classic form (in-toto specification v1.0, section 4): a layout, and the
//! link of its one step, checked against each other.
//!
//! Stricter than the reference implementation where that one only warns: another command than the
//! layout expects fails, rules without a closing `DISALLOW *` fail, a layout with inspections is
//! refused (they are commands, and nothing here runs any), and duplicate members do not parse.

mod document;
mod glob;
mod json;
mod metadata;
mod rules;

use std::collections::BTreeSet;

use ids::Timestamp;
use keys::PublicKey;

use document::{Layout, Link, Step};
use metadata::Metadata;

pub use metadata::{MetadataError, functionary_key, sign_metadata};

/// The longest metadata file that is read, in bytes.
pub const MAX_METADATA_BYTES: usize = 8 * 1024 * 1024;

/// One check on a link or its layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkCheck {
    /// Stable dotted name, such as `link.signature`.
    pub name: &'static str,
    /// Whether it held.
    pub passed: bool,
    /// Why, for people.
    pub detail: String,
}

#[derive(Default)]
struct Report(Vec<LinkCheck>);

impl Report {
    fn record<T>(&mut self, name: &'static str, outcome: Result<(T, String), String>) -> Option<T> {
        let (passed, detail, value) = match outcome {
            Ok((value, detail)) => (true, detail, Some(value)),
            Err(detail) => (false, detail, None),
        };
        let detail = detail.chars().take(4096).collect();
        self.0.push(LinkCheck { name, passed, detail });
        value
    }
}

/// Checks that `link` satisfies the one step of `layout`, which `owner` signed, at the instant
/// `now`. It holds when every check in the answer passed.
///
/// The names, in order: `layout.format`, `layout.signature`, `layout.expiry`,
/// `layout.inspections`, `layout.steps`, `layout.closed`, `link.format`, `link.step`,
/// `link.signature`, `link.command`, `link.materials`, `link.products`. What cannot be checked
/// after a failure is left out.
#[must_use]
pub fn verify_link(
    link: &[u8],
    layout: &[u8],
    owner: &PublicKey,
    now: Timestamp,
) -> Vec<LinkCheck> {
    let mut report = Report::default();
    let layout = report.record("layout.format", Metadata::<Layout>::parse(layout));
    if let Some(layout) = &layout {
        check_layout(layout, owner, now, &mut report);
    }
    let link = report.record("link.format", Metadata::<Link>::parse(link));
    if let (Some(layout), Some(link)) = (&layout, &link) {
        check_link(link, &layout.content, &mut report);
    }
    report.0
}

fn check_layout(layout: &Metadata<Layout>, owner: &PublicKey, now: Timestamp, report: &mut Report) {
    let signed = layout.signatures.iter().any(|s| owner.verify(&layout.signed, &s.sig).is_ok());
    let id = owner.key_id();
    report.record(
        "layout.signature",
        if signed {
            Ok(((), format!("by the owner's key {id}")))
        } else {
            let count = layout.signatures.len();
            Err(format!("none of the {count} signatures is by the owner's key {id}"))
        },
    );
    let content = &layout.content;
    report.record("layout.expiry", content.check_expiry(now).map(|detail| ((), detail)));
    let inspections = content.inspect.len();
    report.record(
        "layout.inspections",
        if inspections == 0 {
            Ok(((), "none".to_owned()))
        } else {
            Err(format!("{inspections} inspections: they are commands, and none is ever run"))
        },
    );
    report.record(
        "layout.steps",
        match content.steps.as_slice() {
            [step] => Ok(((), format!("one, {:?}", step.name))),
            steps => Err(format!("{} steps, a layout of exactly one is taken", steps.len())),
        },
    );
    report.record("layout.closed", check_closed(content));
}

fn check_closed(layout: &Layout) -> Result<((), String), String> {
    for step in &layout.steps {
        for (what, rules) in
            [("materials", &step.expected_materials), ("products", &step.expected_products)]
        {
            if !rules::is_closed(rules) {
                return Err(format!(
                    "expected_{what} of {:?} do not end with DISALLOW *: anything else may be there",
                    step.name
                ));
            }
        }
    }
    Ok(((), "every rule list ends with DISALLOW *".to_owned()))
}

fn check_link(link: &Metadata<Link>, layout: &Layout, report: &mut Report) {
    let content = &link.content;
    let mut steps = layout.steps.iter().filter(|step| step.name == content.name);
    let found = match (steps.next(), steps.next()) {
        (Some(step), None) => Ok((step, format!("{:?}", step.name))),
        (None, _) => Err(format!("the layout has no step {:?}", content.name)),
        (Some(_), Some(_)) => Err(format!("the layout has several steps {:?}", content.name)),
    };
    let Some(step) = report.record("link.step", found) else { return };
    report.record("link.signature", check_functionary(link, step, layout));
    report.record(
        "link.command",
        if step.expected_command.is_empty() || step.expected_command == content.command {
            Ok(((), "as the layout expects".to_owned()))
        } else {
            let (ran, expected) = (&content.command, &step.expected_command);
            Err(format!("ran {ran:?}, the layout expects {expected:?}"))
        },
    );
    report.record("link.materials", rules::check(&step.expected_materials, content, false));
    report.record("link.products", rules::check(&step.expected_products, content, true));
}

/// As many distinct keys of the step as its threshold asks for must have signed.
fn check_functionary(
    link: &Metadata<Link>,
    step: &Step,
    layout: &Layout,
) -> Result<((), String), String> {
    let mut good = BTreeSet::new();
    let mut problem = "no signature is by a key of this step".to_owned();
    for signature in &link.signatures {
        let keyid = &signature.keyid;
        let shown: String = keyid.chars().take(80).collect();
        if !step.pubkeys.contains(keyid) {
            continue;
        }
        let key = match layout.key(keyid) {
            Ok(key) => key,
            Err(error) => {
                problem = format!("the layout's key {shown}: {error}");
                continue;
            }
        };
        if key.verify(&link.signed, &signature.sig).is_ok() {
            good.insert(key.key_id());
        } else {
            problem = format!("the signature by {shown} does not verify");
        }
    }
    let wanted = usize::try_from(step.threshold).unwrap_or(usize::MAX).max(1);
    match good.len() {
        0 => Err(problem),
        count if count < wanted => {
            Err(format!("{count} valid signatures, the step's threshold is {wanted}"))
        }
        count => Ok(((), format!("{count} of the step's keys"))),
    }
}

#[cfg(test)]
mod tests;
