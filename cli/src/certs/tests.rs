//! A mesh is made once, its identities hold, and its secrets stay with their owner.

use std::os::unix::fs::PermissionsExt as _;

use super::{authority::*, duration::milliseconds};
use evidence::{Environment, TrustRoot};
use ids::Role;

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_mesh_is_made_once_and_its_secrets_are_the_owners() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("certs");
    init(&dir, "mesh.test", Environment::Test).unwrap();
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(std::fs::read_to_string(dir.join(".gitignore")).unwrap(), "*\n");
    for secret in ["ca.key.pem", PLATFORM_KEY_FILE, LEDGER_KEY_FILE] {
        assert_eq!(mode(&dir.join(secret)), 0o600, "{secret}");
    }
    let root = TrustRoot::parse(&std::fs::read(dir.join(TRUST_ROOT_FILE)).unwrap()).unwrap();
    assert_eq!(root.trust_domain, "mesh.test");
    assert_eq!(root.ledger().unwrap().name(), "mesh.test/ledger");
    let again = init(&dir, "mesh.test", Environment::Test).unwrap_err();
    assert_eq!(again.exit().code(), 2);
    assert!(again.to_string().contains("exists already"), "{again}");
}

#[test]
fn an_issued_identity_loads_and_can_be_renewed() {
    rpc::install_crypto();
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("certs");
    init(&dir, "mesh.test", Environment::Test).unwrap();
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
    assert!(init(&dir, "No Domain", Environment::Test).is_err());
    init(&dir, "mesh.test", Environment::Test).unwrap();
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
