//! Another history of a mesh's log, by whoever has the ledger's key and those of its witnesses.

use std::path::Path;

use anyhow::Context as _;
use bundle::LedgerEntry;
use e2e::Mesh;
use evidence::TrustRoot;
use ids::{Sha256Digest, canonical};
use keys::FileKey;
use merkle::{Checkpoint, VerifierKey, checkpoint, tile::decode_entries};
use testkit::log::Log;
use tiles::{TileStore, Writer};

/// A history.
pub(crate) struct Forged {
    log: Log,
    head: Checkpoint,
    key: FileKey,
    verifier: VerifierKey,
}

impl Forged {
    /// The log in `tiles`, of fewer than 256 entries, with another document in its last place.
    pub(crate) fn of(mesh: &Mesh, tiles: &Path) -> anyhow::Result<Self> {
        let root = TrustRoot::parse(&std::fs::read(mesh.trust_root())?)?;
        let verifier: VerifierKey = root.ledger_key.parse()?;
        let note = std::fs::read_to_string(tiles.join("checkpoint"))?;
        let honest = checkpoint::verify(&note, &verifier)?;
        let bundle = tiles.join(format!("tile/entries/000.p/{}", honest.size));
        let bytes = std::fs::read(&bundle).with_context(|| bundle.display().to_string())?;
        let entries = decode_entries(&bytes, u16::try_from(honest.size)?)?;
        let mut entries: Vec<_> = entries.into_iter().map(<[u8]>::to_vec).collect();
        let last = entries.last_mut().context("an entry")?;
        let mut entry = LedgerEntry::parse(last).map_err(anyhow::Error::msg)?;
        entry.commitment = Sha256Digest::of(b"another document");
        *last = canonical::to_vec(&entry)?;
        let log = Log::new(entries);
        let head = Checkpoint { root: log.tree.root(), ..honest };
        let key = FileKey::load(&mesh.directory().join("certs/ledger.key.pem"))?;
        Ok(Self { log, head, key, verifier })
    }

    /// How many entries it has.
    pub(crate) const fn size(&self) -> u64 {
        self.head.size
    }

    /// Its checkpoint, signed by the log.
    pub(crate) fn note(&self) -> anyhow::Result<String> {
        let key = self.key.as_ed25519().context("an Ed25519 key")?;
        Ok(checkpoint::sign(&self.head, key, self.verifier.name())?)
    }

    /// Publishes it in the new directory `folder`, cosigned by the witnesses of these names and keys.
    pub(crate) fn publish(&self, folder: &Path, witnesses: &[(&str, &Path)]) -> anyhow::Result<()> {
        let mut note = self.note()?;
        let now = std::time::UNIX_EPOCH.elapsed()?.as_secs();
        for (name, key) in witnesses {
            let key = FileKey::load(key)?;
            let key = key.as_ed25519().context("an Ed25519 key")?;
            note += &checkpoint::cosign(&self.head, key, name, now)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let store = TileStore::create(&folder.to_string_lossy())?;
            let mut writer = Writer::open(store, self.verifier.clone(), "another").await?;
            writer.publish(&self.log, &note).await?;
            Ok(())
        })
    }
}
