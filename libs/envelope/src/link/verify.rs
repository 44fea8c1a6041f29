//! Links and their layout, checked against each other.

use std::collections::{BTreeMap, BTreeSet};

use ids::Timestamp;
use keys::PublicKey;

use super::{
    document::{Layout, Link, Step},
    glob::Budget,
    metadata::Metadata,
    rules::{self, Side},
};

/// The most links, and the most steps of a layout.
pub const MAX_LINKS: usize = 9;

/// One check on a link or its layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkCheck {
    /// Stable dotted name, such as `link.signature`, or `link.1.signature` when there are several.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
    /// Why, for people.
    pub detail: String,
}

#[derive(Default)]
struct Report(Vec<LinkCheck>);

impl Report {
    fn record<T>(
        &mut self,
        name: impl Into<String>,
        outcome: Result<(T, String), String>,
    ) -> Option<T> {
        let (passed, detail, value) = match outcome {
            Ok((value, detail)) => (true, detail, Some(value)),
            Err(detail) => (false, detail, None),
        };
        let detail = detail.chars().take(4096).collect();
        self.0.push(LinkCheck { name: name.into(), passed, detail });
        value
    }
}

/// Checks that `links` satisfy `layout`, which `owner` signed, at the instant `at`: one link for
/// each step, in any order. It holds when every check in the answer passed.
///
/// The names, in order: `layout.format`, `layout.signature`, `layout.expiry`,
/// `layout.inspections`, `layout.steps`, `layout.closed`; `link.format` of each link; and for each
/// link `link.step`, `link.signature`, `link.command`, `link.materials`, `link.products`. With
/// several links they are `link.0.format` and so on. What cannot be checked after a failure is left
/// out.
#[must_use]
pub fn verify_links(
    links: &[&[u8]],
    layout: &[u8],
    owner: &PublicKey,
    at: Timestamp,
) -> Vec<LinkCheck> {
    let mut report = Report::default();
    let layout = report.record("layout.format", Metadata::<Layout>::parse(layout));
    if let Some(layout) = &layout {
        check_layout(layout, links.len(), owner, at, &mut report);
    }
    let several = links.len() > 1;
    let named = |index: usize| if several { format!("link.{index}") } else { "link".to_owned() };
    let mut parsed = Vec::new();
    for (index, link) in links.iter().take(MAX_LINKS).enumerate() {
        let format = format!("{}.format", named(index));
        parsed.extend(report.record(format, Metadata::<Link>::parse(link)).map(|l| (index, l)));
    }
    let Some(layout) = &layout else { return report.0 };
    let mut chain = Chain {
        layout: &layout.content,
        links: parsed.iter().map(|(_, l)| (l.content.name.as_str(), &l.content)).collect(),
        seen: BTreeSet::new(),
        budget: Budget::new(),
    };
    for (index, link) in &parsed {
        chain.check(&named(*index), link, &mut report);
    }
    report.0
}

fn check_layout(
    layout: &Metadata<Layout>,
    links: usize,
    owner: &PublicKey,
    at: Timestamp,
    report: &mut Report,
) {
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
    report.record("layout.expiry", content.check_expiry(at).map(|detail| ((), detail)));
    let inspections = content.inspect.len();
    report.record(
        "layout.inspections",
        if inspections == 0 {
            Ok(((), "none".to_owned()))
        } else {
            Err(format!("{inspections} inspections: they are commands, and none is ever run"))
        },
    );
    report.record("layout.steps", check_steps(&content.steps, links));
    report.record("layout.closed", check_closed(content));
}

/// As many links as steps, and no step twice: with a step of its own for every link, no step is
/// without one.
fn check_steps(steps: &[Step], links: usize) -> Result<((), String), String> {
    let count = steps.len();
    let names: BTreeSet<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    if !(1..=MAX_LINKS).contains(&count) {
        return Err(format!("{count} steps, 1 to {MAX_LINKS} are taken"));
    }
    if names.len() != count {
        return Err("two steps have the same name".to_owned());
    }
    if links != count {
        return Err(format!("{count} steps, but {links} links: each step needs its own"));
    }
    Ok(((), format!("{count}, as many as links")))
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

/// The links of one layout while they are checked.
struct Chain<'a> {
    layout: &'a Layout,
    links: BTreeMap<&'a str, &'a Link>,
    seen: BTreeSet<&'a str>,
    budget: Budget,
}

impl<'a> Chain<'a> {
    fn check(&mut self, name: &str, link: &'a Metadata<Link>, report: &mut Report) {
        let content = &link.content;
        let found = self.step(&content.name).map(|step| (step, format!("{:?}", step.name)));
        let Some(step) = report.record(format!("{name}.step"), found) else { return };
        let signature = check_functionary(link, step, self.layout);
        report.record(format!("{name}.signature"), signature);
        report.record(
            format!("{name}.command"),
            if step.expected_command.is_empty() || step.expected_command == content.command {
                Ok(((), "as the layout expects".to_owned()))
            } else {
                let (ran, expected) = (&content.command, &step.expected_command);
                Err(format!("ran {ran:?}, the layout expects {expected:?}"))
            },
        );
        for (what, side, rules) in [
            ("materials", Side::Materials, &step.expected_materials),
            ("products", Side::Products, &step.expected_products),
        ] {
            let outcome = rules::check(rules, content, side, &self.links, &mut self.budget);
            report.record(format!("{name}.{what}"), outcome);
        }
    }

    /// The one step of that name, which no link before this one was for.
    fn step(&mut self, name: &'a str) -> Result<&'a Step, String> {
        let mut steps = self.layout.steps.iter().filter(|step| step.name == name);
        match (steps.next(), steps.next()) {
            (Some(step), None) if self.seen.insert(name) => Ok(step),
            (Some(_), None) => Err(format!("another link is for the step {name:?} already")),
            (None, _) => Err(format!("the layout has no step {name:?}")),
            (Some(_), Some(_)) => Err(format!("the layout has several steps {name:?}")),
        }
    }
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
