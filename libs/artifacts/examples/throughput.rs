//! How fast bytes become an artifact, beside what hashing alone costs, in one run.
//!
//! `cargo run --release -p artifacts --example throughput -- [DIR] [MIB]`
#![expect(clippy::print_stdout, reason = "a measurement, not a service")]

use std::{error::Error, path::PathBuf, time::Instant};

use artifacts::{ArtifactStore, Limits, StoreConfig, UploadId};
use bytes::Bytes;
use futures::StreamExt as _;
use ids::{Digests, Hasher, Sha256Digest};
use sha2::{Digest as _, Sha256};

const CHUNK_BYTES: usize = 256 * 1024;
const MIB: u64 = 1024 * 1024;

struct Timer(Instant, u64);

impl Timer {
    fn start(bytes: u64) -> Self {
        Self(Instant::now(), bytes)
    }

    #[expect(clippy::cast_precision_loss, reason = "three digits are printed")]
    fn print(&self, what: &str) {
        let seconds = self.0.elapsed().as_secs_f64();
        println!("{what:<44} {:6.2} GB/s  {seconds:6.2} s", self.1 as f64 / seconds / 1e9);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let size = arguments.next().map_or(Ok(1024), |text| text.parse())? * MIB;
    let directory = directory.join(format!("artifacts-throughput-{}", std::process::id()));
    let measured = measure(&directory, size).await;
    std::fs::remove_dir_all(&directory)?;
    measured
}

async fn measure(directory: &std::path::Path, size: u64) -> Result<(), Box<dyn Error>> {
    let store = ArtifactStore::open(&StoreConfig {
        url: directory.join("store").to_string_lossy().into_owned(),
        staging_dir: directory.join("staging"),
        limits: Limits::default(),
    })?;
    // One chunk of noise, told apart by a counter that is stamped into copies of it.
    let noise: Vec<u8> = (0..CHUNK_BYTES).map(|at| ((at * 7919) >> 3).to_le_bytes()[0]).collect();
    let chunk = |number: u64| {
        let mut chunk = noise.clone();
        chunk[..8].copy_from_slice(&number.to_le_bytes());
        Bytes::from(chunk)
    };
    let chunks = size / CHUNK_BYTES as u64;

    let timer = Timer::start(size);
    let mut sha256 = Sha256::new();
    (0..chunks).for_each(|number| sha256.update(chunk(number)));
    let expected = Sha256Digest::from_bytes(sha256.finalize().into());
    timer.print("SHA-256 alone, one thread");

    let timer = Timer::start(size);
    let mut hasher = Hasher::new();
    (0..chunks).for_each(|number| hasher.update(&chunk(number)));
    let digests: Digests = hasher.finish();
    timer.print("SHA-256 and SHA-512 alone, one thread");

    let whole = Timer::start(size);
    let mut upload = store.begin(UploadId(uuid::Uuid::from_u128(1)), expected, size).await?;
    for number in 0..chunks {
        upload.write(chunk(number)).await?;
    }
    Timer(whole.0, size).print("begin, write (both digests)");
    let timer = Timer::start(size);
    let stored = upload.finish().await?;
    timer.print("finish (verify, sync, publish)");
    whole.print("begin, write, finish: durable");
    assert_eq!(stored.digests, digests);

    let timer = Timer::start(size);
    let (_, mut download) = store.read(&expected, 0).await?;
    while let Some(chunk) = download.next().await {
        std::hint::black_box(chunk?);
    }
    timer.print("read");
    let timer = Timer::start(size);
    let (_, mut download) = store.read_verified(&expected).await?;
    while let Some(chunk) = download.next().await {
        std::hint::black_box(chunk?);
    }
    timer.print("read_verified");
    let timer = Timer::start(size);
    store.rehash(&expected).await?;
    timer.print("rehash (both digests)");
    Ok(())
}
