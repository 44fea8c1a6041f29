//! Artifact rules (in-toto specification v1.0, section 4.3.3), applied in order to a queue of
//! names: each rule takes out what it vouches for, `DISALLOW` refuses what is left.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    document::{Artifacts, Link},
    glob::{Budget, Pattern},
};

/// The most rules in one list.
const MAX_RULES: usize = 256;

#[derive(Debug)]
enum Rule<'a> {
    Create(&'a str),
    Delete(&'a str),
    Modify(&'a str),
    Allow(&'a str),
    Disallow(&'a str),
    Require(&'a str),
    Match(Match<'a>),
}

/// `MATCH <pattern> [IN <prefix>] WITH MATERIALS|PRODUCTS [IN <prefix>] FROM <step>`.
#[derive(Debug)]
struct Match<'a> {
    pattern: &'a str,
    source_prefix: &'a str,
    with: Side,
    target_prefix: &'a str,
    step: &'a str,
}

fn parse(words: &[String]) -> Option<Rule<'_>> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (keyword, rest) = words.split_first()?;
    let is = |word: &str, wanted: &str| word.eq_ignore_ascii_case(wanted);
    if is(keyword, "MATCH") {
        return parse_match(rest).map(Rule::Match);
    }
    let [pattern] = rest else { return None };
    Some(match keyword.to_ascii_uppercase().as_str() {
        "CREATE" => Rule::Create(pattern),
        "DELETE" => Rule::Delete(pattern),
        "MODIFY" => Rule::Modify(pattern),
        "ALLOW" => Rule::Allow(pattern),
        "DISALLOW" => Rule::Disallow(pattern),
        "REQUIRE" => Rule::Require(pattern),
        _ => return None,
    })
}

fn parse_match<'a>(words: &[&'a str]) -> Option<Match<'a>> {
    let is = |word: &str, wanted: &str| word.eq_ignore_ascii_case(wanted);
    let (pattern, mut rest) = words.split_first()?;
    let prefix_of = |rest: &mut &[&'a str]| match *rest {
        [keyword, prefix, tail @ ..] if is(keyword, "IN") => {
            let prefix = *prefix;
            *rest = tail;
            prefix
        }
        _ => "",
    };
    let source_prefix = prefix_of(&mut rest);
    let [with, kind, tail @ ..] = rest else { return None };
    let side = match () {
        () if is(kind, "PRODUCTS") => Side::Products,
        () if is(kind, "MATERIALS") => Side::Materials,
        () => return None,
    };
    let mut rest = tail;
    let target_prefix = prefix_of(&mut rest);
    let [from, step] = rest else { return None };
    (is(with, "WITH") && is(from, "FROM")).then_some(Match {
        pattern,
        source_prefix,
        with: side,
        target_prefix,
        step,
    })
}

/// Whether the list ends with a rule that refuses everything not vouched for before.
pub(super) fn is_closed(rules: &[Vec<String>]) -> bool {
    rules.last().is_some_and(|last| matches!(parse(last), Some(Rule::Disallow("*"))))
}

/// Which artifacts of a link are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Materials,
    Products,
}

impl Side {
    const fn of(self, link: &Link) -> &Artifacts {
        match self {
            Self::Materials => &link.materials,
            Self::Products => &link.products,
        }
    }
}

/// Every link by its step.
pub(super) type Links<'a> = BTreeMap<&'a str, &'a Link>;

/// Applies `rules` to one side of the link.
pub(super) fn check(
    rules: &[Vec<String>],
    link: &Link,
    side: Side,
    links: &Links<'_>,
    budget: &mut Budget,
) -> Result<((), String), String> {
    if rules.len() > MAX_RULES {
        return Err(format!("{} rules, the limit is {MAX_RULES}", rules.len()));
    }
    let artifacts = side.of(link);
    let mut queue: BTreeSet<&str> = artifacts.keys().map(String::as_str).collect();
    for words in rules {
        let shown: String = words.join(" ").chars().take(200).collect();
        let rule = parse(words).ok_or_else(|| format!("{shown:?} is not an artifact rule"))?;
        let taken = apply(&rule, &queue, artifacts, link, links, budget)
            .map_err(|problem| format!("rule {shown:?}: {problem}"))?;
        for name in taken {
            queue.remove(name);
        }
    }
    Ok(((), format!("{} artifacts, {} rules", artifacts.len(), rules.len())))
}

/// The names of the queue that the rule vouches for; an error when it is broken.
fn apply<'q>(
    rule: &Rule<'_>,
    queue: &BTreeSet<&'q str>,
    artifacts: &Artifacts,
    link: &Link,
    links: &Links<'_>,
    budget: &mut Budget,
) -> Result<Vec<&'q str>, String> {
    let mut filter = |pattern: &str, holds: &dyn Fn(&str) -> bool| {
        let pattern = Pattern::new(pattern);
        let mut names = Vec::new();
        for name in queue {
            if pattern.matches(name, budget)? && holds(name) {
                names.push(*name);
            }
        }
        Ok::<_, String>(names)
    };
    let (before, after) = (&link.materials, &link.products);
    match rule {
        Rule::Create(p) => filter(p, &|n| after.contains_key(n) && !before.contains_key(n)),
        Rule::Delete(p) => filter(p, &|n| before.contains_key(n) && !after.contains_key(n)),
        Rule::Modify(p) => filter(p, &|n| match (before.get(n), after.get(n)) {
            (Some(before), Some(after)) => before != after,
            _ => false,
        }),
        Rule::Allow(p) => filter(p, &|_| true),
        Rule::Disallow(p) => match filter(p, &|_| true)?.as_slice() {
            [] => Ok(Vec::new()),
            left => {
                let shown: Vec<_> = left.iter().take(3).collect();
                Err(format!("{} artifacts are not vouched for: {shown:?}", left.len()))
            }
        },
        Rule::Require(name) if queue.contains(name) => Ok(Vec::new()),
        Rule::Require(name) => Err(format!("{name:?} is not there")),
        Rule::Match(rule) => apply_match(rule, queue, artifacts, links, budget),
    }
}

/// A step without a link vouches for nothing.
fn apply_match<'q>(
    rule: &Match<'_>,
    queue: &BTreeSet<&'q str>,
    artifacts: &Artifacts,
    links: &Links<'_>,
    budget: &mut Budget,
) -> Result<Vec<&'q str>, String> {
    let Some(link) = links.get(rule.step) else { return Ok(Vec::new()) };
    let target = rule.with.of(link);
    let pattern = Pattern::new(rule.pattern);
    let directory = |prefix: &str| match prefix.trim_end_matches('/') {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    };
    let (source, destination) = (directory(rule.source_prefix), directory(rule.target_prefix));
    let mut names = Vec::new();
    for name in queue {
        let Some(base) = name.strip_prefix(&source) else { continue };
        if pattern.matches(base, budget)?
            && target.get(&format!("{destination}{base}")) == artifacts.get(*name)
        {
            names.push(*name);
        }
    }
    Ok(names)
}
