//! The closing table.

use std::time::Duration;

use crate::say::say;

/// Rows of a name and a figure.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<(String, String)>);

impl Table {
    /// Adds a duration.
    pub(super) fn row(&mut self, name: &str, took: Duration) {
        let figure = if took < Duration::from_secs(1) {
            format!("{} ms", took.as_millis())
        } else {
            format!("{:.1} s", took.as_secs_f64())
        };
        self.0.push((name.to_owned(), figure));
    }

    /// Adds a size.
    pub(super) fn bytes(&mut self, name: &str, bytes: u64) {
        self.0.push((name.to_owned(), format!("{} KiB", bytes.div_ceil(1_024))));
    }

    /// Prints them.
    pub(super) fn print(&self) {
        let width = self.0.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        say("");
        for (name, figure) in &self.0 {
            say(format_args!("{name:width$}  {figure:>10}"));
        }
    }
}
