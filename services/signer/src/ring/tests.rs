//! Which key signs, through rotation, revocation and a store that lacks or loses keys.

use testkit::{evidence::Fixture, mesh::Mesh};

use super::*;

/// A store in memory.
#[derive(Debug, Default)]
pub(crate) struct Store {
    keys: Vec<(KeyUse, Arc<dyn SigningKey>)>,
    away: bool,
}

impl Store {
    pub(crate) fn of(mesh: &Mesh) -> Self {
        let keys: Vec<(KeyUse, Arc<dyn SigningKey>)> = vec![
            (KeyUse::Aibom, Arc::new(mesh.platform_key())),
            (KeyUse::Model, Arc::new(mesh.model_key())),
            (KeyUse::Layout, Arc::new(mesh.layout_key())),
        ];
        Self { keys, away: false }
    }

    pub(crate) fn spoil(
        &mut self,
        usage: KeyUse,
        with: impl Fn(Arc<dyn SigningKey>) -> Arc<dyn SigningKey>,
    ) {
        for (of, key) in &mut self.keys {
            if *of == usage {
                *key = with(Arc::clone(key));
            }
        }
    }
}

impl KeyStore for Store {
    fn find(&self, key_id: KeyId) -> Result<Arc<dyn SigningKey>, FindKeyError> {
        self.ready()?;
        let found = self.keys.iter().find(|(_, key)| key.public_key().key_id() == key_id);
        let missing = || FindKeyError::Missing { key_id, store: "memory".to_owned() };
        found.map(|(_, key)| Arc::clone(key)).ok_or_else(missing)
    }

    fn ready(&self) -> Result<(), FindKeyError> {
        if self.away {
            let (store, reason) = ("memory".to_owned(), "unplugged".to_owned());
            return Err(FindKeyError::Away { store, reason });
        }
        Ok(())
    }
}

fn new_key() -> keys::FileKey {
    keys::FileKey::from_pem(&keys::generate_ed25519(&[3; 32]).unwrap()).unwrap()
}

/// The fixture's root with a second AIBoM key from `at` on.
fn rotated(fixture: &Fixture, at: Timestamp) -> TrustRoot {
    let mut root = fixture.trust_root();
    let mut entry = root.signing_keys[0].clone();
    entry.public_key = new_key().public_key().to_pem();
    entry.valid_from = at;
    root.signing_keys.push(entry);
    root
}

fn signs(ring: &Ring, root: &TrustRoot, at: Timestamp) -> KeyId {
    ring.keys(root, at).unwrap().aibom.public_key().key_id()
}

#[test]
fn a_new_key_takes_over_at_its_time_and_once_it_is_there() {
    let fixture = Fixture::new();
    let (at, old) = (fixture.at(), fixture.mesh().platform_key().public_key().key_id());
    let root = rotated(&fixture, at);
    let without = Ring::new(Arc::new(Store::of(fixture.mesh())));
    assert_eq!(signs(&without, &root, at), old, "the store does not have the new one yet");

    let mut store = Store::of(fixture.mesh());
    store.keys.push((KeyUse::Aibom, Arc::new(new_key())));
    let ring = Ring::new(Arc::new(store));
    assert_eq!(signs(&ring, &root, at.plus_ms(-1)), old);
    assert_eq!(signs(&ring, &root, at), new_key().public_key().key_id());
}

#[test]
fn a_revoked_or_ended_key_does_not_sign() {
    let fixture = Fixture::new();
    let at = fixture.at();
    let ring = Ring::new(Arc::new(Store::of(fixture.mesh())));
    let mut root = fixture.trust_root();
    root.signing_keys[1].revoked =
        Some(evidence::Revocation { since: at, reason: "stolen".to_owned() });
    assert!(ring.keys(&root, at.plus_ms(-1)).is_ok());
    let error = ring.keys(&root, at).unwrap_err();
    assert!(matches!(error, RingError::NoneNamed { usage: KeyUse::Model, .. }), "{error}");

    let mut root = fixture.trust_root();
    root.signing_keys[2].valid_until = at.plus_ms(-1);
    let error = ring.keys(&root, at).unwrap_err();
    assert!(matches!(error, RingError::NoneNamed { usage: KeyUse::Layout, .. }), "{error}");
}

#[test]
fn a_store_without_the_key_or_away_is_told_apart() {
    let fixture = Fixture::new();
    let at = fixture.at();
    let empty = Ring::new(Arc::new(Store::default()));
    let error = empty.ready(&fixture.trust_root(), at).unwrap_err();
    assert!(matches!(error, RingError::Missing { usage: KeyUse::Aibom, .. }), "{error}");
    let away = Ring::new(Arc::new(Store { away: true, ..Store::of(fixture.mesh()) }));
    let error = away.ready(&fixture.trust_root(), at).unwrap_err();
    assert!(matches!(error, RingError::Away(_)) && error.to_string().contains("unplugged"));
}
