//! `aibom bom diff`: what differs between two AIBoMs.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use report::{
    diff::{Area, Change, Diff, Kind, Sense, diff_only},
    records::RecordDiff,
};
use serde::Serialize;

use super::{read::read, records::compared};
use crate::{
    failure::{Exit, Failure},
    terminal::{Style, Terminal, clean},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  aibom bom diff monday tuesday             two directories that 'aibom fetch' made
  aibom bom diff a.aibom.json b.aibom.json --only data,parameters,metrics
  aibom bom diff old new --only vulnerabilities --format json
                                            what to look at after an update

Areas: data, model, parameters, metrics, packages, vulnerabilities, hardware, isolation.
In directories that 'aibom fetch' made, the datasets' records are compared too, once their files
have the digests that the AIBoMs name. Whether either AIBoM is true, 'aibom verify' says.

Exit codes:
  0    nothing differs
  1    something does
  2    cannot say: a file cannot be read, or is no AIBoM";

/// The longest value that is shown, in characters.
const MAX_SHOWN: usize = 64;

/// Arguments of `bom diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The first bundle, directory that `aibom fetch` made, or CycloneDX document.
    #[arg(value_name = "A")]
    from: PathBuf,
    /// The second one.
    #[arg(value_name = "B")]
    to: PathBuf,
    /// Only these areas, with commas between them.
    #[arg(long, value_name = "AREA", value_delimiter = ',', value_parser = areas())]
    only: Vec<Area>,
}

fn areas() -> impl clap::builder::TypedValueParser<Value = Area> {
    PossibleValuesParser::new(Area::ALL.map(Area::word)).try_map(|word| {
        let named = |area: &Area| area.word() == word;
        Area::ALL.into_iter().find(named).ok_or("no such area")
    })
}

/// The difference as programs read it.
#[derive(Serialize)]
struct Answer<'a> {
    changes: &'a [Change],
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<RecordDiff>,
}

/// Runs `aibom bom diff`.
pub(super) fn diff(terminal: &Terminal, arguments: &DiffArguments) -> Result<Exit, Failure> {
    let from = read(&arguments.from)?.document(&arguments.from)?;
    let to = read(&arguments.to)?.document(&arguments.to)?;
    let areas = if arguments.only.is_empty() { &Area::ALL[..] } else { &arguments.only };
    let diff = diff_only(&from, &to, areas);
    let mut records = None;
    if areas.contains(&Area::Data) {
        let sides = [(arguments.from.as_path(), &from), (arguments.to.as_path(), &to)];
        records = compared(sides)?;
    }
    if terminal.is_json() {
        terminal.json(&Answer { changes: &diff.changes, records })?;
    } else {
        for line in lines(terminal, &diff, records.as_ref()) {
            terminal.line(line)?;
        }
    }
    Ok(if diff.is_empty() { Exit::Done } else { Exit::Refused })
}

/// The changes by area.
pub(super) fn lines(terminal: &Terminal, diff: &Diff, records: Option<&RecordDiff>) -> Vec<String> {
    let mut lines = Vec::new();
    for area in Area::ALL {
        if diff.of(area).next().is_some() {
            lines.push(terminal.paint(Style::Bold, area.word()));
        }
        lines.extend(diff.of(area).map(|change| line(terminal, change)));
        if let (Area::Data, Some(records)) = (area, records) {
            let RecordDiff { added, removed, common, same_header } = records;
            let header = if *same_header { "the same header" } else { "another header" };
            lines.push(format!(
                "  records: {added} added, {removed} removed, {common} in common, {header}"
            ));
        }
    }
    if lines.is_empty() {
        lines.push("nothing differs".to_owned());
    }
    lines
}

fn line(terminal: &Terminal, change: &Change) -> String {
    let name = clean(&change.name);
    let mut line = match &change.kind {
        Kind::Added { to } => format!("  + {name}: {}", cut(to)),
        Kind::Removed { from } => format!("  - {name}: {}", cut(from)),
        Kind::Changed { from, to } => format!("  ~ {name}: {} → {}", cut(from), cut(to)),
    };
    if let Some(delta) = change.delta {
        line.push_str(&format!(" ({delta:+.6})"));
    }
    let (style, word) = match change.sense {
        Some(Sense::Better) => (Style::Good, "better"),
        Some(Sense::Worse) => (Style::Bad, "worse"),
        Some(Sense::Upgraded) => (Style::Dim, "upgraded"),
        Some(Sense::Downgraded) => (Style::Warn, "downgraded"),
        None => return line,
    };
    format!("{line} {}", terminal.paint(style, word))
}

/// A value as it is shown: one line, and not too long.
fn cut(value: &str) -> String {
    let value = clean(value);
    match value.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value,
    }
}
