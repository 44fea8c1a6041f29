//! What a commit costs and how often it syncs the disk: run it under `strace` (ADR 0001).
//!
//! `syncs redb DIR`, `syncs group DIR` and `syncs sled DIR` each make 500 (group: 8,192) writes.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, not a service")]

use std::{path::Path, time::Instant};

use store::{Batch, Durable};

const WRITES: u32 = 500;
const WRITERS: u32 = 256;
const ROUNDS: u32 = 32;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(what), Some(directory)) = (arguments.next(), arguments.next()) else {
        println!("usage: syncs redb|group|sled DIR");
        return;
    };
    let directory = Path::new(&directory);
    let begun = Instant::now();
    let writes = match what.as_str() {
        "redb" => one_by_one(directory),
        "group" => in_groups(directory),
        _ => sled_flushes(directory),
    };
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{what}: {writes} writes in {seconds:.3} s, {:.0} a second",
        f64::from(writes) / seconds
    );
}

fn one_by_one(directory: &Path) -> u32 {
    let store = Durable::open(directory.join("syncs.redb"), &["t"]).unwrap();
    for number in 0..WRITES {
        store.commit_blocking(Batch::new().put("t", number.to_be_bytes(), vec![7; 512])).unwrap();
    }
    println!("{:?}", store.stats());
    WRITES
}

fn in_groups(directory: &Path) -> u32 {
    let store = Durable::open(directory.join("syncs.redb"), &["t"]).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for round in 0..ROUNDS {
                        let key = [writer.to_be_bytes(), round.to_be_bytes()].concat();
                        store.commit(Batch::new().create("t", key, vec![7; 512])).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    println!("{:?}", store.stats());
    WRITERS * ROUNDS
}

fn sled_flushes(directory: &Path) -> u32 {
    let database = sled::open(directory.join("sled")).unwrap();
    for number in 0..WRITES {
        database.insert(number.to_be_bytes(), vec![7; 512]).unwrap();
        database.flush().unwrap();
    }
    WRITES
}
