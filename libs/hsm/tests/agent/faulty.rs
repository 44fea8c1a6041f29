//! `FaultyStore`: two keys in memory, and every fault of a module, asked for by the message.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use keys::{FileKey, FindKeyError, KeyId, KeyStore, PublicKey, SignError, SigningKey};

/// Names the directory in which the test and the agent process leave each other signs.
pub(crate) const DIRECTORY: &str = "FAULTY_STORE_DIRECTORY";
/// While this file is there, the store is away for the reason in it.
pub(crate) const AWAY: &str = "away";
/// Once this file is there, messages that begin with `gate` are signed.
pub(crate) const GATE: &str = "gate";

fn file_keys() -> [FileKey; 2] {
    let pems = [keys::generate_ed25519(&[7; 32]), keys::generate_p256(&[7; 32])];
    pems.map(|pem| FileKey::from_pem(&pem.unwrap()).unwrap())
}

pub(crate) fn key_ids() -> [KeyId; 2] {
    file_keys().map(|key| key.public_key().key_id())
}

/// The agent process.
pub(crate) fn serve() {
    let stream = hsm::agent::inherited().unwrap();
    let _ = hsm::agent::serve(stream, || Ok(FaultyStore::open()));
    hsm::agent::end_process();
}

#[derive(Debug)]
pub(crate) struct FaultyStore {
    directory: PathBuf,
    keys: [Arc<FaultyKey>; 2],
}

impl FaultyStore {
    pub(crate) fn open() -> Arc<dyn KeyStore> {
        let directory = PathBuf::from(std::env::var_os(DIRECTORY).unwrap_or_default());
        let key = |key| Arc::new(FaultyKey { key, directory: directory.clone() });
        let keys = file_keys().map(key);
        Arc::new(Self { directory, keys })
    }
}

impl KeyStore for FaultyStore {
    fn find(&self, key_id: KeyId) -> Result<Arc<dyn SigningKey>, FindKeyError> {
        match self.keys.iter().find(|key| key.public_key().key_id() == key_id) {
            Some(key) => Ok(Arc::<FaultyKey>::clone(key)),
            None => Err(FindKeyError::Missing { key_id, store: "faulty".to_owned() }),
        }
    }

    fn ready(&self) -> Result<(), FindKeyError> {
        match std::fs::read_to_string(self.directory.join(AWAY)) {
            Ok(reason) => Err(FindKeyError::Away { store: "faulty".to_owned(), reason }),
            Err(_) => Ok(()),
        }
    }
}

#[derive(Debug)]
struct FaultyKey {
    key: FileKey,
    directory: PathBuf,
}

impl SigningKey for FaultyKey {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut signature = self.key.sign(message)?;
        match message {
            b"hang" => loop {
                thread::park();
            },
            b"crash" => std::process::abort(),
            b"flip" => signature[40] ^= 1,
            b"empty" => signature = vec![0],
            b"other" => signature = self.key.sign(b"another message")?,
            b"fail" => {
                let reason = "CKR_DEVICE_ERROR".to_owned();
                return Err(SignError { key_id: self.key.public_key().key_id(), reason });
            }
            b"gate" => {
                let thread = format!("waiting-{:?}", thread::current().id());
                std::fs::write(self.directory.join(thread), "").unwrap();
                while !self.directory.join(GATE).exists() {
                    thread::park_timeout(Duration::from_millis(5));
                }
            }
            _ => {}
        }
        Ok(signature)
    }
}
