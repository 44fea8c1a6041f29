//! A list of named checks with their outcomes.

use std::fmt::Display;

use serde::Serialize;

/// One check and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable dotted name.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
    /// Why, for people.
    pub detail: String,
}

/// The checks so far, in the order they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Checks(Vec<Check>);

impl Checks {
    /// No checks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records an outcome; the value comes back when the check held.
    pub fn record<T, E: Display>(
        &mut self,
        name: impl Into<String>,
        outcome: Result<(T, String), E>,
    ) -> Option<T> {
        let (passed, detail, value) = match outcome {
            Ok((value, detail)) => (true, detail, Some(value)),
            Err(error) => (false, error.to_string(), None),
        };
        let detail = detail.chars().take(4096).collect();
        self.0.push(Check { name: name.into(), passed, detail });
        value
    }

    /// Records that `holds` should be true.
    pub fn require(
        &mut self,
        name: impl Into<String>,
        holds: bool,
        good: impl Display,
        bad: impl Display,
    ) -> bool {
        let outcome = if holds { Ok(((), good.to_string())) } else { Err(bad.to_string()) };
        self.record(name, outcome).is_some()
    }

    /// Whether there is a check and every one held.
    #[must_use]
    pub fn all_passed(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|check| check.passed)
    }

    /// The first check that did not hold.
    #[must_use]
    pub fn first_failure(&self) -> Option<&Check> {
        self.0.iter().find(|check| !check.passed)
    }

    /// Every check.
    #[must_use]
    pub fn as_slice(&self) -> &[Check] {
        &self.0
    }
}
