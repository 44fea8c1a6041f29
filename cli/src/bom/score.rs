//! `aibom bom score`: how much of the minimum elements an AIBoM holds.

use std::path::PathBuf;

use clap::Args;
use report::{
    Source,
    score::{Cluster, ELEMENTS, Element, Score, Status},
};
use serde::Serialize;

use super::read::{read, tell_unverified};
use crate::{
    failure::{Exit, Failure},
    terminal::{Style, Terminal, clean},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  aibom bom score wine                      a directory that 'aibom fetch' made
  aibom bom score wine --at-least 45        exit code 1 when fewer elements are there
  aibom bom score other.cdx.json            any CycloneDX 1.6 or 1.7 document with a model
  aibom bom score wine --format json | jq '.elements[] | select(.status == \"missing\")'

The elements are the 50 of 'SBOM for AI: minimum elements' (G7 and CISA, 12 May 2026):
  observed   the platform stands for it: executor, scheduler, scanner, or the rules of the profile
  asserted   the submitter says so, or nobody is named for it
  reported   the trainer says so, from inside its container; counted as asserted
  missing    not there, or empty

An element is never better than the least of what it rests on. The author signature stands beside
an AIBoM and is only looked for: 'aibom verify' checks it. Values that have a name are shown as
name=value.

Exit codes:
  0    scored, and enough elements are there
  1    fewer than --at-least
  2    cannot say: the file cannot be read, or is no CycloneDX 1.6 or 1.7 document";

/// Arguments of `bom score`.
#[derive(Debug, Args)]
pub(crate) struct ScoreArguments {
    /// The bundle, a directory that `aibom fetch` made, or a CycloneDX document.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Ends with exit code 1 when fewer elements than this are there.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=50))]
    at_least: Option<u8>,
}

/// The score as programs read it.
#[derive(Serialize)]
struct Answer<'a> {
    /// Always false: 'aibom verify' verifies.
    verified: bool,
    present: usize,
    observed: usize,
    asserted: usize,
    missing: usize,
    elements: &'a [Element],
}

/// Runs `aibom bom score`.
pub(super) fn score(terminal: &Terminal, arguments: &ScoreArguments) -> Result<Exit, Failure> {
    let read = read(&arguments.bundle)?;
    let score = report::score::score(&read.document(&arguments.bundle)?, read.signed);
    if terminal.is_json() {
        terminal.json(&Answer {
            verified: false,
            present: score.present(),
            observed: score.count(Status::Observed),
            asserted: score.count(Status::Asserted),
            missing: score.count(Status::Missing),
            elements: &score.elements,
        })?;
    } else {
        for line in lines(terminal, &score) {
            terminal.line(line)?;
        }
        tell_unverified(terminal, &[&arguments.bundle]);
    }
    let wanted = arguments.at_least.map_or(0, usize::from);
    Ok(if score.present() < wanted { Exit::Refused } else { Exit::Done })
}

/// The table by cluster, and the sum.
pub(super) fn lines(terminal: &Terminal, score: &Score) -> Vec<String> {
    let mut lines = Vec::new();
    for cluster in Cluster::ALL {
        let total = score.of(cluster).count();
        let present = score.of(cluster).filter(|e| e.status != Status::Missing).count();
        let heading = format!("{} ({present} of {total})", cluster.title());
        lines.push(terminal.paint(Style::Bold, heading));
        lines.extend(score.of(cluster).map(|element| line(terminal, element)));
    }
    lines.push(format!(
        "{} of {ELEMENTS}: {} observed, {} asserted, {} missing",
        score.present(),
        score.count(Status::Observed),
        score.count(Status::Asserted),
        score.count(Status::Missing)
    ));
    lines
}

fn line(terminal: &Terminal, element: &Element) -> String {
    let (word, style) = match (element.status, element.source) {
        (Status::Observed, _) => ("observed", Style::Good),
        (Status::Asserted, Some(Source::Reported)) => ("reported", Style::Warn),
        (Status::Asserted, _) => ("asserted", Style::Warn),
        (Status::Missing, _) => ("missing", Style::Bad),
    };
    let word = terminal.paint(style, format_args!("{word:8}"));
    let line = format!("  {word}  {:27} {}", element.name, clean(&element.value));
    line.trim_end().to_owned()
}
