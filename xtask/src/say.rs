//! Telling people what happens, on standard error.

use std::{fmt::Display, io::Write as _, time::Duration};

/// Prints a line.
pub(crate) fn say(text: impl Display) {
    // Nobody to tell it to is no failure.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Seconds as people read them.
pub(crate) fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}
