//! A policy is taken when it is newer, and never when it is older, another one, or none.

use evidence::Revocation;
use testkit::evidence::Fixture;

use super::*;

struct Site {
    directory: tempfile::TempDir,
    fixture: Fixture,
}

impl Site {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), fixture: Fixture::new() }
    }

    fn file(&self) -> PolicyFile {
        let below = |name| self.directory.path().join(name);
        PolicyFile::open(below("policy.dsse.json"), below("policy.seen.json")).unwrap()
    }

    fn write(&self, bytes: &[u8]) {
        let new = self.directory.path().join("new");
        std::fs::write(&new, bytes).unwrap();
        std::fs::rename(new, self.directory.path().join("policy.dsse.json")).unwrap();
    }

    fn policy(&self, name: &str, version: u64, edit: fn(&mut Policy)) -> Vec<u8> {
        let mut policy = self.fixture.signed_policy().policy().clone();
        (policy.name, policy.version) = (name.to_owned(), version);
        edit(&mut policy);
        policy.seal(&self.fixture.mesh().policy_key()).unwrap()
    }

    fn put(&self, name: &str, version: u64) {
        self.write(&self.policy(name, version, |_| {}));
    }

    fn current(&self, file: &PolicyFile) -> Result<u64, String> {
        let current = file.current(&self.fixture.trust_root(), self.fixture.at());
        current.map(|policy| policy.policy().version).map_err(|error| error.to_string())
    }
}

#[test]
fn a_newer_policy_is_taken_and_an_older_one_refused_also_after_a_restart() {
    let site = Site::new();
    let file = site.file();
    site.put("standard", 3);
    assert_eq!(site.current(&file), Ok(3));
    site.put("strict", 5);
    assert_eq!(site.current(&file), Ok(5));
    for file in [file, site.file()] {
        for (name, version) in [("strict", 4), ("standard", 3), ("standard", 5)] {
            site.put(name, version);
            let error = site.current(&file).unwrap_err();
            for part in [&format!("{name} version {version}"), "strict version 5", "version 6"] {
                assert!(error.contains(part), "{error}");
            }
        }
        site.put("strict", 5);
        assert_eq!(site.current(&file), Ok(5));
    }
}

#[test]
fn two_policies_of_one_version_are_not_taken_but_one_signed_anew_is() {
    let site = Site::new();
    let file = site.file();
    site.put("standard", 2);
    assert_eq!(site.current(&file), Ok(2));
    site.write(&site.policy("standard", 2, |policy| policy.secrets.hold = None));
    assert!(site.current(&file).unwrap_err().contains("a second policy of one version"));
    // The newline at its end is not part of it.
    site.write(&[site.policy("standard", 2, |_| {}), b"\n".to_vec()].concat());
    assert_eq!(site.current(&file), Ok(2));
}

#[test]
fn what_is_no_policy_is_not_one() {
    let site = Site::new();
    let file = site.file();
    assert!(site.current(&file).is_err(), "there is no file");
    let stranger = Fixture::new().wrong_ca();
    let foreign = site.fixture.signed_policy().policy().seal(&stranger.policy_key()).unwrap();
    let by_platform =
        site.fixture.signed_policy().policy().seal(&site.fixture.mesh().platform_key()).unwrap();
    let good = site.policy("standard", 1, |_| {});
    let long = [good.clone(), vec![b' '; MAX_POLICY_BYTES + 2]].concat();
    let unsigned = canonical::to_vec(site.fixture.signed_policy().policy()).unwrap();
    for bytes in [b"".to_vec(), b"{}".to_vec(), foreign, by_platform, long, unsigned] {
        site.write(&bytes);
        assert!(site.current(&file).is_err());
        assert!(!site.directory.path().join("policy.seen.json").exists());
    }
    site.write(&good);
    assert_eq!(site.current(&file), Ok(1));
}

#[test]
fn the_key_must_count_now() {
    let site = Site::new();
    let file = site.file();
    site.put("standard", 1);
    let at = site.fixture.at();
    let entry = |root: &mut TrustRoot, edit: &dyn Fn(&mut evidence::KeyEntry)| {
        let policies = root.signing_keys.iter_mut();
        policies.filter(|entry| entry.usage == evidence::KeyUse::Policy).for_each(edit);
    };
    let mut expired = site.fixture.trust_root();
    entry(&mut expired, &|entry| entry.valid_until = at.plus_ms(-1));
    let mut revoked = site.fixture.trust_root();
    entry(&mut revoked, &|entry| {
        entry.revoked = Some(Revocation { since: at, reason: "lost".to_owned() });
    });
    let mut none = site.fixture.trust_root();
    none.signing_keys.retain(|entry| entry.usage != evidence::KeyUse::Policy);
    for (root, part) in [(expired, "the key holds"), (revoked, "lost"), (none, "no policy key")] {
        let error = file.current(&root, at).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(site.current(&file), Ok(1));
}

#[test]
fn a_damaged_memory_is_no_memory() {
    let site = Site::new();
    let below = |name| site.directory.path().join(name);
    std::fs::write(below("policy.seen.json"), b"{}").unwrap();
    let error = PolicyFile::open(below("policy.dsse.json"), below("policy.seen.json")).unwrap_err();
    assert!(format!("{error:#}").contains("remembers the policy"), "{error:#}");
}
