//! Keys from their making to their revocation, and what is refused on the way.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use evidence::{KeyUse, TrustRoot};
use ids::{Role, Timestamp};
use serde_json::Value;

use super::{
    init::instant,
    list::{List, State},
    *,
};
use crate::{
    arguments::Arguments,
    certs::{Issue, TRUST_ROOT_FILE, issue, now},
    failure::{Exit, Failure},
};

const DAY_MS: i64 = 86_400_000;

/// Runs the command as a shell would.
fn aibom(arguments: &[&str]) -> Result<Exit, Failure> {
    crate::run(Arguments::try_parse_from([&["aibom"], arguments].concat()).unwrap())
}

fn refusal(arguments: &[&str], code: u8) -> String {
    let failure = aibom(arguments).unwrap_err();
    assert_eq!(failure.exit().code(), code, "{failure}");
    failure.to_string()
}

/// A mesh with its keys in a directory.
struct Mesh {
    _temporary: tempfile::TempDir,
    dir: PathBuf,
}

impl Mesh {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("certs");
        aibom(&["certs", "init", "--dir", dir.to_str().unwrap()]).unwrap();
        Self { _temporary: temporary, dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }

    fn root(&self) -> TrustRoot {
        TrustRoot::parse(&std::fs::read(self.dir.join(TRUST_ROOT_FILE)).unwrap()).unwrap()
    }

    fn list(&self, at: Timestamp) -> List {
        let held = Store::below(&self.dir).public_keys().unwrap();
        List::of(&self.root(), at, Some(&held))
    }

    fn state(&self, key: &str, at: Timestamp) -> State {
        let list = self.list(at);
        list.keys.iter().find(|listed| listed.key_id.to_string() == key).unwrap().state
    }

    /// The id of the newest key of that use.
    fn newest(&self, usage: KeyUse) -> String {
        let root = self.root();
        let (key, _) = root.keys(usage).max_by_key(|(_, entry)| entry.valid_from).unwrap();
        key.key_id().to_string()
    }

    fn rotate(&self, more: &[&str]) -> Result<Exit, Failure> {
        let dir = self.path("");
        aibom(&[&["keys", "rotate", "--dir", &dir, "--use", "aibom"], more].concat())
    }

    fn revoke(&self, more: &[&str]) -> Result<Exit, Failure> {
        let dir = self.path("");
        aibom(&[&["keys", "revoke", "--dir", &dir, "--reason", "lost"], more].concat())
    }
}

#[test]
fn a_new_mesh_has_one_key_for_each_use_and_an_offline_root_key() {
    let mesh = Mesh::new();
    let list = mesh.list(now());
    let uses: Vec<_> = list.keys.iter().map(|listed| listed.usage).collect();
    assert_eq!(uses, KeyUse::ALL);
    for listed in &list.keys {
        let wanted = (listed.usage != KeyUse::Policy).then_some(true);
        assert_eq!(listed.in_store, wanted, "{list:?}");
    }
    assert!(list.keys.iter().all(|listed| listed.state == State::Signs), "{list:?}");
    assert!(list.unlisted.is_empty());
    let ledger = ::keys::FileKey::load(&mesh.dir.join("ledger.key.pem")).unwrap();
    let root_key = ::keys::FileKey::load(&mesh.dir.join(ROOT_KEY_FILE)).unwrap();
    let id = |key: &::keys::FileKey| ::keys::SigningKey::public_key(key).key_id();
    let mut ids: Vec<_> = list.keys.iter().map(|listed| listed.key_id).collect();
    ids.extend([id(&ledger), id(&root_key)]);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6, "nobody's key is another's");
}

#[test]
fn a_mesh_with_a_ca_of_its_own_gets_keys_too() {
    let mesh = Mesh::new();
    let other = tempfile::tempdir().unwrap();
    let dir = other.path().to_str().unwrap();
    let init = ["keys", "init", "--dir", dir, "--ca", &mesh.path("ca.pem")];
    aibom(&init).unwrap();
    let root = std::fs::read(other.path().join(TRUST_ROOT_FILE)).unwrap();
    assert_eq!(TrustRoot::parse(&root).unwrap().mesh_ca, mesh.root().mesh_ca);
    assert!(!other.path().join("ca.key.pem").exists());
    assert!(refusal(&init, 2).contains("exists already"));
}

