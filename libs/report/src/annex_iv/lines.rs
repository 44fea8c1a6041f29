//! An item of the AIBoM as lines, each with one value of one source.

use serde_json::Value;

use crate::spdx::Located;

/// How deep lists in items are followed.
const MAX_DEPTH: usize = 3;

/// Items with a name of their own for their text: where the name is, and where the text.
///
/// Parameters and properties, digests, metrics, energy, vulnerabilities, claims, standards.
const PAIRS: [(&str, &str); 7] = [
    ("/name", "/value"),
    ("/alg", "/content"),
    ("/type", "/value"),
    ("/activity", "/activityEnergyCost/value"),
    ("/id", "/description"),
    ("/predicate", "/reasoning"),
    ("/type", "/url"),
];

/// What is told of any other item, in this order, and the name before it.
const MEMBERS: [(&str, &str); 19] = [
    ("/name", "name"),
    ("/version", "version"),
    ("/groupAtRisk", "group at risk"),
    ("/benefits", "benefits"),
    ("/harms", "harms"),
    ("/mitigationStrategy", "mitigation"),
    ("/format", ""),
    ("/license/id", ""),
    ("/license/name", ""),
    ("/expression", ""),
    ("/description", "description"),
    ("/classification", "classification"),
    ("/purl", "package URL"),
    ("/contents/url", "source"),
    ("/executed", "command"),
    ("/resource/ref", "material"),
    ("/organization/name", "organisation"),
    ("/contact/name", "contact"),
    ("/notes", "notes"),
];

/// Lists in an item whose own items are told after it, and the name before plain texts in them.
const LISTS: [(&str, &str); 12] = [
    ("/ancestors", ""),
    ("/hashes", ""),
    ("/licenses", ""),
    ("/parameters", ""),
    ("/environmentVars", "environment"),
    ("/commands", ""),
    ("/sensitiveData", "sensitive data"),
    ("/governance/owners", ""),
    ("/governance/custodians", ""),
    ("/governance/stewards", ""),
    ("/contents/properties", ""),
    ("/properties", ""),
];

/// One value.
pub(super) struct Line {
    /// Its name within the item; empty when it has none.
    pub(super) name: String,
    pub(super) text: String,
    /// JSON pointer of the value, which decides who says it.
    pub(super) at: String,
}

/// Adds the lines of an item.
pub(super) fn tell(item: &Located<'_>, depth: usize, lines: &mut Vec<Line>) {
    tell_as(item, "", depth, lines);
}

fn tell_as(item: &Located<'_>, plain: &str, depth: usize, lines: &mut Vec<Line>) {
    if !item.value.is_object() {
        lines.extend(line(plain.to_owned(), item.clone()));
        return;
    }
    if let Some(pair) = PAIRS.iter().find_map(|pair| paired(item, *pair)) {
        lines.push(pair);
        // Of a vulnerability, which scanner found it and where it is not fixed would drown the rest.
        if !item.text("/id").is_empty() {
            return;
        }
    } else {
        // A risk has a mitigation, or is named `Misuse: …`; it has nothing else.
        let is_risk = item.value.as_object().is_some_and(|members| {
            members.keys().all(|key| matches!(key.as_str(), "name" | "mitigationStrategy"))
        });
        for (member, name) in MEMBERS {
            let name = if is_risk && member == "/name" { "risk" } else { name };
            lines.extend(item.below(member).and_then(|found| line(name.to_owned(), found)));
        }
    }
    if depth < MAX_DEPTH {
        for (list, plain) in LISTS {
            item.items(list).for_each(|inner| tell_as(&inner, plain, depth + 1, lines));
        }
    }
}

/// The one line of an item that is a name and a text.
fn paired(item: &Located<'_>, (name, value): (&str, &str)) -> Option<Line> {
    let mut name = item.text(name).to_owned();
    let mut found = line(String::new(), item.below(value)?)?;
    if name.is_empty() {
        return None;
    }
    let slice = item.text("/slice");
    if !slice.is_empty() {
        name = format!("{name} ({slice})");
    }
    let unit = item.text("/activityEnergyCost/unit");
    if !unit.is_empty() {
        found.text = format!("{} {unit}", found.text);
    }
    Some(Line { name, ..found })
}

/// A value as a line; nothing for what is empty, a list or an object.
fn line(name: String, of: Located<'_>) -> Option<Line> {
    let text = match of.value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => of.value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(Line { name, text, at: of.at })
}
