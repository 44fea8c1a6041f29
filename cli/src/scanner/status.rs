//! `aibom scanner db status`: how old the database is, and whether a scanner uses it.

use std::path::{Path, PathBuf};

use ids::{Sha256Digest, Timestamp};
use scandb::{Found, Source, Unusable};
use serde::Serialize;

use super::{arguments::StatusArguments, place::Place};
use crate::{
    certs::now,
    failure::{Exit, Failure},
    terminal::{Style, Terminal, clean, size},
};

const HOUR_MS: i64 = 3_600_000;
/// More sources than this are summed up for people.
const SOURCES_SHOWN: usize = 12;

/// What is said of a database.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    directory: PathBuf,
    label: Option<String>,
    max_age_days: u32,
    /// Whether a scanner uses it, and why not.
    usable: bool,
    reason: Option<String>,
    #[serde(flatten)]
    facts: Option<Facts>,
}

/// What is known of one that is there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    schema: u32,
    updated_at: Timestamp,
    age_hours: i64,
    bytes: u64,
    sha256: Option<Sha256Digest>,
    /// `null` when they cannot be counted.
    sources: Option<Vec<Source>>,
}

/// Runs `aibom scanner db status`.
pub(super) fn status(
    terminal: &Terminal,
    mesh: &Path,
    arguments: &StatusArguments,
) -> Result<Exit, Failure> {
    let place = Place::find(&arguments.place, mesh)?;
    let max_age_days = arguments.max_age_days.unwrap_or(place.max_age_days);
    let now = now();
    let (verdict, facts) = match scandb::look(&place.directory) {
        Ok(found) => (found.usable(now, max_age_days), Some(Facts::of(found, now))),
        Err(error) => (Err(error), None),
    };
    let status = Status {
        directory: place.directory,
        label: place.label,
        max_age_days,
        usable: verdict.is_ok(),
        reason: verdict.err().as_ref().map(Unusable::cause),
        facts,
    };
    if terminal.is_json() {
        terminal.json(&status)?
    } else {
        status.print(terminal)?
    }
    Ok(if status.usable { Exit::Done } else { Exit::Refused })
}

impl Facts {
    fn of(mut found: Found, now: Timestamp) -> Self {
        Self {
            schema: found.metadata.version,
            updated_at: found.metadata.updated_at,
            age_hours: found.age_ms(now) / HOUR_MS,
            bytes: found.file.metadata().map_or(0, |metadata| metadata.len()),
            sha256: found.sha256().ok(),
            sources: found.sources().ok(),
        }
    }
}

impl Status {
    fn print(&self, terminal: &Terminal) -> Result<(), Failure> {
        let directory = self.directory.display();
        let row = |name: &str, value: &dyn std::fmt::Display| {
            terminal.line(format_args!(
                "{}{value}",
                terminal.paint(Style::Dim, format_args!("{name:12}"))
            ))
        };
        row("directory", &directory)?;
        if let Some(label) = &self.label {
            row("label", &clean(label))?;
        }
        if let Some(facts) = &self.facts {
            facts.print(&row)?;
        }
        let days = self.max_age_days;
        let Some(reason) = &self.reason else {
            let good = terminal.paint(Style::Good, "✓");
            return terminal
                .line(format_args!("{good} a scanner uses it (database.max_age_days = {days})"));
        };
        let bad = terminal.paint(Style::Bad, "✗");
        terminal.line(format_args!("{bad} a scanner does not use it: {}", clean(reason)))?;
        terminal
            .line("  scans list packages only, and their evidence says that it is incomplete")?;
        terminal.line("  remedy: 'aibom scanner db update', or 'import' where there is no network")
    }
}

impl Facts {
    fn print(
        &self,
        row: &dyn Fn(&str, &dyn std::fmt::Display) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        row("schema", &self.schema)?;
        let (days, hours) = (self.age_hours / 24, self.age_hours % 24);
        row("updated", &format_args!("{} ({days} d {hours} h ago)", self.updated_at))?;
        let sha256 = self.sha256.map_or_else(|| "cannot be read".to_owned(), |sha| sha.to_string());
        row("sha256", &sha256)?;
        row("size", &size(self.bytes))?;
        let Some(sources) = &self.sources else { return row("advisories", &"cannot be counted") };
        let total: u64 = sources.iter().map(|source| source.advisories).sum();
        row("advisories", &format_args!("{total} of {} sources", sources.len()))?;
        for source in sources.iter().take(SOURCES_SHOWN) {
            let name = clean(&source.name);
            row("", &format_args!("{:>8}  {name}", source.advisories))?;
        }
        match sources.len().checked_sub(SOURCES_SHOWN) {
            Some(more @ 1..) => row("", &format_args!("and {more} more: --format json lists all")),
            _ => Ok(()),
        }
    }
}
