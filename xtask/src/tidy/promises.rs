//! Every test that SPECIFICATION.md names exists, and every promise names one or says "pending".

use std::{collections::BTreeSet, path::Path};

use super::{Finding, Source};

const DOCUMENT: &str = "SPECIFICATION.md";

/// The names of all functions in the project's Rust files.
fn functions(sources: &[Source]) -> BTreeSet<&str> {
    let rust = sources.iter().filter(|source| source.is_rust());
    rust.flat_map(|source| source.text.split("fn ").skip(1))
        .filter_map(|rest| rest.split(['(', '<', ' ', '\n']).next())
        .collect()
}

/// Whether a line begins a promise: `12. …`.
fn is_promise(line: &str) -> bool {
    let number = line.split_once(". ").map_or("", |(number, _)| number);
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let path = Path::new(DOCUMENT);
    let Some(document) = sources.iter().find(|source| source.path == path) else {
        return Vec::new();
    };
    let functions = functions(sources);
    let mut found = Vec::new();
    let promises = document.text.lines().enumerate().filter(|(_, line)| is_promise(line));
    for (index, line) in promises {
        let mut report = |what: String| found.push(Finding::new(path, index + 1, what));
        let (_, tests) = line.split_once(" — ").unwrap_or_default();
        if tests.contains("*pending*") {
            continue;
        }
        // `crate`: `test`, `test`; `crate`: …
        let named: Vec<&str> = tests
            .split(';')
            .filter_map(|part| part.split_once("`: "))
            .flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2))
            .collect();
        if named.is_empty() {
            report("the promise names no test: name one, or say *pending*".to_owned());
        }
        for name in named.into_iter().filter(|name| !functions.contains(name)) {
            report(format!("no test is called {name:?}: name the one that holds the promise"));
        }
    }
    found
}
