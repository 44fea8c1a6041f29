//! Commands that documents name exist: `cargo xtask …` and `aibom …`.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory as _;

use super::{Finding, Source};
use crate::Arguments;

/// The subcommands of a command; empty when it has none.
type Known = BTreeMap<String, BTreeSet<String>>;

/// `SomeName` as `some-name`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// What an `enum …Command` offers.
#[derive(Debug, Default, Clone)]
struct Offered {
    /// Its variants, and their aliases.
    variants: BTreeSet<String>,
    /// The enums whose variants it takes in.
    flattened: Vec<String>,
}

/// What every `enum …Command` in `text` offers, by the enum's name.
fn enums(text: &str) -> Vec<(String, Offered)> {
    let mut found = Vec::new();
    let mut current: Option<(String, Offered)> = None;
    let mut flatten = false;
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if let Some(at) = words.iter().position(|word| *word == "enum")
            && let Some(name) = words.get(at + 1).and_then(|name| name.strip_suffix("Command"))
        {
            current = Some((kebab(name), Offered::default()));
        } else if line.starts_with('}') {
            found.extend(current.take());
        } else if let Some((_, offered)) = current.as_mut() {
            let attribute = line.trim().strip_prefix("#[command(").unwrap_or_default();
            flatten |= attribute.starts_with("flatten)");
            let alias = attribute.split_once("visible_alias = \"");
            let alias = alias.and_then(|(_, rest)| rest.split('"').next());
            offered.variants.extend(alias.map(str::to_owned));
            let indent = line.len() - line.trim_start().len();
            let name: String =
                line.trim().chars().take_while(char::is_ascii_alphanumeric).collect();
            if indent == 4 && name.starts_with(|c: char| c.is_ascii_uppercase()) {
                if std::mem::take(&mut flatten) {
                    offered.flattened.push(kebab(&name));
                } else {
                    offered.variants.insert(kebab(&name));
                }
            }
        }
    }
    found
}

/// The subcommands of `aibom`, read from its sources: depending on it would build all of it.
fn aibom(sources: &[Source]) -> Known {
    let own = sources.iter().filter(|s| s.is_rust() && s.path.starts_with("cli/src"));
    let by_name: BTreeMap<_, _> = own.flat_map(|source| enums(&source.text)).collect();
    let whole = |name: &str| {
        let offered = by_name.get(name).cloned().unwrap_or_default();
        let taken = offered.flattened.iter().filter_map(|name| by_name.get(name));
        let taken = taken.flat_map(|taken| taken.variants.iter().cloned());
        offered.variants.iter().cloned().chain(taken).collect::<BTreeSet<String>>()
    };
    whole("").into_iter().map(|name| (name.clone(), whole(&name))).collect()
}

/// The subcommands of `cargo xtask`.
fn xtask() -> Known {
    let command = Arguments::command();
    command.get_subcommands().map(|c| (c.get_name().to_owned(), BTreeSet::new())).collect()
}

/// What comes after `program` in code of a document; prose is not looked at.
fn uses<'a>(line: &'a str, program: &str, fenced: bool) -> Vec<Vec<&'a str>> {
    let code: Vec<&str> =
        if fenced { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
    let mut found = Vec::new();
    for span in code {
        let span = span.trim_start_matches(['$', '#', ' ']);
        let rest = span.strip_prefix(program).and_then(|rest| rest.strip_prefix(' '));
        let words: Vec<_> = rest.unwrap_or_default().split_whitespace().take(2).collect();
        if !words.is_empty() {
            found.push(words);
        }
    }
    found
}

fn wrong(known: &Known, words: &[&str]) -> Option<String> {
    let plain = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let first = words.first().filter(|word| plain(word) && !word.starts_with('-'))?;
    let Some(below) = known.get(*first) else { return Some((*first).to_owned()) };
    let second = words.get(1).filter(|word| plain(word) && !word.starts_with('-'))?;
    (!below.is_empty() && !below.contains(*second)).then(|| format!("{first} {second}"))
}

/// Every command in a document that does not exist.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let programs = [("aibom", aibom(sources)), ("cargo xtask", xtask())];
    let mut found = Vec::new();
    for source in sources {
        if source.path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let mut fenced = false;
        for (number, line) in source.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
                continue;
            }
            for (program, known) in &programs {
                for words in uses(line, program, fenced) {
                    if let Some(command) = wrong(known, &words) {
                        let what = format!("there is no command '{program} {command}'");
                        found.push(Finding::new(&source.path, number + 1, what));
                    }
                }
            }
        }
    }
    found
}
