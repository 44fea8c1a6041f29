//! `libs/tiles` in the bucket: what it publishes holds, and nothing that is published is changed.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use merkle::{verify_consistency, verify_inclusion};
use testkit::log::Log;
use tiles::{FaultKind, PublishError, Reader, TileStore, fsck};

use crate::{
    log::{PLACE, checkpoint, files, key, note, plant, remove, writer},
    server::against,
};

fn reader() -> anyhow::Result<Reader> {
    Ok(Reader::new(Arc::new(TileStore::open(PLACE)?)))
}

#[test]
fn a_log_of_thousands_is_published_read_proved_and_clean() -> anyhow::Result<()> {
    against("publishing::a_log_of_thousands_is_published_read_proved_and_clean", &[], || async {
        let log = Log::of(5_000, 1);
        for size in [1, 300, 5_000] {
            // Each time another process, which takes up what the one before left.
            let mut writer = writer().await?;
            writer.publish(&log, &note(&log, size)).await?;
            writer.sweep().await?;
        }
        let (mut view, published) = reader()?.newest(&key()?).await?;
        ensure!(published == note(&log, 5_000) && view.size() == 5_000, "{published}");
        let root = view.checkpoint().root;
        for index in [0, 255, 256, 4_863, 4_999] {
            let (leaf, proof) = (view.leaf(index).await?, view.inclusion(index).await?);
            verify_inclusion(&leaf, index, 5_000, &proof, &root)?;
        }
        let (old, proof) = (checkpoint(&log, 300).root, view.consistency(300).await?);
        verify_consistency(300, &old, 5_000, &root, &proof)?;
        let report = fsck(&reader()?, &checkpoint(&log, 5_000), |_| {}).await?;
        ensure!(report.is_clean() && report.entries == 5_000, "{report:?}");
        let partial = |path: &&String| path.contains("/000.p/") && !path.starts_with("tile/1/");
        let files = files().await?;
        ensure!(files.keys().find(partial).is_none(), "not swept: {:?}", files.keys());
        Ok(())
    })
}

#[test]
fn a_spoilt_or_lost_object_is_found_and_named() -> anyhow::Result<()> {
    against("publishing::a_spoilt_or_lost_object_is_found_and_named", &[], || async {
        let log = Log::of(600, 1);
        writer().await?.publish(&log, &note(&log, 600)).await?;
        let good = files().await?;
        for path in ["tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/000"] {
            let bytes = good.get(path).with_context(|| path.to_owned())?;
            let mut spoilt = bytes.clone();
            *spoilt.last_mut().context("a byte")? ^= 1;
            plant(path, spoilt).await?;
            let report = fsck(&reader()?, &checkpoint(&log, 600), |_| {}).await?;
            ensure!(report.faults.iter().any(|fault| fault.file == path), "{path}: {report:?}");
            remove(path).await?;
            let report = fsck(&reader()?, &checkpoint(&log, 600), |_| {}).await?;
            let missing = report.faults.iter().find(|fault| fault.file == path);
            ensure!(missing.is_some_and(|f| f.kind == FaultKind::Missing), "{path}: {report:?}");
            plant(path, bytes.clone()).await?;
        }
        let report = fsck(&reader()?, &checkpoint(&log, 600), |_| {}).await?;
        ensure!(report.is_clean(), "{report:?}");
        Ok(())
    })
}

#[test]
fn what_is_there_is_never_overwritten_and_nothing_goes_back() -> anyhow::Result<()> {
    against("publishing::what_is_there_is_never_overwritten_and_nothing_goes_back", &[], || async {
        let (log, forked) = (Log::of(600, 1), Log::forked(900, 250, [1, 2]));
        let mut writer = writer().await?;
        writer.publish(&log, &note(&log, 300)).await?;
        for path in ["tile/0/001", "tile/entries/001"] {
            plant(path, b"of another log".to_vec()).await?;
            let before = files().await?;
            let refused = writer.publish(&log, &note(&log, 600)).await;
            let Err(PublishError::Diverged { path: named, place }) = refused else {
                anyhow::bail!("{path} was taken: {refused:?}");
            };
            ensure!(named == path && place == PLACE, "{named} at {place}");
            // Of the others some are there now; those that were are as they were.
            let after = files().await?;
            ensure!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)), "{path}");
            remove(path).await?;
        }
        writer.publish(&log, &note(&log, 600)).await?;
        let published = files().await?;
        let back = writer.publish(&log, &note(&log, 599)).await;
        ensure!(
            matches!(back, Err(PublishError::Back { published: 600, offered: 599 })),
            "{back:?}"
        );
        // The state was restored from a backup and went on from there; nobody remembers but the bucket.
        let mut restored = crate::log::writer().await?;
        let refused = restored.publish(&forked, &note(&forked, 900)).await;
        ensure!(matches!(refused, Err(PublishError::Root { size: 600 })), "{refused:?}");
        ensure!(files().await? == published, "something was changed");
        Ok(())
    })
}

#[test]
fn of_two_writers_the_loser_is_fenced_and_knows() -> anyhow::Result<()> {
    against("publishing::of_two_writers_the_loser_is_fenced_and_knows", &[], || async {
        let log = Log::of(300, 1);
        // The first checkpoint is fenced by If-None-Match, every later one by If-Match.
        for (begun, first_size, second_size) in [(0, 15, 20), (20, 40, 50)] {
            let (mut first, mut second) = (writer().await?, writer().await?);
            ensure!(first.published().map_or(0, |head| head.size) == begun, "{first:?}");
            second.publish(&log, &note(&log, second_size)).await?;
            let refused = first.publish(&log, &note(&log, first_size)).await;
            let Err(PublishError::Superseded { found, place }) = refused else {
                anyhow::bail!("the first went on: {refused:?}");
            };
            ensure!(found.ends_with(&format!(" of {second_size} entries")), "{found}");
            ensure!(place == PLACE, "{place}");
            let published = files().await?.remove("checkpoint");
            ensure!(published == Some(note(&log, second_size).into_bytes()), "{published:?}");
        }
        Ok(())
    })
}

#[test]
fn an_answer_that_was_lost_is_no_other_writer() -> anyhow::Result<()> {
    let lost = ["mesh/tile/0/000", "mesh/tile/entries/000", "mesh/checkpoint"];
    against("publishing::an_answer_that_was_lost_is_no_other_writer", &lost, || async {
        let log = Log::of(600, 1);
        let mut writer = writer().await?;
        let mut failed = Vec::new();
        for _ in 0..=lost.len() {
            match writer.publish(&log, &note(&log, 600)).await {
                Ok(_) => break,
                Err(PublishError::Write { path, .. }) => failed.push(path),
                Err(error) => return Err(error.into()),
            }
        }
        ensure!(failed.iter().any(|path| path == "checkpoint"), "no answer was lost: {failed:?}");
        ensure!(writer.published() == Some(&checkpoint(&log, 600)), "{writer:?}");
        let report = fsck(&reader()?, &checkpoint(&log, 600), |_| {}).await?;
        ensure!(report.is_clean(), "{report:?}");
        Ok(())
    })
}
