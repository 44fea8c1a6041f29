//! Which way a change goes: better or worse, up or down.

use std::{cmp::Ordering, iter};

use super::{Area, Sense};

/// How the name of a claim's fact begins.
pub(super) const CLAIM: &str = "claim";

/// The longest text that is read as a number, in bytes; a digest is no number.
const MAX_NUMBER_BYTES: usize = 32;

/// Metrics of which less is better, by a part of their name.
const LESS: [&str; 16] = [
    "loss",
    "error",
    "mse",
    "mae",
    "mape",
    "false_",
    "perplexity",
    "entropy",
    "divergence",
    "hinge",
    "time",
    "memory",
    "energy",
    "latency",
    "attack",
    "leak",
];
/// Metrics of which more is better.
const MORE: [&str; 15] = [
    "accuracy",
    "precision",
    "recall",
    "f1",
    "auc",
    "iou",
    "dice",
    "r2",
    "score",
    "true_",
    "bleu",
    "rouge",
    "robust",
    "sensitivity",
    "specificity",
];
/// Severities, the worst first.
const SEVERITIES: [&str; 6] = ["critical", "high", "medium", "low", "info", "none"];

/// Where a severity stands; 0 is the worst.
pub(super) fn rank(severity: &str) -> usize {
    SEVERITIES.iter().position(|known| *known == severity).unwrap_or(SEVERITIES.len())
}

pub(super) fn of(area: Area, name: &str, from: Option<&str>, to: Option<&str>) -> Option<Sense> {
    match (area, from, to) {
        (Area::Metrics, Some(from), Some(to)) => metric(name, delta(from, to)?),
        (Area::Packages, Some(from), Some(to)) if !name.starts_with("image ") => {
            version(name.starts_with("pkg:pypi/"), from, to)
        }
        (Area::Vulnerabilities, None, Some(_)) if !name.starts_with("scanner ") => {
            Some(Sense::Worse)
        }
        (Area::Vulnerabilities, Some(_), None) if !name.starts_with("scanner ") => {
            Some(Sense::Better)
        }
        (Area::Vulnerabilities, Some(from), Some(to)) if !name.starts_with("scanner ") => {
            let rank = |value: &str| rank(value.split(' ').next().unwrap_or_default());
            better(rank(from).cmp(&rank(to)))
        }
        (Area::Isolation, from, to) if name.starts_with(CLAIM) => match (from, to) {
            (None, Some(_)) => Some(Sense::Better),
            (Some(_), None) => Some(Sense::Worse),
            _ => None,
        },
        _ => None,
    }
}

const fn better(less: Ordering) -> Option<Sense> {
    match less {
        Ordering::Less => Some(Sense::Better),
        Ordering::Greater => Some(Sense::Worse),
        Ordering::Equal => None,
    }
}

fn metric(name: &str, delta: f64) -> Option<Sense> {
    let name = name.split(" (").next().unwrap_or_default().to_lowercase();
    let grew = delta.partial_cmp(&0.0)?;
    if LESS.iter().any(|part| name.contains(part)) {
        better(grew)
    } else if MORE.iter().any(|part| name.contains(part)) {
        better(grew.reverse())
    } else {
        None
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

fn version(python: bool, from: &str, to: &str) -> Option<Sense> {
    if [from, to].iter().any(|version| version.contains("; ")) {
        return None;
    }
    match order(python, from, to) {
        Ordering::Less => Some(Sense::Upgraded),
        Ordering::Greater => Some(Sense::Downgraded),
        Ordering::Equal => None,
    }
}

/// The order of versions as Debian has it: epoch, then numbers and letters in turn, `~` before the
/// end. In Python's, letters right behind a number come before its end (`1.0rc1`), but for `post`.
fn order(python: bool, from: &str, to: &str) -> Ordering {
    let epoch = |version: &str| -> (u64, String) {
        let epoch = version.split_once(':').and_then(|(e, rest)| Some((e.parse().ok()?, rest)));
        let (epoch, rest) = epoch.unwrap_or((0, version));
        (epoch, rest.to_owned())
    };
    let ((from_epoch, from), (to_epoch, to)) = (epoch(from), epoch(to));
    let (mut from, mut to) = (tokens(&from), tokens(&to));
    let mut found = from_epoch.cmp(&to_epoch);
    while found == Ordering::Equal {
        let (left, right) = (from.next(), to.next());
        if left.is_none() && right.is_none() {
            return Ordering::Equal;
        }
        found =
            weight(python, left).cmp(&weight(python, right)).then_with(|| match (left, right) {
                (Some(left), Some(right)) => by_value(left, right),
                _ => Ordering::Equal,
            });
    }
    found
}

/// Where a token stands to others of another kind.
fn weight(python: bool, token: Option<&str>) -> u8 {
    match token {
        Some(token) if token.starts_with('~') => 0,
        Some(token) if python && token != "post" && token.starts_with(char::is_alphabetic) => 1,
        None => 2,
        Some(token) if token.starts_with(|c: char| c.is_ascii_digit()) => 4,
        Some(_) => 3,
    }
}

fn by_value(left: &str, right: &str) -> Ordering {
    let digits = |token: &str| token.starts_with(|c: char| c.is_ascii_digit());
    if digits(left) && digits(right) {
        let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
        return left.len().cmp(&right.len()).then_with(|| left.cmp(right));
    }
    left.cmp(right)
}

/// Runs of digits, runs of letters, and every other character on its own.
fn tokens(version: &str) -> impl Iterator<Item = &str> {
    let mut rest = version;
    iter::from_fn(move || {
        let first = rest.chars().next()?;
        let same = |c: char| {
            (first.is_ascii_digit() && c.is_ascii_digit())
                || (first.is_alphabetic() && c.is_alphabetic())
        };
        let end = rest.char_indices().skip(1).find(|(_, c)| !same(*c)).map(|(at, _)| at);
        let (token, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        rest = after;
        Some(token)
    })
}

#[cfg(test)]
mod tests;
