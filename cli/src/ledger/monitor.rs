//! `aibom ledger monitor`: reads the log again and again, and raises an alarm at what should not be.

mod asking;
mod mine;
mod state_file;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use ids::Timestamp;
use merkle::LogPolicy;
use monitor::{Alert, Judged, Own, Patience, State};
use serde::Serialize;
use tiles::{Entry, ReadError, Reader, View};

use super::{
    source::{self, Log},
    trust::Counts,
};
use crate::{
    certs::now,
    failure::{Exit, Failure},
    runtime::block_on,
    terminal::{Style, Terminal},
};
use asking::Asking;
use state_file::StateFile;

/// How many entries are read before the state is kept again.
const ENTRIES_BETWEEN_SAVES: u64 = 65_536;
/// Where each alert has a chapter.
const RUNBOOK: &str = "docs/runbooks/log-alert.md";

/// Arguments of `ledger monitor`.
#[derive(Debug, Args)]
pub(crate) struct MonitorArguments {
    #[command(flatten)]
    log: Log,
    /// Where it remembers what it saw; made when it does not exist. Keep it: it is evidence.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// One round, then an end.
    #[arg(long)]
    once: bool,
    /// Seconds between two rounds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    interval: u64,
    /// Watches what is logged under your identity (--mesh): takes the monitor key from the mesh, asks
    /// it what an entry is that nothing else explains, and alerts at what was not submitted from here.
    #[arg(long)]
    mine: bool,
    /// Monitor keys, each a line of 64 hex digits: they tell which entries are under your identity
    /// [with --mine: that of the mesh].
    #[arg(long, value_name = "FILE")]
    monitor_key: Option<PathBuf>,
    /// A bundle of yours, or a directory that `aibom fetch` made: it must be in the log where it says.
    /// May be repeated.
    #[arg(long = "bundle", value_name = "BUNDLE")]
    bundles: Vec<PathBuf>,
    /// A file with commitments that you know to be yours, each a line of 64 hex digits.
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Seconds since the last cosignature after which what is shown counts as an old copy.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(60..=31_536_000))]
    stale_after: u64,
}

/// What to watch for.
struct Watch {
    reader: Reader,
    policy: LogPolicy,
    own: Own,
    asking: Option<Asking>,
    patience: Patience,
}

/// What a round came to.
struct Round {
    alerts: Vec<Alert>,
    /// Whether entries wait to be read.
    more: bool,
}

/// An alert for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    at: Timestamp,
    runbook: String,
    message: String,
    #[serde(flatten)]
    alert: &'a Alert,
}

/// Where a round ended, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    at: Timestamp,
    size: u64,
    read: u64,
}

/// Runs `aibom ledger monitor`.
pub(super) fn monitor(
    terminal: &Terminal,
    mesh: &Path,
    arguments: &MonitorArguments,
) -> Result<Exit, Failure> {
    let Counts::Witnessed(policy) = arguments.log.trust.read()? else {
        return Err(Failure::cannot("a monitor needs to know the log's witnesses")
            .remedy("name the mesh's trust root with --trust-root"));
    };
    let asking = match arguments.mine {
        true => Some(Asking::open(terminal, mesh, arguments.log.trust.root()?.0)?),
        false => None,
    };
    let mut keys = mine::keys(arguments.monitor_key.as_deref())?;
    let stale_after_ms = i64::try_from(arguments.stale_after).unwrap_or(i64::MAX);
    let patience =
        Patience { stale_after_ms: stale_after_ms.saturating_mul(1_000), ..Patience::default() };
    let reader = arguments.log.reader()?;
    let file = StateFile::open(&arguments.state)?;
    let mut state = file.read(&policy)?;
    let every = (!arguments.once).then(|| Duration::from_secs(arguments.interval));
    let work = async {
        let mut alarmed = false;
        if let Some(asking) = asking.as_ref().filter(|_| arguments.monitor_key.is_none()) {
            let key = asking.monitor_key().await?;
            alarmed = hold_key(terminal, &file, &mut state, &key)?;
            keys.push(key);
        }
        let mut own = mine::own(keys, arguments.known.as_deref())?;
        mine::bundles(&mut own, &arguments.bundles, &policy)?;
        let own = if asking.is_some() { own.asking() } else { own };
        let watch = Watch { reader, policy, own, asking, patience };
        let exit = watch_log(terminal, &watch, &file, state, every).await?;
        Ok(if alarmed { Exit::Refused } else { exit })
    };
    block_on(work, || "the log is watched no more; the state is kept".to_owned())
}

/// Keeps which monitor key the mesh gave, and tells when it is another than before; gives whether it is.
/// The scheduler alone says which it is: with any other key nothing would be found under my identity.
fn hold_key(
    terminal: &Terminal,
    file: &StateFile,
    state: &mut State,
    key: &[u8; 32],
) -> Result<bool, Failure> {
    let alert = state.hold_key(key);
    tell(terminal, alert.as_slice())?;
    // Told before it is kept: what is kept is not told again.
    file.write(state)?;
    Ok(alert.is_some())
}

async fn watch_log(
    terminal: &Terminal,
    watch: &Watch,
    file: &StateFile,
    mut state: State,
    every: Option<Duration>,
) -> Result<Exit, Failure> {
    let mut shown = None;
    let mut alarmed = false;
    loop {
        let ended = match round(watch, &state, now()).await {
            Ok((next, round)) => {
                if next != state {
                    file.write(&next)?;
                    state = next;
                }
                alarmed |= !round.alerts.is_empty();
                tell(terminal, &round.alerts)?;
                if round.more {
                    continue;
                }
                Ok(())
            }
            Err(failure) => Err(failure),
        };
        match (ended, every) {
            (Err(failure), None) => return Err(failure),
            // The log may be away for a while; what is wrong is said, and it is asked again.
            (Err(failure), Some(_)) => terminal.say(failure),
            (Ok(()), _) => {
                let size = state.checkpoint().map(|checkpoint| checkpoint.size);
                if shown != Some(size) {
                    progress(terminal, size.unwrap_or(0), state.entries_read())?;
                    shown = Some(size);
                }
            }
        }
        let Some(every) = every else {
            return Ok(if alarmed { Exit::Refused } else { Exit::Done });
        };
        tokio::time::sleep(every).await;
    }
}

