//! The ledger beside what it is held against, on one disk in one run; see docs/benchmarks.md.
//!
//! `throughput <directory> [seconds] [entries]`: each measurement takes that many seconds (5); the
//! start is measured with that many entries (1,000,000; 0: not at all).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement says what it found, or stops"
)]

mod drive;
#[path = "../../tests/it/mesh.rs"]
mod mesh;
mod ours;
mod proofs;
mod prototype;
mod storage;

use std::{path::PathBuf, time::Duration};

use drive::Figures;
use prototype::{Durability, Prototype};

fn main() {
    rpc::install_crypto();
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().unwrap());
    let seconds = arguments.next().map_or(5, |text| text.parse().unwrap());
    let entries = arguments.next().map_or(1_000_000, |text| text.parse().unwrap());
    std::fs::create_dir_all(&directory).unwrap();
    let life = Duration::from_secs(seconds);
    let begun_again = std::env::var_os("THROUGHPUT_START").is_some();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if begun_again {
        return runtime.block_on(ours::start(&directory, entries));
    }
    runtime.block_on(measure(&directory, life, entries));
}

async fn measure(directory: &std::path::Path, life: Duration, entries: u64) {
    let fresh = |name: &str| {
        let path = directory.join(name);
        let _absent = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        path
    };
    println!("{}", Figures::TITLE);
    println!("{}", storage::syncs(&fresh("fsync"), life).row("(a) append + fdatasync, alone"));
    let prototype = async |name: &str, durability| {
        let prototype = Prototype::start(&fresh(name), durability);
        drive::drive(64, life, move |number| prototype.append(number)).await
    };
    println!("{}", prototype("naive", Durability::EachEntry).await.row("(b) fsync for each entry"));
    let rounds = 2;
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        println!("{}", prototype("wal", Durability::Log).await.row("(c) bare: one log"));
        let tiles = prototype("tiles", Durability::Tiles).await;
        println!("{}", tiles.row("(d) bare: every tile fsynced"));
        let log = ours::in_process(&fresh("ours"), life, true).await;
        println!("{}", log.row("(e) ours, in process, publishing"));
        let quiet = ours::in_process(&fresh("quiet"), life, false).await;
        println!("{}", quiet.row("(e) ours, in process, not publishing"));
        println!("{}", ours::over_mtls(life).await.row("(f) ours, gRPC over mTLS"));
        println!("(e)/(d): {:.0} %", 100.0 * log.rate() / tiles.rate());
        bare.push(tiles.rate());
        ours.push(log.rate());
    }
    let total = |rates: &[f64]| rates.iter().sum::<f64>();
    println!("(e)/(d) over both rounds: {:.0} %", 100.0 * total(&ours) / total(&bare));
    proofs::measure();
    storage::layouts(&fresh("layouts"), life);
    if entries > 0 {
        ours::start(&fresh("start"), entries).await;
    }
}
