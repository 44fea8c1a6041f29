//! The document: its bounds, its one spelling, and who may sign it.

use evidence::{KeyEntry, KeyUse, ScanTarget};
use ids::canonical;
use policy::{MAX_IGNORES, MAX_POLICY_BYTES, Policy, PolicyError, SignedPolicy};

use super::fixture;

fn standard() -> Policy {
    fixture().signed_policy().policy().clone()
}

#[test]
fn each_member_outside_its_bound_is_named() {
    type Change = fn(&mut Policy);
    let rows: [(&str, Change); 17] = [
        ("schema", |p| p.schema.push('x')),
        ("name", |p| p.name.clear()),
        ("name", |p| p.name = "Standard".into()),
        ("name", |p| p.name = "x".repeat(65)),
        ("version", |p| p.version = 0),
        ("version", |p| p.version = 1 << 53),
        ("complete", |p| p.complete = vec![ScanTarget::Inputs, ScanTarget::Image]),
        ("complete", |p| p.complete = vec![ScanTarget::Image; 2]),
        ("maxDatabaseAgeDays", |p| p.max_database_age_days = Some(0)),
        ("maxScanAgeDays", |p| p.max_scan_age_days = Some(0)),
        ("licences.deny", |p| p.licences.deny = vec!["x".into(); MAX_IGNORES + 1]),
        ("licences.deny[1]", |p| p.licences.deny = vec!["MIT".into(), String::new()]),
        ("ignore", |p| p.ignore = vec![p.ignore[0].clone(); MAX_IGNORES + 1]),
        ("ignore[0].id", |p| p.ignore[0].id = " CVE-1".into()),
        ("ignore[0].subject", |p| p.ignore[0].subject = Some(String::new())),
        ("ignore[0].reason", |p| p.ignore[0].reason = "  ".into()),
        ("ignore[0].reason", |p| p.ignore[0].reason = "a\u{1b}[2Jb".into()),
    ];
    assert_eq!(standard().validate(), Ok(()));
    for (key, change) in rows {
        let mut policy = standard();
        change(&mut policy);
        assert_eq!(policy.validate().unwrap_err().key, key);
        assert!(policy.seal(&fixture().mesh().policy_key()).is_err(), "{key} was signed");
    }
}

fn open(bytes: &[u8]) -> Result<SignedPolicy, PolicyError> {
    let at = fixture().at();
    SignedPolicy::open(bytes, &fixture().trust_root(), |entry: &KeyEntry| entry.may_sign(at))
}

#[test]
fn only_a_policy_key_that_counts_signs_policies() {
    let (fixture, policy) = (fixture(), standard());
    let mesh = fixture.mesh();
    let good = policy.seal(&mesh.policy_key()).unwrap();
    assert_eq!(open(&good).unwrap().policy(), &policy);
    assert_eq!(open(&good).unwrap().as_bytes(), good);
    let strangers =
        [policy.seal(&mesh.platform_key()), policy.seal(&fixture.wrong_ca().policy_key())];
    for bytes in strangers {
        assert!(matches!(open(&bytes.unwrap()), Err(PolicyError::Signer)));
    }
    for place in [good.len() / 4, good.len() / 2, good.len() - 20] {
        let mut changed = good.clone();
        changed[place] ^= 1;
        assert!(open(&changed).is_err(), "byte {place}");
    }
    let long = [good.clone(), vec![b' '; MAX_POLICY_BYTES]].concat();
    assert!(matches!(open(&long), Err(PolicyError::Envelope(_))));

    let mut root = fixture.trust_root();
    root.signing_keys.retain(|entry| entry.usage != KeyUse::Policy);
    let opened = SignedPolicy::open(&good, &root, |_| Ok(()));
    assert!(matches!(opened, Err(PolicyError::NoKey)));
    let root = fixture.trust_root();
    let late = root.keys(KeyUse::Policy).next().unwrap().1.valid_until.plus_ms(1);
    let opened = SignedPolicy::open(&good, &root, |entry| entry.may_sign(late));
    assert!(matches!(opened, Err(PolicyError::Key(_))));
}

#[test]
fn what_is_signed_must_be_a_policy_in_canonical_json() {
    let key = fixture().mesh().policy_key();
    let payload = canonical::to_vec(&standard()).unwrap();
    let seal = |kind: &str, payload: Vec<u8>| {
        envelope::Envelope::seal(kind, payload, &key).unwrap().as_bytes().to_vec()
    };
    type Spoil = fn(&[u8]) -> Vec<u8>;
    let spoilt: [Spoil; 4] = [
        |payload| [b" ", payload].concat(),
        |payload| [b"{\"added\":1,", &payload[1..]].concat(),
        |_| b"{}".to_vec(),
        |payload| String::from_utf8_lossy(payload).replace("aibom.policy.v1", "v2").into_bytes(),
    ];
    for (index, spoil) in spoilt.iter().enumerate() {
        let opened = open(&seal(policy::POLICY_PAYLOAD_TYPE, spoil(&payload)));
        let refused = matches!(opened, Err(PolicyError::Malformed(_) | PolicyError::Invalid(_)));
        assert!(refused, "row {index}: {opened:?}");
    }
    assert!(matches!(open(&seal("text/plain", payload)), Err(PolicyError::Signer)));
}