/// One round; the state stays where the log itself is in question.
async fn round(watch: &Watch, state: &State, at: Timestamp) -> Result<(State, Round), Failure> {
    let note = source::note(&watch.reader).await?;
    let mut next = state.clone();
    Ok(match advance(watch, &mut next, &note, at).await? {
        Ok(mut round) => {
            if let Some(asking) = watch.asking.as_ref().filter(|_| !round.more) {
                for (open, told) in asking.ask_each(&next.open(&watch.own)).await? {
                    round.alerts.extend(next.tell(&open, told, at, watch.patience));
                }
            }
            (next, round)
        }
        Err(alert) => (state.clone(), Round { alerts: vec![*alert], more: false }),
    })
}

/// Takes the checkpoint and the entries under it, as far as one round goes.
async fn advance(
    watch: &Watch,
    state: &mut State,
    note: &str,
    at: Timestamp,
) -> Result<Result<Round, Box<Alert>>, Failure> {
    let grown = match state.judge(note, &watch.policy, at, watch.patience) {
        Ok(Judged::Same) => None,
        Ok(Judged::Grown(grown)) => Some(grown),
        Err(alert) => return Ok(Err(alert)),
    };
    let newest = grown.as_ref().map(|grown| grown.checkpoint()).or_else(|| state.checkpoint());
    let Some(checkpoint) = newest.cloned() else {
        return Ok(Ok(Round { alerts: Vec::new(), more: false }));
    };
    let size = checkpoint.size;
    if grown.is_none() && state.entries_read() == size && state.untraced(&watch.own).is_empty() {
        let alerts = state.settle(&watch.own, at, watch.patience);
        return Ok(Ok(Round { alerts, more: false }));
    }
    let mut view = match watch.reader.at(checkpoint).await {
        Ok(view) => view,
        Err(error) => return lied(error, size),
    };
    if let Some(grown) = grown {
        let proof = match view.consistency(grown.old_size()).await {
            Ok(proof) => proof,
            Err(error) => return lied(error, size),
        };
        if let Err(alert) = state.accept(*grown, &proof) {
            return Ok(Err(alert));
        }
    }
    let mut alerts = match entries(watch, state, &mut view).await? {
        Ok(alerts) => alerts,
        Err(alert) => return Ok(Err(alert)),
    };
    if state.entries_read() < size {
        return Ok(Ok(Round { alerts, more: true }));
    }
    alerts.extend(state.settle(&watch.own, at, watch.patience));
    for untraced in state.untraced(&watch.own) {
        let page = match view.page(untraced.index).await {
            Ok(page) => page,
            Err(error) => return lied(error, size),
        };
        let entry = page.into_iter().next().map(|entry| entry.bytes).unwrap_or_default();
        alerts.extend(state.trace(untraced, &entry));
    }
    Ok(Ok(Round { alerts, more: false }))
}

/// Reads the next entries.
async fn entries(
    watch: &Watch,
    state: &mut State,
    view: &mut View,
) -> Result<Result<Vec<Alert>, Box<Alert>>, Failure> {
    let (size, until) = (view.size(), state.entries_read().saturating_add(ENTRIES_BETWEEN_SAVES));
    let mut alerts = Vec::new();
    while state.entries_read() < until.min(size) {
        let page = match view.page(state.entries_read()).await {
            Ok(page) => page,
            Err(error) => return lied(error, size),
        };
        for Entry { index, bytes } in page {
            match state.read(index, &bytes, &watch.own) {
                Ok(found) => alerts.extend(found),
                Err(alert) => return Ok(Err(alert)),
            }
        }
    }
    Ok(Ok(alerts))
}

/// Files that do not lead to the checkpoint are an alert, a place that does not answer is none.
fn lied<T>(error: ReadError, size: u64) -> Result<Result<T, Box<Alert>>, Failure> {
    match error {
        ReadError::Source(error) => Err(source::unreadable(error)),
        ReadError::Range(_) | ReadError::Checkpoint { .. } => Err(source::refused(error)),
        ReadError::Missing(_)
        | ReadError::Tile(_)
        | ReadError::Entries { .. }
        | ReadError::Entry { .. } => Ok(Err(Box::new(Alert::Changed { size }))),
    }
}

fn tell(terminal: &Terminal, alerts: &[Alert]) -> Result<(), Failure> {
    for alert in alerts {
        let (at, word) = (now(), alert.word());
        let runbook = format!("{RUNBOOK}#{word}");
        if terminal.is_json() {
            terminal.json(&Told { at, runbook, message: alert.to_string(), alert })?;
            continue;
        }
        let word = terminal.paint(Style::Bad, format_args!("ALERT {word}"));
        terminal.line(format_args!("{at}  {word}  {alert}"))?;
        terminal.line(format_args!("  what to do: {runbook}"))?;
    }
    Ok(())
}

fn progress(terminal: &Terminal, size: u64, read: u64) -> Result<(), Failure> {
    let at = now();
    if terminal.is_json() {
        return terminal.json(&Progress { at, size, read });
    }
    terminal.line(format_args!("{at}  {read} of {size} entries read"))
}

#[cfg(test)]
mod tests;
