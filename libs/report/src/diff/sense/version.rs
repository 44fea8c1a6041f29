//! Which of two versions is the later one.

use std::{cmp::Ordering, iter};

use super::super::Sense;

/// Whether a package went up or down; nothing is said of several versions.
pub(super) fn sense(python: bool, from: &str, to: &str) -> Option<Sense> {
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
pub(super) fn order(python: bool, from: &str, to: &str) -> Ordering {
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
