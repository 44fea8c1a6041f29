//! Everything that must hold before a change is taken; the first step that fails ends it.

use std::{fmt, io::IsTerminal as _, time::Instant};

use crate::{
    root::Root,
    run::{Step, is_there},
    say::{say, seconds},
    setup, tidy,
};

/// How many tests ran, as their runner counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    passed: u64,
    failed: u64,
}

impl std::ops::Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Text without the escape sequences that colour it.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' {
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(c);
        }
    }
    text
}

/// The number before `word` in `line`.
fn number(line: &str, word: &str) -> u64 {
    let words: Vec<_> = line.split([' ', ',', ';', ':']).filter(|w| !w.is_empty()).collect();
    let found = words.windows(2).find(|pair| pair.last() == Some(&word));
    found.and_then(|pair| pair.first()?.parse().ok()).unwrap_or(0)
}

/// What the runner's own closing lines say.
pub(crate) fn count(lines: &[String]) -> Count {
    let lines = lines.iter().map(|line| plain(line));
    let closing = lines.filter(|l| l.contains("tests run:") || l.starts_with("test result:"));
    closing
        .map(|line| Count {
            passed: number(&line, "passed"),
            failed: number(&line, "failed") + number(&line, "timed"),
        })
        .fold(Count::default(), |sum, one| sum + one)
}

/// Which tests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Those of every crate but `e2e`.
    Unit,
    /// Those of `e2e`.
    EndToEnd,
}

/// A run of tests. With nextest the whole workspace is selected and the tests are filtered: a
/// selection of packages would build every dependency again with other features.
fn tests(root: &Root, name: &str, nextest: bool, which: Which) -> anyhow::Result<Count> {
    // The runner writes to a pipe; people still want its colours.
    let colour = if std::io::stderr().is_terminal() { "always" } else { "never" };
    let step = Step::new(root, name, "cargo").env("CARGO_TERM_COLOR", colour);
    let step = if nextest {
        let filter = if which == Which::Unit { "not package(e2e)" } else { "package(e2e)" };
        step.args(["nextest", "run", "--workspace", "--no-fail-fast", "-E", filter])
    } else {
        let step = step.args(["test", "--no-fail-fast", "--lib", "--bins", "--tests"]);
        if which == Which::Unit {
            step.args(["--workspace", "--exclude", "e2e"])
        } else {
            step.args(["--package", "e2e"])
        }
    };
    Ok(count(&step.tee()?))
}

/// Runs `cargo xtask test`.
pub(crate) fn test(root: &Root) -> anyhow::Result<()> {
    let begun = Instant::now();
    let nextest = is_there("cargo", &["nextest", "--version"]);
    if !nextest {
        say("cargo-nextest is not installed: 'cargo test' runs the same tests, more slowly");
    }
    setup::for_tests(root)?;
    let cargo =
        |name: &str, arguments: &[&str]| Step::new(root, name, "cargo").args(arguments).run();
    cargo("format", &["fmt", "--all", "--check"])?;
    cargo("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    tidy::tidy(root)?;
    cargo("build", &["build", "--workspace", "--all-targets"])?;
    let unit = tests(root, "unit and integration tests", nextest, Which::Unit)?;
    let e2e = tests(root, "end-to-end tests", nextest, Which::EndToEnd)?;
    say(format_args!("unit and integration: {unit}; end to end: {e2e}"));
    say(format_args!("{} in {}", unit + e2e, seconds(begun.elapsed())));
    Ok(())
}

#[cfg(test)]
mod tests;
