//! Licences: an SPDX id or expression where the text is one, otherwise a name.

use std::{collections::BTreeSet, sync::LazyLock};

use serde::Serialize;

/// Ids of schema/spdx.schema.json.
const SPDX: &str = include_str!("licence/spdx.txt");
static IDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| SPDX.lines().collect());
/// The deepest brackets that are read in an expression.
const MAX_DEPTH: usize = 16;

/// One entry of a component's `licenses`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Licence {
    Single { license: Single },
    Expression { expression: String, acknowledgement: &'static str },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Single {
    id: Option<String>,
    name: Option<String>,
    acknowledgement: &'static str,
}

/// Licences as somebody declared them. An expression can only stand alone (licenseChoice).
pub(crate) fn declared<'a>(texts: impl IntoIterator<Item = &'a String>) -> Vec<Licence> {
    let mut texts: Vec<&str> = texts.into_iter().map(String::as_str).collect();
    let mut seen = BTreeSet::new();
    texts.retain(|text| !text.is_empty() && seen.insert(*text));
    if let [text] = texts.as_slice()
        && !is_id(text)
        && is_expression(text)
    {
        let expression = (*text).to_owned();
        return vec![Licence::Expression { expression, acknowledgement: "declared" }];
    }
    texts.into_iter().map(single).collect()
}

fn single(text: &str) -> Licence {
    let text = text.to_owned();
    let (id, name) = if is_id(&text) { (Some(text), None) } else { (None, Some(text)) };
    Licence::Single { license: Single { id, name, acknowledgement: "declared" } }
}

fn is_id(text: &str) -> bool {
    IDS.contains(text)
}

/// Whether `text` is an SPDX expression (SPDX 2.3, annex D) over known ids.
pub(crate) fn is_expression(text: &str) -> bool {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_ascii_whitespace().collect();
    let mut rest = tokens.as_slice();
    operands(&mut rest, 0) && rest.is_empty()
}

/// Reads operands joined by operators from the front of `rest`.
fn operands(rest: &mut &[&str], depth: usize) -> bool {
    loop {
        if !operand(rest, depth) {
            return false;
        }
        match rest.split_first() {
            Some((&("AND" | "OR"), after)) => *rest = after,
            _ => return true,
        }
    }
}

fn operand(rest: &mut &[&str], depth: usize) -> bool {
    let Some((first, after)) = rest.split_first() else {
        return false;
    };
    *rest = after;
    if *first == "(" {
        if depth == MAX_DEPTH || !operands(rest, depth + 1) {
            return false;
        }
        let Some((&")", after)) = rest.split_first() else {
            return false;
        };
        *rest = after;
        return true;
    }
    if !is_id(first.strip_suffix('+').unwrap_or(first)) && !is_reference(first) {
        return false;
    }
    if let Some((&"WITH", after)) = rest.split_first() {
        let Some((exception, after)) = after.split_first() else {
            return false;
        };
        *rest = after;
        return is_id(exception);
    }
    true
}

fn is_reference(text: &str) -> bool {
    text.strip_prefix("LicenseRef-").is_some_and(|id| {
        !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    })
}

#[cfg(test)]
mod tests;
