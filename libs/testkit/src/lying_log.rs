//! A log that lies: one honest history, and what a dishonest log would show in its place. For tests of
//! those who must notice: verifiers, monitors and witnesses.

use ::bundle::{ENTRY_SCHEMA, Inclusion, LedgerEntry, SALT_BYTES, Tag, commitment};
use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{Checkpoint, TlogProof, Tree, checkpoint, leaf_hash};

use crate::mesh::Mesh;

/// How many entries everybody has seen when the lie is told.
pub const SEEN: u64 = 6;
/// How many entries the honest log has by then.
pub const WHOLE: u64 = 9;
/// The monitor key that tags every entry.
pub const MONITOR_KEY: [u8; 32] = [8; 32];

/// A lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// An older state than was shown before.
    RolledBack,
    /// Another tree of the size that was shown before.
    Forked,
    /// A larger tree without one of the entries that were shown before.
    Dropped,
    /// A larger tree with another entry in the place of one that was shown before.
    Rewritten,
    /// The honest checkpoint, with an entry that is not the one under it.
    Swapped,
    /// A checkpoint by another key of the same name.
    OtherKey,
    /// A checkpoint by the right key over a root that no entries lead to.
    WrongRoot,
    /// What was shown before, long after the log has grown.
    Stale,
}

impl Lie {
    /// Every lie.
    pub const ALL: [Self; 8] = [
        Self::RolledBack,
        Self::Forked,
        Self::Dropped,
        Self::Rewritten,
        Self::Swapped,
        Self::OtherKey,
        Self::WrongRoot,
        Self::Stale,
    ];

    /// The place of an entry that the lie is about.
    #[must_use]
    pub const fn about(self) -> u64 {
        match self {
            Self::RolledBack => 4,
            Self::Swapped | Self::Stale => 7,
            Self::Forked | Self::Dropped | Self::Rewritten | Self::OtherKey | Self::WrongRoot => 2,
        }
    }
}

/// What a log shows.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its checkpoint.
    pub note: String,
    /// The entries that it serves.
    pub entries: Vec<Vec<u8>>,
    /// The tree that its proofs come from.
    pub tree: Tree,
}

impl Shown {
    /// The proof from an older tree, as well as this log can make it.
    #[must_use]
    pub fn consistency(&self, old: u64) -> Vec<Sha256Digest> {
        self.tree.consistency(old, self.tree.len()).unwrap_or_default()
    }
}

/// An honest history of [`WHOLE`] entries, and the keys to lie about it.
#[derive(Debug)]
pub struct LyingLog<'a> {
    mesh: &'a Mesh,
    entries: Vec<Vec<u8>>,
    began: Timestamp,
}

fn salt() -> Vec<u8> {
    vec![9; SALT_BYTES]
}

fn entry(document: &[u8], logged_at: Timestamp) -> Vec<u8> {
    let (schema, commitment) = (ENTRY_SCHEMA.to_owned(), commitment(&salt(), document));
    let tag = Tag::of(&MONITOR_KEY, &commitment);
    canonical::to_vec(&LedgerEntry { schema, commitment, tag, logged_at }).unwrap()
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.unix_ms() / 1000).unwrap()
}

impl<'a> LyingLog<'a> {
    /// A log of `mesh` that took a document each second from `began` on; `document` is entry `index`.
    #[must_use]
    pub fn new(mesh: &'a Mesh, document: &[u8], index: u64, began: Timestamp) -> Self {
        let mut log = Self { mesh, entries: Vec::new(), began };
        for number in 0..WHOLE {
            let other = format!("document {number}");
            let document = if number == index { document } else { other.as_bytes() };
            log.entries.push(entry(document, log.at(number)));
        }
        log
    }

    /// When entry `number` was taken.
    #[must_use]
    pub fn at(&self, number: u64) -> Timestamp {
        self.began.plus_ms(1_000 * i64::try_from(number).unwrap())
    }