#[test]
fn a_new_key_takes_over_once_the_root_is_signed_and_pinned() {
    let mesh = Mesh::new();
    let old = mesh.newest(KeyUse::Aibom);
    let pinned = mesh.path("trust-root.json");
    let (next, signed) = (mesh.path("trust-root.next.json"), mesh.path("signed.json"));
    mesh.rotate(&[]).unwrap();
    assert_eq!(mesh.root().version, 1, "nobody has signed it");
    let root_key = mesh.path(ROOT_KEY_FILE);
    let sign = ["trust-root", "sign", &next, "--key", &root_key, "--out", &signed];
    assert!(refusal(&sign, 2).contains("--pinned"));
    aibom(&[&sign[..], &["--pinned", &pinned]].concat()).unwrap();
    aibom(&["trust-root", "update", &pinned, &signed]).unwrap();
    aibom(&["trust-root", "update", &pinned, &signed]).unwrap();

    let new = mesh.newest(KeyUse::Aibom);
    let at = now();
    assert_eq!((mesh.root().version, new != old), (2, true));
    assert_eq!(mesh.state(&new, at), State::Signs);
    assert_eq!(mesh.state(&old, at), State::Valid);
    assert_eq!(mesh.state(&old, at.plus_ms(8 * DAY_MS)), State::Past);
    assert_eq!(mesh.state(&new, at.plus_ms(-DAY_MS)), State::Next);
    assert!(mesh.list(at).keys.iter().all(|listed| listed.in_store != Some(false)));
    // What waited is the version in use now: the next change follows that.
    mesh.rotate(&["--from", &at.plus_ms(DAY_MS).to_string()]).unwrap();
    assert_eq!(unsigned(Path::new(&next)).unwrap().version, 3);
}

#[test]
fn changes_gather_and_are_signed_together() {
    let mesh = Mesh::new();
    let old = mesh.newest(KeyUse::Aibom);
    mesh.rotate(&[]).unwrap();
    mesh.revoke(&[&old[..8], "--root-key", &mesh.path(ROOT_KEY_FILE)]).unwrap();
    assert_eq!(mesh.root().version, 2);
    assert!(!mesh.dir.join("trust-root.next.json").exists());
    assert_eq!(mesh.state(&old, now()), State::Revoked);
    assert_eq!(mesh.state(&mesh.newest(KeyUse::Aibom), now()), State::Signs);
}

#[test]
fn a_rotation_that_would_take_signatures_back_is_refused() {
    let mesh = Mesh::new();
    let files = || std::fs::read_dir(mesh.dir.join("keys")).unwrap().count();
    let before = files();
    let past = now().plus_ms(-DAY_MS).to_string();
    let dir = mesh.path("");
    let rotate = ["keys", "rotate", "--dir", &dir, "--use", "aibom"];
    let text = refusal(&[&rotate[..], &["--from", &past]].concat(), 1);
    assert!(text.contains("in the past"), "{text}");
    let missing = mesh.path("no.key.pem");
    let text = refusal(&[&rotate[..], &["--root-key", &missing]].concat(), 2);
    assert!(text.contains("no.key.pem"), "{text}");
    assert_eq!(files(), before, "a refused rotation makes no key");

    let to_come = now().plus_ms(DAY_MS).to_string();
    mesh.rotate(&["--from", &to_come]).unwrap();
    let text = refusal(&rotate, 1);
    assert!(text.contains("begins only then") && text.contains(&to_come), "{text}");
    std::fs::rename(mesh.dir.join("keys"), mesh.dir.join("elsewhere")).unwrap();
    assert!(refusal(&rotate, 2).contains("--store"));
}

