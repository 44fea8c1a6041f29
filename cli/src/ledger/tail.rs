//! `aibom ledger tail`: entries as they were logged, each checked before it is shown.

use std::time::Duration;

use bundle::LedgerEntry;
use clap::Args;
use ids::Sha256Digest;
use merkle::{Checkpoint, leaf_hash};
use serde::Serialize;
use tiles::{Entry, Reader, View};

use super::{
    source::{self, Log, newest},
    trust::Counts,
};
use crate::{
    failure::{Exit, Failure},
    runtime::block_on,
    terminal::{Terminal, cut},
};

/// How many entries are shown when nothing is said.
const ENTRIES_SHOWN: u64 = 10;

/// Arguments of `ledger tail`.
#[derive(Debug, Args)]
pub(crate) struct TailArguments {
    #[command(flatten)]
    log: Log,
    /// The first entry to show, from 0; the last ten otherwise.
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    /// Goes on with what is logged from now on.
    #[arg(long)]
    follow: bool,
    /// With --follow: seconds between two looks at the checkpoint.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
}

/// An entry for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    index: u64,
    leaf_hash: Sha256Digest,
    /// `None` when it is not one of this ledger.
    entry: Option<LedgerEntry>,
    /// Its bytes then, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
}

/// Runs `aibom ledger tail`.
pub(super) fn tail(terminal: &Terminal, arguments: &TailArguments) -> Result<Exit, Failure> {
    let (reader, trust) = (arguments.log.reader()?, arguments.log.trust.read()?);
    let every = arguments.follow.then(|| Duration::from_secs(arguments.every));
    let work = follow(terminal, &reader, &trust, arguments.from, every);
    block_on(work, || "the log was left".to_owned())
}

async fn follow(
    terminal: &Terminal,
    reader: &Reader,
    trust: &Counts,
    from: Option<u64>,
    every: Option<Duration>,
) -> Result<Exit, Failure> {
    let mut view = newest(reader, trust).await?.view;
    let mut away = false;
    let mut next = from.unwrap_or_else(|| view.size().saturating_sub(ENTRIES_SHOWN));
    loop {
        next = show(terminal, &mut view, next).await?;
        let Some(every) = every else { return Ok(Exit::Done) };
        tokio::time::sleep(every).await;
        let looked = match newest(reader, trust).await {
            Ok(newest) => advance(terminal, &mut view, newest.view).await,
            Err(failure) => Err(failure),
        };
        match looked {
            Ok(()) => away = false,
            // It says nothing of the log, and may pass.
            Err(failure) if failure.exit() == Exit::CannotSay => {
                if !away {
                    terminal.say(format_args!("{failure}; looking again every {every:?}"));
                }
                away = true;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Takes the newer view. A shorter one that ours went through is a stale copy, as edges of a CDN are:
/// it proves nothing, and ours stays.
pub(super) async fn advance(
    terminal: &Terminal,
    view: &mut View,
    mut newer: View,
) -> Result<(), Failure> {
    if newer.size() < view.size() {
        extends(view, newer.checkpoint()).await?;
        let (stale, known) = (newer.size(), view.size());
        terminal.say(format_args!(
            "a checkpoint of {stale} entries was served after one of {known}: a stale copy"
        ));
        return Ok(());
    }
    extends(&mut newer, view.checkpoint()).await?;
    *view = newer;
    Ok(())
}

/// Whether the log under the newer checkpoint went through the older one.
pub(super) async fn extends(newer: &mut View, older: &Checkpoint) -> Result<(), Failure> {
    let now = newer.checkpoint().clone();
    if now.size < older.size {
        let what = format!("the log went back from {} to {} entries", older.size, now.size);
        return Err(Failure::refused(what).remedy("keep both checkpoints; tell other users"));
    }
    let root = newer.root_at(older.size).await.map_err(source::refused)?;
    if root == Some(older.root) {
        return Ok(());
    }
    let what = format!("the log forked: its first {} entries are others now", older.size);
    let root = root.map_or_else(String::new, |root| root.to_string());
    Err(Failure::refused(what)
        .because(format_args!("the root was {}, it is {root}", older.root))
        .remedy("keep both checkpoints: together they prove it; tell other users"))
}

/// Shows what there is from `next` on; gives what is next.
async fn show(terminal: &Terminal, view: &mut View, mut next: u64) -> Result<u64, Failure> {
    while next < view.size() {
        for Entry { index, bytes } in view.page(next).await.map_err(source::refused)? {
            let entry = LedgerEntry::parse(&bytes).ok();
            if terminal.is_json() {
                let raw = entry
                    .is_none()
                    .then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect());
                terminal.json(&Shown { index, leaf_hash: leaf_hash(&bytes), entry, raw })?;
            } else if let Some(LedgerEntry { commitment, logged_at, .. }) = entry {
                terminal.line(format_args!("{index:>8}  {logged_at}  {commitment}"))?;
            } else {
                let text = cut(&String::from_utf8_lossy(&bytes), 80);
                terminal.line(format_args!("{index:>8}  not an entry of this ledger: {text}"))?;
            }
            next = index.saturating_add(1);
        }
    }
    Ok(next)
}
