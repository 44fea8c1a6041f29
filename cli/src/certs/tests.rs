//! A mesh is made once, its identities hold, and its secrets stay with their owner.

use std::os::unix::fs::PermissionsExt as _;

use super::{authority::*, duration::milliseconds, store::make_private};
use crate::{
    failure::Failure,
    keys::{KEY_TTL_MS, NewMesh, ROOT_KEY_FILE, Store},
};
use evidence::{Environment, TrustRoot};
use ids::Role;

/// Makes a mesh with its keys in `dir/keys`.
fn init(dir: &std::path::Path, trust_domain: &str) -> Result<TrustRoot, Failure> {
    super::init(NewMesh {
        directory: dir,
        trust_domain,
        environment: Environment::Test,
        store: &Store::below(dir),
        token_so_pin: None,
        lifetime_ms: KEY_TTL_MS,
        passphrase: None,
    })
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_mesh_is_made_once_and_its_secrets_are_the_owners() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("certs");
    init(&dir, "mesh.test").unwrap();
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(std::fs::read_to_string(dir.join(".gitignore")).unwrap(), "*\n");
    for secret in ["ca.key.pem", ROOT_KEY_FILE, LEDGER_KEY_FILE, "witness.key.pem"] {
        assert_eq!(mode(&dir.join(secret)), 0o600, "{secret}");
    }
    assert_eq!(mode(&dir.join("keys")), 0o700);
    for key in std::fs::read_dir(dir.join("keys")).unwrap() {
        let path = key.unwrap().path();
        assert!(path.ends_with(".gitignore") || mode(&path) == 0o600, "{path:?}");
    }
    let root = TrustRoot::parse(&std::fs::read(dir.join(TRUST_ROOT_FILE)).unwrap()).unwrap();
    assert_eq!(root.trust_domain, "mesh.test");
    assert_eq!(root.ledger().unwrap().name(), "mesh.test/ledger");
    let again = init(&dir, "mesh.test").unwrap_err();
    assert_eq!(again.exit().code(), 2);
    assert!(again.to_string().contains("exists already"), "{again}");
}

#[test]
fn a_making_that_was_cut_short_is_repeated() {
    const WRITTEN: [&str; 6] = [
        "trust-root.json.init",
        "ca.key.pem",
        "ca.pem",
        "keys/aibom-00000000.key.pem",
        LEDGER_KEY_FILE,
        ROOT_KEY_FILE,
    ];
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole");
    init(&whole, "mesh.test").unwrap();
    let key = ::keys::generate_ed25519(&[7; 32]).unwrap();
    for cut in 1..=WRITTEN.len() {
        let dir = directory.path().join(cut.to_string());
        std::fs::create_dir_all(dir.join("keys")).unwrap();
        for name in &WRITTEN[..cut] {
            let old = std::fs::read(whole.join(name));
            std::fs::write(dir.join(name), old.unwrap_or_else(|_| key.as_bytes().to_vec()))
                .unwrap();
            ::keys::write_secret(&dir.join("keys/left.key.pem"), &key).unwrap();
        }
        assert!(!is_initialised(&dir));
        let root = init(&dir, "mesh.test").unwrap();
        assert!(is_initialised(&dir) && !dir.join("trust-root.json.init").exists());
        let root_key = ::keys::FileKey::load(&dir.join(ROOT_KEY_FILE)).unwrap();
        let named = ::keys::SigningKey::public_key(&root_key).to_pem();
        assert_eq!(root.root_keys, [named], "the key on disk is the one that signed");
        let user = Issue {
            directory: &dir,
            role: Role::User,
            name: "alice",
            ttl_ms: 3_600_000,
            out: None,
            names: &[],
        };
        issue(&user).unwrap();
        assert!(init(&dir, "mesh.test").is_err());
    }
}

#[test]
fn keys_that_somebody_else_made_are_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["ca.pem", "ca.key.pem", LEDGER_KEY_FILE, ROOT_KEY_FILE] {
        let dir = directory.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(name), "mine").unwrap();
        let refused = init(&dir, "mesh.test").unwrap_err();
        assert_eq!(refused.exit().code(), 2);
        assert!(refused.to_string().contains("exists already"), "{refused}");
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "nothing is written");
    }
}

#[test]
fn no_directory_offers_its_keys_to_version_control() {
    let directory = tempfile::tempdir().unwrap();
    let ignored = |dir: &std::path::Path| std::fs::read_to_string(dir.join(".gitignore")).unwrap();
    let new = directory.path().join("new");
    make_private(&new).unwrap();
    assert_eq!(ignored(&new), "*\n");
    let used = directory.path().join("used");
    std::fs::create_dir(&used).unwrap();
    std::fs::write(used.join("notes.txt"), "").unwrap();
    make_private(&used).unwrap();
    assert_eq!(ignored(&used), "*.key.pem\n");
    std::fs::write(used.join(".gitignore"), "secret\n").unwrap();
    make_private(&used).unwrap();
    assert_eq!(ignored(&used), "secret\n");
}

#[test]
fn an_issued_identity_loads_and_can_be_renewed() {
    rpc::install_crypto();
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("certs");
    init(&dir, "mesh.test").unwrap();
    let what = Issue {
        directory: &dir,
        role: Role::Executor,
        name: "gpu-1",
        ttl_ms: 3_600_000,
        out: None,
        names: &["localhost".to_owned(), "127.0.0.1".to_owned()],
    };
    let load = |issued: &IssuedFiles| {
        rpc::MeshIdentity::load(&rpc::IdentityFiles {
            certificate: issued.certificate.clone(),
            key: issued.key.clone(),
            ca: issued.ca.clone(),
        })
        .unwrap()
    };
    let first = issue(&what).unwrap();
    assert_eq!(mode(&first.key), 0o600);
    let identity = load(&first);
    assert_eq!(identity.spiffe_id().to_string(), "spiffe://mesh.test/executor/gpu-1");
    let before = identity.current().certificate_chain_der().to_vec();
    issue(&what).unwrap();
    identity.reload_now().unwrap();
    assert_ne!(identity.current().certificate_chain_der(), before);
}

#[test]
fn what_cannot_be_issued_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let mut what = Issue {
        directory: directory.path(),
        role: Role::User,
        name: "alice",
        ttl_ms: 1_000,
        out: None,
        names: &[],
    };
    assert!(issue(&what).unwrap_err().to_string().contains("certs init"));
    let dir = directory.path().join("certs");
    assert!(init(&dir, "No Domain").is_err());
    init(&dir, "mesh.test").unwrap();
    what.directory = &dir;
    what.name = "../alice";
    assert!(issue(&what).unwrap_err().to_string().contains("bad name"));
}

#[test]
fn durations_have_one_unit_and_a_bound() {
    let good = [("90s", 90_000), ("15m", 900_000), ("24h", 86_400_000), ("30d", 2_592_000_000)];
    for (text, ms) in good {
        assert_eq!(milliseconds(text), Ok(ms));
    }
    for bad in ["", "h", "24", "0s", "-1h", "1.5h", "1w", "4000d", "99999999999d", "1h ", "1ü"] {
        assert!(milliseconds(bad).is_err(), "{bad:?}");
    }
}
