//! Bare logs: a thread that hashes, writes and syncs. No signature, no index, no check.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{
    Tree, leaf_hash,
    tile::{bundles_between, encode_entries, tiles_between},
};
use tokio::sync::{mpsc, oneshot};

/// What is synced before an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The log, after each entry.
    EachEntry,
    /// The log, after each group.
    Log,
    /// Every tile and entry bundle that the group changed, and the checkpoint; no log.
    Tiles,
}

type Request = (Vec<u8>, oneshot::Sender<(u64, Vec<Sha256Digest>)>);

pub(crate) struct Prototype {
    queue: mpsc::Sender<Request>,
}

pub(crate) fn entry(number: u64) -> Vec<u8> {
    let entry = bundle::LedgerEntry {
        schema: bundle::ENTRY_SCHEMA.to_owned(),
        commitment: Sha256Digest::of(&number.to_be_bytes()),
        tag: bundle::Tag::from_bytes([7; 16]),
        logged_at: Timestamp::from_unix_ms(1_700_000_000_000),
    };
    canonical::rewrite(&entry).unwrap()
}

impl Prototype {
    pub(crate) fn start(directory: &Path, durability: Durability) -> Self {
        let (queue, mut receiver) = mpsc::channel::<Request>(4096);
        let directory = directory.to_owned();
        std::thread::spawn(move || {
            let mut log = Log::new(directory);
            while let Some(first) = receiver.blocking_recv() {
                let mut group = vec![first];
                while durability != Durability::EachEntry && group.len() < 1024 {
                    let Ok(next) = receiver.try_recv() else { break };
                    group.push(next);
                }
                log.append(&group, durability);
                let size = log.tree.len();
                for (index, (_, answer)) in (size - group.len() as u64..).zip(group) {
                    let _gone = answer.send((index, log.tree.inclusion(index, size).unwrap()));
                }
            }
        });
        Self { queue }
    }

    pub(crate) fn append(&self, number: u64) -> impl Future<Output = ()> + Send + use<> {
        let queue = self.queue.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            queue.send((entry(number), answer)).await.unwrap();
            answered.await.unwrap();
        }
    }
}

struct Log {
    directory: PathBuf,
    file: File,
    tree: Tree,
    entries: Vec<Vec<u8>>,
}

impl Log {
    fn new(directory: PathBuf) -> Self {
        let path = directory.join("log");
        let file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        Self { directory, file, tree: Tree::new(), entries: Vec::new() }
    }

    fn append(&mut self, group: &[Request], durability: Durability) {
        let old = self.tree.len();
        for (entry, _) in group {
            self.tree.append(leaf_hash(entry));
        }
        if durability != Durability::Tiles {
            let record = encode_entries(group.iter().map(|(entry, _)| entry)).unwrap();
            self.file.write_all(&record).unwrap();
            self.file.sync_data().unwrap();
            return;
        }
        self.entries.extend(group.iter().map(|(entry, _)| entry.clone()));
        let new = self.tree.len();
        for bundle in bundles_between(old, new) {
            let from = usize::try_from(bundle.first_entry()).unwrap();
            let entries = &self.entries[from..from + usize::from(bundle.width())];
            self.put(&bundle.to_string(), &encode_entries(entries).unwrap());
        }
        for tile in tiles_between(old, new) {
            let nodes = tile.nodes().map(|(level, index)| self.tree.node(level, index).unwrap());
            self.put(&tile.to_string(), &merkle::tile::Tile::encode(&nodes.collect::<Vec<_>>()));
        }
        self.put("checkpoint.new", format!("log\n{new}\n{}\n", self.tree.root()).as_bytes());
        std::fs::rename(self.directory.join("checkpoint.new"), self.directory.join("checkpoint"))
            .unwrap();
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.directory.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = File::create(path).unwrap();
        file.write_all(bytes).unwrap();
        file.sync_data().unwrap();
    }
}
