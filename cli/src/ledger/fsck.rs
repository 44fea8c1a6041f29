//! `aibom ledger fsck`: everything is read, every hash computed again.

use clap::Args;
use serde::Serialize;
use tiles::{Fault, Progress, Report};

use super::source::{self, Log};
use crate::{
    failure::{Exit, Failure},
    runtime::block_on,
    submit::progress::Bars,
    terminal::{Style, Terminal, clean},
};

/// Arguments of `ledger fsck`.
#[derive(Debug, Args)]
pub(crate) struct FsckArguments {
    #[command(flatten)]
    log: Log,
}

#[derive(Serialize)]
struct Answer<'a> {
    clean: bool,
    #[serde(flatten)]
    report: &'a Report,
}

/// Runs `aibom ledger fsck`.
pub(super) fn fsck(terminal: &Terminal, arguments: &FsckArguments) -> Result<Exit, Failure> {
    let (reader, trust) = (arguments.log.reader()?, arguments.log.trust.read()?);
    let work = async {
        let note = source::note(&reader).await?;
        let checkpoint = trust.checkpoint(&note)?;
        let bar = Bars::new(terminal).entries(checkpoint.size);
        let progress = |Progress { entries, .. }| bar.set_position(entries);
        let report = tiles::fsck(&reader, &checkpoint, progress).await;
        bar.finish_and_clear();
        say(terminal, &report.map_err(source::unreadable)?)
    };
    block_on(work, || "the check was not finished".to_owned())
}

fn say(terminal: &Terminal, report: &Report) -> Result<Exit, Failure> {
    let exit = if report.is_clean() { Exit::Done } else { Exit::Refused };
    if terminal.is_json() {
        terminal.json(&Answer { clean: report.is_clean(), report })?;
        return Ok(exit);
    }
    for Fault { file, place, detail, .. } in &report.faults {
        let place = place.map_or_else(String::new, |place| format!(" at {place}"));
        let file = terminal.paint(Style::Bad, format_args!("{}{place}", clean(file)));
        terminal.line(format_args!("{file}: {}", clean(detail)))?;
    }
    let more = report.faults_total.saturating_sub(report.faults.len() as u64);
    if more > 0 {
        terminal.line(format_args!("… and {more} more"))?;
    }
    if report.stopped {
        terminal.line("so many files cannot be used that the rest was not read")?;
    }
    let Report { entries, bundles, tiles, .. } = report;
    terminal.line(format_args!(
        "{} of {} entries: {entries} entries read in {bundles} bundles, under {tiles} tiles",
        clean(&report.origin),
        report.size
    ))?;
    let verdict = if report.is_clean() {
        terminal.paint(Style::Good, "clean: every hash leads to the checkpoint's root")
    } else {
        terminal.paint(Style::Bad, format_args!("{} faults", report.faults_total))
    };
    terminal.line(verdict)?;
    Ok(exit)
}
