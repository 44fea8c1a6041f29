//! Who may sign: certificates, their chains, and the trust root.

use std::sync::LazyLock;

use evidence::TrustRoot;
use keys::{Certificate, FileKey, MAX_CHAIN, SigningKey as _, carries_idle, verify_chain};
use testkit::evidence::Fixture;

use crate::fixture::{one_spelling, signed};

/// A leaf certificate: no other bytes than those that the CA signed verify.
pub fn certificate(data: &[u8]) -> bool {
    let wine = signed();
    let chain = verify_chain(&[data.to_vec()], &wine.root.mesh_ca, wine.at);
    let issued = wine.leaves().any(|leaf| leaf == data);
    assert!(chain.is_ok() == issued, "the CA's leaves verify, and nothing else: {chain:?}");
    let Ok(leaf) = Certificate::parse(data) else { return false };
    assert!(leaf.der() == data, "the exact bytes are kept");
    let id = leaf.spiffe_id();
    assert!(id.to_string().parse().as_ref() == Ok(id), "an identity has one spelling");
    let spki = leaf.public_key().spki_der();
    assert!(data.windows(spki.len()).any(|part| part == spki), "the key is in the certificate");
    true
}

/// A chain, leaf first: each certificate after its length in two bytes, little-endian.
pub fn certificate_chain(data: &[u8]) -> bool {
    let (mut chain, mut rest) = (Vec::new(), data);
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length));
        let Some((der, after)) = after.split_at_checked(length) else { break };
        chain.push(der.to_vec());
        rest = after;
    }
    let wine = signed();
    let idle = carries_idle(&chain, &wine.root.mesh_ca, wine.at);
    let Ok(identity) = verify_chain(&chain, &wine.root.mesh_ca, wine.at) else {
        return false;
    };
    assert!(chain.len() <= MAX_CHAIN, "chains are bounded");
    let leaf = identity.certificate().der();
    assert!(chain.first().is_some_and(|first| first == leaf), "the leaf is the first");
    assert!(wine.leaves().any(|issued| issued == leaf), "a leaf that the CA did not sign");
    // The root signs leaves itself, so whatever comes after one is of no use.
    assert!(idle == (chain.len() > 1), "idle certificates are seen");
    true
}

/// A trust root, as a signed file or as its payload, which is then signed by the root key.
pub fn trust_root(data: &[u8]) -> bool {
    static KEY: LazyLock<FileKey> = LazyLock::new(|| Fixture::new().mesh().root_key());
    let wine = signed();
    let pinned = &wine.root;
    if TrustRoot::parse(data).is_ok() {
        let file = data.strip_suffix(b"\n").unwrap_or(data);
        assert!(wine.roots.iter().any(|signed| signed == file), "a root that nobody signed");
        assert!(pinned.succeed(data).is_ok(), "a newer root of the same mesh");
        return true;
    }
    assert!(pinned.succeed(data).is_err(), "a successor is a trust root");
    let Ok(root) = TrustRoot::parse_unsigned(data) else { return false };
    assert!(one_spelling(&root, data), "a trust root has one spelling");
    assert!(root.validate().is_ok() && root.ledger().is_some(), "it is usable");
    let file = root.seal(&*KEY).expect("a file key signs");
    let named = root.root_keys.contains(&KEY.public_key().to_pem());
    assert!(TrustRoot::parse(&file).is_ok() == named, "a root names who signs it");
    if let Ok(next) = pinned.succeed(&file) {
        assert!(named && next == root && next.trust_domain == pinned.trust_domain, "of the mesh");
        assert!(next.version > pinned.version || next == *pinned, "no rollback, no fork");
    }
    true
}
