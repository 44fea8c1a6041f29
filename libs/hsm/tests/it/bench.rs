//! One SoftHSM per test, in a child process that has its environment.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use hsm::{Token, TokenStore, Uri, initialise};
use keys::{Algorithm, FindKeyError, KeyId, KeyStore as _, PublicKey};
use testkit::softhsm::SoftHsm;

pub(crate) const PIN: &str = "correct-pin";
pub(crate) const SO_PIN: &str = "officer-pin";
const DIRECTORY: &str = "HSM_TEST_DIRECTORY";
/// The longest that anything here takes, generously.
const PATIENCE: Duration = Duration::from_secs(60);

/// A token with the label `mesh`, its PIN in a file.
pub(crate) struct Bench {
    pub(crate) hsm: SoftHsm,
    pub(crate) directory: PathBuf,
    pub(crate) uri: Uri,
}

/// Runs a test's body in a child process whose environment names a fresh SoftHSM. `name` is the
/// test's full name, by which the child runs that test and no other.
pub(crate) fn isolated(name: &str, body: impl FnOnce(&Bench)) {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return body(&Bench::new(Path::new(&directory)));
    }
    let directory = tempfile::tempdir().unwrap();
    let hsm = SoftHsm::create(directory.path());
    let child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .envs(hsm.environment())
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let (out, error) =
        (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    // The result's line, not the exit status: SoftHSM's own tear-down may crash a process that ends
    // while a thread still closes its sessions.
    let passed = out.contains("test result: ok. 1 passed");
    assert!(passed, "{out}\n{error}\n{:?}, calls: {:#?}", child.status, hsm.calls());
}

impl Bench {
    fn new(directory: &Path) -> Self {
        let hsm = SoftHsm::at(directory);
        let uri = initialise(&hsm.module(), None, "mesh", SO_PIN, PIN).unwrap();
        let uri = Uri { pin_source: Some(directory.join("pin")), ..uri };
        let bench = Self { hsm, directory: directory.to_owned(), uri };
        bench.write_pin(PIN);
        bench
    }

    pub(crate) fn write_pin(&self, pin: &str) {
        keys::write_secret(&self.directory.join("pin"), &format!("{pin}\n")).unwrap();
    }

    pub(crate) fn generate(&self, algorithm: Algorithm, label: &str) -> PublicKey {
        Token::open(&self.uri).unwrap().generate(algorithm, label).unwrap()
    }

    pub(crate) fn store(&self) -> TokenStore {
        TokenStore::new(self.uri.clone(), None).unwrap()
    }

    pub(crate) fn state_file(&self) -> PathBuf {
        self.directory.join("pin-state")
    }
}

/// Waits until a condition holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// Why the store is away, once it is.
pub(crate) fn away(store: &TokenStore) -> String {
    let mut reason = String::new();
    until("the store is away", || match store.ready() {
        Err(error @ FindKeyError::Away { .. }) => {
            reason = error.to_string();
            !reason.contains("being opened")
        }
        _ => false,
    });
    reason
}

/// Signs with the key and checks the signature.
pub(crate) fn sign(store: &TokenStore, key_id: KeyId, message: &[u8]) -> Result<(), String> {
    let key = store.find(key_id).map_err(|error| error.to_string())?;
    let signature = key.sign(message).map_err(|error| error.to_string())?;
    key.public_key().verify(message, &signature).map_err(|error| error.to_string())
}
