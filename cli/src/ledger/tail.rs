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

pub(super) async fn follow(
    terminal: &Terminal,
    reader: &Reader,
    trust: &Counts,
    from: Option<u64>,
    every: Option<Duration>,
) -> Result<Exit, Failure> {
    let view = newest(reader, trust).await?.view;
    let next = from.unwrap_or_else(|| view.size().saturating_sub(ENTRIES_SHOWN));
    let mut tail = Tail { view, next };
    let mut away = false;
    let mut looked = tail.show(terminal).await?;
    loop {
        match (looked, every) {
            (Ok(()), None) => return Ok(Exit::Done),
            (Ok(()), Some(_)) => away = false,
            // It says nothing of the log, and may pass.
            (Err(failure), Some(every)) if failure.exit() == Exit::CannotSay => {
                if !away {
                    terminal.say(format_args!("{failure}; looking again every {every:?}"));
                }
                away = true;
            }
            (Err(failure), _) => return Err(failure),
        }
        tokio::time::sleep(every.unwrap_or_default()).await;
        looked = tail.look(terminal, reader, trust).await?;
    }
}

/// How far the log was shown.
struct Tail {
    view: View,
    /// The first entry that was not.
    next: u64,
}

impl Tail {
    /// Takes the newest checkpoint, and shows what is new; as [`Self::show`].
    async fn look(
        &mut self,
        terminal: &Terminal,
        reader: &Reader,
        trust: &Counts,
    ) -> Result<Result<(), Failure>, Failure> {
        let looked = match newest(reader, trust).await {
            Ok(newest) => advance(terminal, &mut self.view, newest.view).await,
            Err(failure) => Err(failure),
        };
        match looked {
            Ok(()) => self.show(terminal).await,
            Err(failure) => Ok(Err(failure)),
        }
    }

    /// Shows what there is; `Ok(Err(_))` where it cannot be read, `Err(_)` where it cannot be shown.
    async fn show(&mut self, terminal: &Terminal) -> Result<Result<(), Failure>, Failure> {
        while self.next < self.view.size() {
            let page = match self.view.page(self.next).await {
                Ok(page) => page,
                Err(error) => return Ok(Err(source::refused(error))),
            };
            for Entry { index, bytes } in page {
                print(terminal, index, &bytes)?;
                self.next = index.saturating_add(1);
            }
        }
        Ok(Ok(()))
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

fn print(terminal: &Terminal, index: u64, bytes: &[u8]) -> Result<(), Failure> {
    let entry = LedgerEntry::parse(bytes).ok();
    if terminal.is_json() {
        let raw = entry.is_none().then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        return terminal.json(&Shown { index, leaf_hash: leaf_hash(bytes), entry, raw });
    }
    if let Some(LedgerEntry { commitment, logged_at, .. }) = entry {
        return terminal.line(format_args!("{index:>8}  {logged_at}  {commitment}"));
    }
    let text = cut(&String::from_utf8_lossy(bytes), 80);
    terminal.line(format_args!("{index:>8}  not an entry of this ledger: {text}"))
}
