//! Which way a change goes: better or worse, up or down.

mod isolation;
mod metric;
mod version;

use std::cmp::Ordering;

use super::{
    Area, Sense, claims,
    platform::{ACCEPTED, DECISION, FINDINGS, IGNORED, POLICY, SCAN},
};
use crate::{Scans, severity};

/// The longest text that is read as a number, in bytes; a digest is no number.
const MAX_NUMBER_BYTES: usize = 32;

/// How much the scans of two documents saw: what nobody looked for is not gone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// What only the second names was not there before.
    pub additions: bool,
    /// What only the first names is no more there.
    pub removals: bool,
}

impl Seen {
    pub(super) const fn by(from: Scans, to: Scans) -> Self {
        Self { additions: from.saw_all_of(to), removals: to.saw_all_of(from) }
    }
}

/// The sense of a change from a value to another, where either may be missing.
pub(super) fn of(
    area: Area,
    name: &str,
    [from, to]: [Option<&str>; 2],
    seen: Seen,
) -> Option<Sense> {
    match (area, from, to) {
        (Area::Metrics | Area::Cost, Some(from), Some(to)) => metric::sense(name, delta(from, to)?),
        (Area::Packages, Some(from), Some(to)) if !name.starts_with("image") => {
            version::sense(name.starts_with("pkg:pypi/"), from, to)
        }
        (Area::Vulnerabilities, from, to) if is_scan(name) => scan(from, to),
        (Area::Vulnerabilities, from, to) if name == DECISION => {
            better(by_approver(from).cmp(&by_approver(to)))
        }
        (Area::Vulnerabilities, from, to) if is(name, ACCEPTED) || is(name, IGNORED) => {
            better(from.is_some().cmp(&to.is_some()))
        }
        (Area::Vulnerabilities, _, _) if is(name, POLICY) || is(name, FINDINGS) => None,
        (Area::Vulnerabilities, _, _) if name.starts_with("scanner ") => None,
        (Area::Vulnerabilities, None, Some(_)) => seen.additions.then_some(Sense::Worse),
        (Area::Vulnerabilities, Some(_), None) => seen.removals.then_some(Sense::Better),
        (Area::Vulnerabilities, Some(from), Some(to)) => better(rank(to)?.cmp(&rank(from)?)),
        (Area::Isolation, from, to) if name.starts_with(claims::CLAIM) => claims::sense(from, to),
        (Area::Isolation, Some(from), Some(to)) => isolation::sense(name, from, to),
        _ => None,
    }
}

fn is_scan(name: &str) -> bool {
    is(name, SCAN) && name != SCAN
}

/// Whether a fact is the one of that name, or its name begins with that word.
fn is(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Whether it was released in spite of findings.
fn by_approver(decision: Option<&str>) -> bool {
    decision == Some("released-by-approver")
}

/// A scan that is not there, or not complete, is worse than one that is.
fn scan(from: Option<&str>, to: Option<&str>) -> Option<Sense> {
    better((from != Some("complete")).cmp(&(to != Some("complete"))))
}

/// Where the severity at the beginning of a vulnerability's value stands; none when nobody knows.
fn rank(value: &str) -> Option<usize> {
    let rank = severity::rank(value.split(' ').next().unwrap_or_default());
    Some(rank).filter(|rank| rank + 1 < severity::SEVERITIES.len())
}

/// The sense of a change, by the order of how bad both sides are.
pub(super) const fn better(order: Ordering) -> Option<Sense> {
    match order {
        Ordering::Less => Some(Sense::Worse),
        Ordering::Greater => Some(Sense::Better),
        Ordering::Equal => None,
    }
}

/// The second number less the first; none when one of them is no finite number.
pub(super) fn delta(from: &str, to: &str) -> Option<f64> {
    let number = |text: &str| {
        let starts = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
        let short = starts && text.len() <= MAX_NUMBER_BYTES;
        text.parse::<f64>().ok().filter(|number| short && number.is_finite())
    };
    let delta = number(to)? - number(from)?;
    delta.is_finite().then_some(delta)
}

#[cfg(test)]
mod tests;
