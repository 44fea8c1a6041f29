//! How much a tool has written to its scratch directory: looked at while it runs, for no limit of
//! a process bounds many files together.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

/// Between two looks, in milliseconds.
const LOOK_MS: u64 = 250;
/// The most entries of a directory tree that are counted; more exceed every bound.
const ENTRIES_MAX: usize = 1_000_000;
/// What `st_blocks` counts in, in bytes.
const BLOCK_BYTES: u64 = 512;

/// Ends when the tree at `scratch` takes more than `limit` bytes of disk; never without one.
pub(super) async fn exceeded(scratch: Option<&Path>, limit: u64) {
    let Some(scratch) = scratch else { return std::future::pending().await };
    let mut looks = tokio::time::interval(Duration::from_millis(LOOK_MS));
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let tree = scratch.to_owned();
        let used = tokio::task::spawn_blocking(move || used(&tree)).await;
        if used.is_ok_and(|bytes| bytes > limit) {
            return;
        }
    }
}

/// What a tree takes on disk, in bytes. Entries come and go meanwhile: those that went count
/// nothing.
pub(super) fn used(tree: &Path) -> u64 {
    let (mut bytes, mut entries): (u64, usize) = (0, 0);
    let mut directories = vec![tree.to_owned()];
    while let Some(directory) = directories.pop() {
        let Ok(listed) = fs::read_dir(directory) else { continue };
        for entry in listed.flatten() {
            entries = entries.saturating_add(1);
            if entries > ENTRIES_MAX {
                return u64::MAX;
            }
            // Of a link: its own.
            let Ok(metadata) = entry.metadata() else { continue };
            bytes = bytes.saturating_add(metadata.blocks().saturating_mul(BLOCK_BYTES));
            if metadata.is_dir() {
                directories.push(entry.path());
            }
        }
    }
    bytes
}
