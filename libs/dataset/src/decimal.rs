//! Finite numbers that are written as text, so that canonical JSON neither rounds nor reformats them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A text that is not the one spelling of a finite number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the shortest decimal text of a finite number: {0:?}")]
pub struct ParseDecimalError(String);

/// A finite IEEE 754 double; text form is the shortest decimal that reads back to it.
///
/// Plain digits from 1e-7 up to 1e21, scientific (`1.5e-9`) outside; zero has no sign.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal(f64);

impl Decimal {
    /// Wraps a number; `None` when it is infinite or not a number.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        // Adding zero turns -0.0 into 0.0 and changes nothing else.
        value.is_finite().then_some(Self(value + 0.0))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size == 0.0 || (1e-7..1e21).contains(&size) {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:e}", self.0)
        }
    }
}

impl FromStr for Decimal {
    type Err = ParseDecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = text.parse().ok().and_then(Self::new);
        value
            .filter(|value| value.to_string() == text)
            .ok_or_else(|| ParseDecimalError(text.chars().take(64).collect()))
    }
}

impl TryFrom<String> for Decimal {
    type Error = ParseDecimalError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.to_string()
    }
}
