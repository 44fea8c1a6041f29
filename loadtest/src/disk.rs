//! What the disk itself can do: fdatasync after 4 KiB, and durable commits with one writer.

use std::{
    fs::OpenOptions,
    io::Write as _,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde::Serialize;
use store::{Batch, Durable};

use crate::{rounds::as_f64, site::Site};

/// How long each of the two is measured, in milliseconds.
const LENGTH_MS: u64 = 2_000;
const BLOCK_BYTES: usize = 4096;
const TABLE: &str = "records";

/// Rate and time of one kind of durable write.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rate {
    /// Writes per second, one after the other.
    pub(crate) per_second: f64,
    /// Half took at most this, in microseconds.
    pub(crate) p50_us: u64,
    /// 99 of 100 took at most this, in microseconds.
    pub(crate) p99_us: u64,
}

/// Both kinds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Disk {
    /// 4 KiB appended, then fdatasync.
    pub(crate) fdatasync: Rate,
    /// 4 KiB put and committed through `libs/store`.
    pub(crate) commit: Rate,
}

fn repeat(mut write: impl FnMut(u64) -> anyhow::Result<()>) -> anyhow::Result<Rate> {
    let mut times = Histogram::<u64>::new_with_max(60_000_000, 3)?;
    let begun = Instant::now();
    let mut number = 0;
    while begun.elapsed() < Duration::from_millis(LENGTH_MS) {
        let at = Instant::now();
        write(number)?;
        times.saturating_record(u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX));
        number += 1;
    }
    Ok(Rate {
        per_second: as_f64(times.len()) / begun.elapsed().as_secs_f64(),
        p50_us: times.value_at_quantile(0.5),
        p99_us: times.value_at_quantile(0.99),
    })
}

/// Measures both. Blocks.
pub(crate) fn measure(site: &Site) -> anyhow::Result<Disk> {
    eprintln!("disk …");
    let block = [0x5a; BLOCK_BYTES];
    let mut file = OpenOptions::new().create(true).append(true).open(site.path("appended"))?;
    let fdatasync = repeat(|_| {
        file.write_all(&block)?;
        Ok(file.sync_data()?)
    })?;
    let durable = Durable::open(site.path("commits.redb"), &[TABLE])?;
    let commit = repeat(|number| {
        let batch = Batch::new().put(TABLE, number.to_be_bytes(), block);
        Ok(durable.commit_blocking(batch)?)
    })?;
    Ok(Disk { fdatasync, commit })
}
