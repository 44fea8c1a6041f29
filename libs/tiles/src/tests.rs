//! A log in memory, published into a directory or a bucket in memory.

mod check;
mod faults;
mod publishing;
mod reading;
mod serving;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bundle::{ENTRY_SCHEMA, LedgerEntry, TAG_BYTES, Tag};
use ed25519_dalek::SigningKey;
use futures::TryStreamExt as _;
use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{Checkpoint, Tree, VerifierKey, checkpoint, leaf_hash};
use object_store::{ObjectStore as _, ObjectStoreExt as _, memory::InMemory};

use crate::{Content, Reader, TileStore, Writer, disk::SystemDisk};

const ORIGIN: &str = "log.example/aibom";

/// Entries and the tree over them.
#[derive(Clone, Default)]
struct Log {
    entries: Vec<Vec<u8>>,
    tree: Tree,
    /// The entry that cannot be read, from 0.
    broken_at: Option<u64>,
}

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn key() -> VerifierKey {
    VerifierKey::new(ORIGIN, signing_key(1).verifying_key()).unwrap()
}

/// Entry `number` of the logs here.
fn entry(number: u64) -> LedgerEntry {
    LedgerEntry {
        schema: ENTRY_SCHEMA.to_owned(),
        commitment: Sha256Digest::of(&number.to_be_bytes()),
        tag: Tag::from_bytes([7; TAG_BYTES]),
        logged_at: Timestamp::from_unix_ms(1_000 + i64::try_from(number / 3).unwrap()),
    }
}

impl Log {
    fn of(size: u64) -> Self {
        let mut log = Self::default();
        log.grow(size);
        log
    }

    fn grow(&mut self, size: u64) {
        for number in self.tree.len()..size {
            self.append(canonical::to_vec(&entry(number)).unwrap());
        }
    }

    fn append(&mut self, entry: Vec<u8>) {
        self.tree.append(leaf_hash(&entry));
        self.entries.push(entry);
    }

    fn entry(&self, index: u64) -> &[u8] {
        &self.entries[usize::try_from(index).unwrap()]
    }

    fn checkpoint(&self, size: u64) -> Checkpoint {
        Checkpoint { origin: ORIGIN.to_owned(), size, root: self.tree.root_at(size).unwrap() }
    }

    fn note(&self, size: u64) -> String {
        checkpoint::sign(&self.checkpoint(size), &signing_key(1), ORIGIN).unwrap()
    }

    /// Publishes everything, as the only writer.
    async fn published(&self, store: &TileStore) -> Reader {
        let mut writer = Writer::open(store.clone(), key(), "test").await.unwrap();
        writer.publish(self, &self.note(self.tree.len())).await.unwrap();
        reader(store)
    }
}

impl Content for Log {
    fn node(&self, level: u32, index: u64) -> Option<Sha256Digest> {
        self.tree.node(level, index)
    }

    fn entries(
        &self,
        from: u64,
        count: u16,
    ) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
        let from = usize::try_from(from)?;
        let range = from..from + usize::from(count);
        if self.broken_at.is_some_and(|at| range.contains(&usize::try_from(at).unwrap())) {
            return Err("a disk that fails".into());
        }
        Ok(self.entries.get(range).ok_or("no such entries")?.to_vec())
    }
}

fn bucket() -> TileStore {
    let (objects, disk) = (Arc::new(InMemory::new()), Arc::new(SystemDisk));
    TileStore { objects, root: None, disk, place: "memory".to_owned() }
}

fn directory(path: &Path) -> TileStore {
    TileStore::create(path.to_str().unwrap()).unwrap()
}

fn reader(store: &TileStore) -> Reader {
    Reader::new(Arc::new(store.clone()))
}

/// Every file, by its path.
async fn files(store: &TileStore) -> BTreeMap<String, Vec<u8>> {
    let listed: Vec<_> = store.objects.list(None).try_collect().await.unwrap();
    let mut files = BTreeMap::new();
    for file in listed {
        let bytes = store.objects.get(&file.location).await.unwrap().bytes().await.unwrap();
        files.insert(file.location.to_string(), bytes.to_vec());
    }
    files.remove(crate::lock::LOCK_FILE);
    files
}

async fn put(store: &TileStore, path: &str, bytes: Vec<u8>) {
    store.objects.put(&path.into(), bytes.into()).await.unwrap();
}

async fn delete(store: &TileStore, path: &str) {
    store.objects.delete(&path.into()).await.unwrap();
}

/// Changes one byte of a file.
async fn spoil(store: &TileStore, path: &str, at: usize) {
    let mut bytes = files(store).await.remove(path).unwrap();
    bytes[at] ^= 1;
    put(store, path, bytes).await;
}
