//! `aibom bom diff`: what differs between two AIBoMs.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use report::{
    diff::{Area, Change, Diff, Kind, Sense, diff_only},
    records::RecordDiff,
};
use serde::Serialize;

use super::{
    read::{read, tell_unverified},
    records::{Records, compared},
};
use crate::{
    failure::{Exit, Failure},
    terminal::{Style, Terminal, cut},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  aibom bom diff monday tuesday             two directories that 'aibom fetch' made
  aibom bom diff a.aibom.json b.aibom.json --only data,parameters,metrics
  aibom bom diff old new --only cost        1 also when only time or memory differ
  aibom bom diff old new --only vulnerabilities --format json
                                            what to look at after an update

Areas: data, model, parameters, metrics, packages, vulnerabilities, hardware, isolation, cost.
Cost is what the run took: time, memory, energy. No two runs agree in it, so it is shown and does
not count as a difference, unless --only asks for it.

In directories that 'aibom fetch' made, the datasets' records are compared too, once their files
have the digests that the AIBoMs name. Whether either AIBoM is true, 'aibom verify' says.

Exit codes:
  0    nothing differs, or only what the run took
  1    something does
  2    cannot say: a file cannot be read, or is no AIBoM";

/// The longest value that is shown, in characters.
const MAX_SHOWN: usize = 64;
/// The longest name that is shown, in characters.
const MAX_NAME: usize = 120;
/// The most lines of one area.
const MAX_LINES: usize = 40;
/// What stands between a label's column and a class whose records are counted.
const COUNT: &str = ".count.";

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
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    /// Always false: 'aibom verify' verifies.
    verified: bool,
    /// What the exit code says: a change that counts.
    differs: bool,
    changes: &'a [Change],
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<&'a RecordDiff>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records_not_compared: Option<&'a str>,
}

/// Runs `aibom bom diff`.
pub(super) fn diff(terminal: &Terminal, arguments: &DiffArguments) -> Result<Exit, Failure> {
    let from = read(&arguments.from)?.document(&arguments.from)?;
    let to = read(&arguments.to)?.document(&arguments.to)?;
    let areas = if arguments.only.is_empty() { &Area::ALL[..] } else { &arguments.only };
    let diff = diff_only(&from, &to, areas);
    let differs =
        if arguments.only.contains(&Area::Cost) { !diff.is_empty() } else { diff.is_counted() };
    let mut records = Records::Same;
    if areas.contains(&Area::Data) {
        let sides = [(arguments.from.as_path(), &from), (arguments.to.as_path(), &to)];
        records = compared(sides)?;
    }
    if terminal.is_json() {
        let (records, why) = match &records {
            Records::Same => (None, None),
            Records::Compared(records) => (Some(records), None),
            Records::NotCompared(why) => (None, Some(why.as_str())),
        };
        terminal.json(&Answer {
            verified: false,
            differs,
            changes: &diff.changes,
            records,
            records_not_compared: why,
        })?;
    } else {
        for line in lines(terminal, &diff, &records) {
            terminal.line(line)?;
        }
        tell_unverified(terminal, &[&arguments.from, &arguments.to]);
    }
    Ok(if differs { Exit::Refused } else { Exit::Done })
}

/// The changes by area.
pub(super) fn lines(terminal: &Terminal, diff: &Diff, records: &Records) -> Vec<String> {
    let mut lines = Vec::new();
    for area in Area::ALL {
        let mut found = area_lines(terminal, diff.of(area));
        if area == Area::Data {
            found.extend(told(records));
        }
        if !found.is_empty() {
            let note = if area.is_counted() { "" } else { " (counts only with --only cost)" };
            lines.push(terminal.paint(Style::Bold, format_args!("{}{note}", area.word())));
        }
        lines.append(&mut found);
    }
    if lines.is_empty() {
        lines.push("nothing differs".to_owned());
    }
    lines
}

/// The changes of one area: class counts of one label on one line, and not too many lines.
fn area_lines<'a>(terminal: &Terminal, changes: impl Iterator<Item = &'a Change>) -> Vec<String> {
    let mut classes: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    let mut lines = Vec::new();
    for change in changes {
        match change.name.split_once(COUNT) {
            Some((label, _)) if change.area == Area::Data => {
                classes.entry(label).or_default().push(change);
            }
            _ => lines.push(line(terminal, change)),
        }
    }
    let folded = classes.into_iter().map(|(label, changes)| match changes.as_slice() {
        [change] => line(terminal, change),
        changes => folded(label, changes),
    });
    let mut lines: Vec<_> = folded.chain(lines).collect();
    let more = lines.len().saturating_sub(MAX_LINES);
    if more > 0 {
        lines.truncate(MAX_LINES);
        lines.push(format!("  and {more} more: --format json"));
    }
    lines
}

/// How the records of a label's classes moved.
fn folded(label: &str, changes: &[&Change]) -> String {
    let moves = changes.iter().map(|change| {
        let class = change.name.split_once(COUNT).map_or("", |(_, class)| class);
        match &change.kind {
            Kind::Added { to } => format!("{class} + {to}"),
            Kind::Removed { from } => format!("{class} - {from}"),
            Kind::Changed { from, to } => format!("{class} {from} → {to}"),
        }
    });
    let moves: Vec<_> = moves.collect();
    format!(
        "  ~ {}: {} classes: {}",
        cut(label, MAX_NAME),
        changes.len(),
        cut(&moves.join(", "), 2 * MAX_SHOWN)
    )
}

fn told(records: &Records) -> Option<String> {
    match records {
        Records::Same => None,
        Records::NotCompared(why) => Some(format!("  records: not compared: {why}")),
        Records::Compared(RecordDiff { added, removed, common, same_header }) => {
            let header = if *same_header { "the same header" } else { "another header" };
            Some(format!(
                "  records: {added} added, {removed} removed, {common} in common, {header}"
            ))
        }
    }
}

fn line(terminal: &Terminal, change: &Change) -> String {
    let name = cut(&change.name, MAX_NAME);
    let mut line = match &change.kind {
        Kind::Added { to } => format!("  + {name}: {}", cut(to, MAX_SHOWN)),
        Kind::Removed { from } => format!("  - {name}: {}", cut(from, MAX_SHOWN)),
        Kind::Changed { from, to } => {
            format!("  ~ {name}: {} → {}", cut(from, MAX_SHOWN), cut(to, MAX_SHOWN))
        }
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
