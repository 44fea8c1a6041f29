//! The disk alone, and three ways of keeping entries in redb.

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use ids::Sha256Digest;
use merkle::tile::encode_entries;
use store::{Batch, Durable};

use crate::{drive::Figures, prototype::entry};

const TABLES: &[&str] = &["groups", "commitments", "head"];
/// Entries of a commit.
const GROUP: u64 = 64;
/// Entries that are there before the clock starts.
const BEFORE: u64 = 200_000;

/// One writer that appends 512 bytes and syncs.
pub(crate) fn syncs(directory: &Path, life: Duration) -> Figures {
    let path = directory.join("file");
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    let mut figures = Figures::new();
    let begun = Instant::now();
    while begun.elapsed() < life {
        let asked = Instant::now();
        file.write_all(&[7; 512]).unwrap();
        file.sync_data().unwrap();
        figures.record(asked.elapsed());
    }
    figures.ended(begun.elapsed());
    figures
}

/// Bytes that this process had written to disks.
fn written() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap();
    line.parse().unwrap()
}

fn batch(layout: &str, base: u64, count: u64) -> Batch {
    let numbers = base..base + count;
    let batch = Batch::new().put("head", *b"committed", vec![7; 200]);
    if layout.starts_with("one record") {
        let record = encode_entries(numbers.map(entry)).unwrap();
        return batch.create("groups", base.to_be_bytes(), record);
    }
    numbers.fold(batch, |batch, number| {
        let batch = batch.create("groups", number.to_be_bytes(), entry(number));
        if !layout.ends_with("random index") {
            return batch;
        }
        let commitment = Sha256Digest::of(&number.to_be_bytes());
        batch.create("commitments", commitment.as_bytes().to_vec(), number.to_be_bytes())
    })
}

/// Commits of 64 entries behind 200,000, one after the other.
pub(crate) fn layouts(directory: &Path, life: Duration) {
    println!("redb, commits of {GROUP} behind {BEFORE} entries   commits/s   KiB a commit");
    for (number, layout) in
        ["a row for each entry, random index", "a row for each entry", "one record for a commit"]
            .into_iter()
            .enumerate()
    {
        let path = directory.join(format!("{number}.redb"));
        let store = Durable::open(path, TABLES).unwrap();
        for base in (0..BEFORE).step_by(2000) {
            store.commit_blocking(batch(layout, base, 2000)).unwrap();
        }
        let (begun, before) = (Instant::now(), written());
        let mut commits = 0_u32;
        while begun.elapsed() < life {
            let base = BEFORE + u64::from(commits) * GROUP;
            store.commit_blocking(batch(layout, base, GROUP)).unwrap();
            commits += 1;
        }
        let rate = f64::from(commits) / begun.elapsed().as_secs_f64();
        let kib = (written() - before) / 1024 / u64::from(commits.max(1));
        println!("{layout:<44} {rate:>9.0} {kib:>14}");
    }
}