#[test]
fn a_revoked_key_stays_revoked_and_what_names_none_is_refused() {
    let mesh = Mesh::new();
    let key = mesh.newest(KeyUse::Model);
    let (dir, root_key) = (mesh.path(""), mesh.path(ROOT_KEY_FILE));
    let revoke = ["keys", "revoke", "--dir", &dir, "--reason", "lost", "--root-key", &root_key];
    let revoked = |more: &[&str], code| refusal(&[&revoke[..], more].concat(), code);
    assert!(revoked(&["0011223344"], 1).contains("names no signing key"));
    for bad in ["0011", "0011223g", "ABCDEF01"] {
        assert!(revoked(&[bad], 2).contains("8 or more digits"), "{bad}");
    }
    let since = now().plus_ms(-DAY_MS);
    mesh.revoke(&[&key[..12], "--since", &since.to_string(), "--root-key", &root_key]).unwrap();
    assert!(revoked(&[&key], 1).contains("revoked already"));
    // That it was lost even earlier may turn out later.
    let earlier = since.plus_ms(-DAY_MS).to_string();
    mesh.revoke(&[&key, "--since", &earlier, "--root-key", &root_key]).unwrap();
    assert_eq!(mesh.root().version, 3);
    let reason = ["keys", "revoke", "--dir", &dir, &key, "--reason", "a\nb"];
    assert!(refusal(&reason, 2).contains("one line"));
}

#[test]
fn a_party_of_the_mesh_is_revoked_by_its_certificate() {
    let mesh = Mesh::new();
    let what = Issue {
        directory: &mesh.dir,
        role: Role::Executor,
        name: "gpu-1",
        ttl_ms: DAY_MS,
        out: None,
        names: &[],
    };
    let certificate = issue(&what).unwrap().certificate;
    let file = certificate.to_str().unwrap();
    mesh.revoke(&["--identity", file, "--root-key", &mesh.path(ROOT_KEY_FILE)]).unwrap();
    let leaf = certificates(&certificate).unwrap().remove(0);
    let key = Certificate::parse(&leaf).unwrap().public_key().key_id();
    assert!(mesh.root().revocation(key, now()).is_some());

    let dir = mesh.path("");
    let ca = mesh.path("ca.pem");
    let revoke = ["keys", "revoke", "--dir", &dir, "--reason", "x", "--identity"];
    assert!(refusal(&[&revoke[..], &[&ca]].concat(), 1).contains("no mesh identity"));
    assert!(refusal(&[&revoke[..], &[file]].concat(), 1).contains("revoked already"));
    let other = mesh.path("other");
    aibom(&["certs", "init", "--dir", &other, "--trust-domain", "other.test"]).unwrap();
    let revoke = ["keys", "revoke", "--dir", &other, "--reason", "x", "--identity", file];
    assert!(refusal(&revoke, 1).contains("no identity of the mesh other.test"));
}

#[test]
fn a_draft_that_follows_another_version_is_refused() {
    let mesh = Mesh::new();
    mesh.rotate(&[]).unwrap();
    let next = mesh.dir.join("trust-root.next.json");
    let stale = std::fs::read(&next).unwrap();
    mesh.rotate(&["--from", &now().plus_ms(DAY_MS).to_string()]).unwrap();
    mesh.revoke(&[&mesh.newest(KeyUse::Layout), "--root-key", &mesh.path(ROOT_KEY_FILE)]).unwrap();
    std::fs::write(&next, stale).unwrap();
    let dir = mesh.path("");
    let text = refusal(&["keys", "rotate", "--dir", &dir, "--use", "aibom"], 1);
    assert!(text.contains("does not follow"), "{text}");
}

#[test]
fn a_list_for_programs_has_every_key_with_its_state() {
    let mesh = Mesh::new();
    let stray = Store::below(&mesh.dir).make(KeyUse::Layout).unwrap();
    let list = serde_json::to_value(mesh.list(now())).unwrap();
    assert_eq!(list["version"], 1);
    assert_eq!(list["unlisted"], serde_json::json!([stray.key_id()]));
    let model = &list["keys"][1];
    assert_eq!(model["use"], "model");
    assert_eq!(model["algorithm"], "ecdsa-p256-sha256");
    assert_eq!(model["state"], "signs");
    assert_eq!(model["inStore"], true);
    assert_eq!(model["keyId"], mesh.newest(KeyUse::Model));
    assert_eq!(model["revoked"], Value::Null);
    for member in ["validFrom", "validUntil"] {
        model[member].as_str().unwrap().parse::<Timestamp>().unwrap();
    }
    let alone = serde_json::to_value(List::of(&mesh.root(), now(), None)).unwrap();
    assert_eq!(alone["keys"][0]["inStore"], Value::Null);
    for format in ["text", "json"] {
        aibom(&["--format", format, "keys", "list", "--dir", &mesh.path("")]).unwrap();
        let file = mesh.path("trust-root.json");
        aibom(&["--format", format, "keys", "list", "--trust-root", &file]).unwrap();
    }
}