    /// What an honest log shows when it has `size` entries: its witness has cosigned it.
    #[must_use]
    pub fn honest(&self, size: u64) -> Shown {
        self.show(self.first(size), true)
    }

    fn first(&self, size: u64) -> Vec<Vec<u8>> {
        self.entries[..usize::try_from(size).unwrap()].to_vec()
    }

    /// What the log shows instead. Its witness cosigns only what it has cosigned in honest times, or
    /// everything where the two `collude`.
    #[must_use]
    pub fn tell(&self, lie: Lie, collude: bool) -> Shown {
        let about = usize::try_from(lie.about()).unwrap();
        let mut entries = self.first(WHOLE);
        match lie {
            Lie::RolledBack => return self.honest(3),
            Lie::Stale => return self.honest(SEEN),
            Lie::Forked => {
                entries = self.first(SEEN);
                entries[5] = entry(b"another document", self.at(5));
            }
            Lie::Dropped => drop(entries.remove(about)),
            Lie::Rewritten => entries[3] = entry(b"another document", self.at(3)),
            Lie::Swapped => {
                let mut shown = self.honest(WHOLE);
                // The same document, a little earlier.
                let text = String::from_utf8(shown.entries[about].clone()).unwrap();
                let (was, is) = (self.at(lie.about()), self.at(lie.about() - 1));
                let text = text.replace(&was.to_string(), &is.to_string());
                shown.entries[about] = text.into_bytes();
                return shown;
            }
            Lie::OtherKey => {
                let honest = self.honest(WHOLE);
                let key = ed25519_dalek::SigningKey::from_bytes(&[99; 32]);
                return Shown { note: self.note(&honest.tree.root(), WHOLE, &key, true), ..honest };
            }
            Lie::WrongRoot => {
                let honest = self.honest(WHOLE);
                let (root, key) = (leaf_hash(b"no entries at all"), self.mesh.ledger_key());
                return Shown { note: self.note(&root, WHOLE, &key, collude), ..honest };
            }
        }
        self.show(entries, collude)
    }

    fn show(&self, entries: Vec<Vec<u8>>, cosigned: bool) -> Shown {
        let tree: Tree = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let note = self.note(&tree.root(), tree.len(), &self.mesh.ledger_key(), cosigned);
        Shown { note, entries, tree }
    }

    fn note(
        &self,
        root: &Sha256Digest,
        size: u64,
        key: &ed25519_dalek::SigningKey,
        cosigned: bool,
    ) -> String {
        let name = self.mesh.ledger_verifier_key().name().to_owned();
        let head = Checkpoint { origin: name.clone(), size, root: *root };
        let mut note = checkpoint::sign(&head, key, &name).unwrap();
        if cosigned {
            let (witness, time) = (self.mesh.witness_cosigner_key(), seconds(self.at(size)));
            let line = checkpoint::cosign(&head, &self.mesh.witness_key(), witness.name(), time);
            note.push_str(&line.unwrap());
        }
        note
    }

    /// What the log would put into a bundle: the best proof that it has of entry `index` under what
    /// it shows.
    #[must_use]
    pub fn inclusion(&self, shown: &Shown, index: u64) -> Inclusion {
        let place = usize::try_from(index).unwrap();
        let honest = self.entries[place].clone();
        let entry = shown.entries.get(place).filter(|entry| commits_as(entry, &honest));
        let hashes = shown.tree.inclusion(index, shown.tree.len()).unwrap_or_default();
        let checkpoint = shown.note.clone();
        let proof = TlogProof { extra: None, index, hashes, checkpoint }.to_string();
        Inclusion { salt: salt(), entry: entry.unwrap_or(&honest).clone(), proof }
    }
}

/// Whether both entries are about one document.
fn commits_as(one: &[u8], other: &[u8]) -> bool {
    let of = |bytes: &[u8]| LedgerEntry::parse(bytes).unwrap().commitment;
    of(one) == of(other)
}
