//! A log of entries that stand for nothing, published as static files.

use std::path::Path;

use ::bundle::{ENTRY_SCHEMA, LedgerEntry, TAG_BYTES, Tag};
use ed25519_dalek::SigningKey;
use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{Checkpoint, Tree, VerifierKey, checkpoint, leaf_hash};
use tiles::{Content, TileStore, Writer};

/// Entries and the tree over them.
#[derive(Debug, Clone)]
pub struct Log {
    /// The entries.
    pub entries: Vec<Vec<u8>>,
    /// The tree; one that the entries do not lead to makes a log that lies.
    pub tree: Tree,
}

fn entry(number: u64, history: u8) -> Vec<u8> {
    let entry = LedgerEntry {
        schema: ENTRY_SCHEMA.to_owned(),
        commitment: Sha256Digest::of(&[&number.to_be_bytes()[..], &[history]].concat()),
        tag: Tag::from_bytes([7; TAG_BYTES]),
        logged_at: Timestamp::from_unix_ms(1_700_000_000_000),
    };
    canonical::to_vec(&entry).unwrap()
}

impl Log {
    /// A log of these entries.
    #[must_use]
    pub fn new(entries: Vec<Vec<u8>>) -> Self {
        let tree = entries.iter().map(|entry| leaf_hash(entry)).collect();
        Self { entries, tree }
    }

    /// A log of `size` entries; one of another `history` has none of them.
    #[must_use]
    pub fn of(size: u64, history: u8) -> Self {
        Self::new((0..size).map(|number| entry(number, history)).collect())
    }

    /// A log of `size` entries, of which the first `fork` are of one `history` and the others of another.
    #[must_use]
    pub fn forked(size: u64, fork: u64, [history, another]: [u8; 2]) -> Self {
        let history = |number| if number < fork { history } else { another };
        Self::new((0..size).map(|number| entry(number, history(number))).collect())
    }

    /// What the log called `origin` says of the first `size` entries.
    #[must_use]
    pub fn checkpoint(&self, size: u64, origin: &str) -> Checkpoint {
        let root = self.tree.root_at(size).unwrap();
        Checkpoint { origin: origin.to_owned(), size, root }
    }

    /// The same, signed.
    #[must_use]
    pub fn note(&self, size: u64, signer: &SigningKey, origin: &str) -> String {
        checkpoint::sign(&self.checkpoint(size, origin), signer, origin).unwrap()
    }

    /// Publishes the first `size` entries in `folder`.
    pub async fn publish(&self, folder: &Path, size: u64, signer: &SigningKey, origin: &str) {
        let key = VerifierKey::new(origin, signer.verifying_key()).unwrap();
        let store = TileStore::create(folder.to_str().unwrap()).unwrap();
        let mut writer = Writer::open(store, key, "test").await.unwrap();
        writer.publish(self, &self.note(size, signer, origin)).await.unwrap();
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
        Ok(self.entries.get(from..from + usize::from(count)).ok_or("no such entries")?.to_vec())
    }
}