#[test]
fn a_pin_never_stands_on_a_command_line() {
    assert_eq!(parse_store("keys").unwrap(), Store::Directory("keys".into(), None));
    let uri = "pkcs11:token=aibom?module-path=/p11.so&pin-source=/pin";
    assert_eq!(parse_store(uri).unwrap().to_string(), uri);
    let elsewhere = tempfile::tempdir().unwrap();
    let dir = elsewhere.path().to_str().unwrap();
    for bad in ["pkcs11:token=aibom?pin-value=7531", "pkcs11:token=a?module-path=/m&pin-value=7531"]
    {
        let commands: [&[&str]; 4] = [
            &["certs", "init", "--dir", dir, "--store", bad],
            &["keys", "list", "--dir", dir, "--store", bad],
            &["keys", "rotate", "--dir", dir, "--use", "aibom", "--store", bad],
            &["up", "--dir", dir, "--base-port", "0", "--signing-keys", bad],
        ];
        for command in commands {
            let text = refusal(command, 2);
            assert!(text.contains("pin-source") && !text.contains("7531"), "{text}");
        }
    }
    assert!(parse_store("").is_err());
}

#[test]
fn times_on_the_command_line_are_utc() {
    let at: Timestamp = "2027-01-31T08:00:00.000Z".parse().unwrap();
    assert_eq!(instant("2027-01-31T08:00:00Z"), Ok(at));
    assert_eq!(instant("2027-01-31T08:00:00.000Z"), Ok(at));
    assert!(instant("now").is_ok());
    for bad in ["", "Z", "tomorrow", "2027-01-31", "2027-01-31T08:00:00", "2027-02-30T08:00:00Z"] {
        assert!(instant(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_policy_key_is_made_beside_the_root_key_and_revoked_like_others() {
    let mesh = Mesh::new();
    let (dir, root_key) = (mesh.path(""), mesh.path(ROOT_KEY_FILE));
    let old = mesh.newest(KeyUse::Policy);
    let rotate = ["keys", "rotate", "--dir", &dir, "--use", "policy", "--root-key", &root_key];
    let token = [&rotate[..], &["--store", "pkcs11:token=x"]].concat();
    assert!(refusal(&token, 2).contains("a file"));
    aibom(&rotate).unwrap();
    let new = mesh.newest(KeyUse::Policy);
    assert_ne!(old, new);
    let file = mesh.path(&format!("policy-{}.key.pem", &new[..8]));
    let key = ::keys::FileKey::load(file.as_ref()).unwrap();
    assert_eq!(::keys::SigningKey::public_key(&key).key_id().to_string(), new);
    assert!(mesh.list(now()).unlisted.is_empty(), "the signer's store holds no policy key");
    assert_eq!(mesh.state(&old, now()), State::Valid);
    mesh.revoke(&[&old, "--root-key", &root_key]).unwrap();
    assert_eq!(mesh.state(&old, now().plus_ms(1)), State::Revoked);
    aibom(&["keys", "list", "--dir", &dir]).unwrap();

    // The standard policy is by the key that is revoked now; signed by the new one it counts.
    let policy = mesh.path("policy.dsse.json");
    let next = mesh.path("policy.toml");
    aibom(&["policy", "new", "--from", &policy, "--out", &next]).unwrap();
    let pinned = mesh.path(TRUST_ROOT_FILE);
    let check = ["policy", "check", &policy, "--trust-root", &pinned];
    assert!(refusal(&check, 1).contains("revoked"));
    let sign = ["policy", "sign", &next, "--key", &file, "--out", &policy, "--trust-root", &pinned];
    aibom(&sign).unwrap();
    aibom(&check).unwrap();
}
