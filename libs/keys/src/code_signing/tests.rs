//! Code-signing chains: which vouch, and which must not.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose as Eku, IsCa, Issuer,
    KeyPair, KeyUsagePurpose as Ku, SanType,
};
use time::{Duration, OffsetDateTime};

use super::*;

const NOW: Timestamp = Timestamp::from_unix_ms(1_790_000_000_000);

fn days(days: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_790_000_000).unwrap() + Duration::days(days)
}

fn params(name: &str, ca: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (days(-10), days(10));
    if ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![Ku::KeyCertSign];
    }
    params
}

fn signer() -> CertificateParams {
    let mut params = params("Ada", false);
    params.key_usages = vec![Ku::DigitalSignature];
    params.extended_key_usages = vec![Eku::CodeSigning];
    params.subject_alt_names = vec![SanType::Rfc822Name("ada@example.org".try_into().unwrap())];
    params
}

/// Root, intermediate and leaf, as DER.
fn chain(
    root: CertificateParams,
    middle: CertificateParams,
    leaf: &CertificateParams,
) -> [Vec<u8>; 3] {
    let keys: [KeyPair; 3] = std::array::from_fn(|_| KeyPair::generate().unwrap());
    let [root_key, middle_key, leaf_key] = keys;
    let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
    let root = Issuer::new(root, root_key);
    let middle_der = middle.signed_by(&middle_key, &root).unwrap().der().to_vec();
    let middle = Issuer::new(middle, middle_key);
    [root_der, middle_der, leaf.signed_by(&leaf_key, &middle).unwrap().der().to_vec()]
}

#[test]
fn a_chain_for_signing_holds_and_names_its_signer() {
    let [root, middle, leaf] = chain(params("root", true), params("middle", true), &signer());
    // With the root in the chain, as model_signing writes it, and without.
    for chain in [vec![leaf.clone(), middle.clone(), root.clone()], vec![leaf, middle]] {
        let signer = verify_code_signing_chain(&chain, std::slice::from_ref(&root), NOW).unwrap();
        assert_eq!(signer.names(), ["ada@example.org", "Ada"]);
    }
}

#[test]
fn what_is_not_for_signing_is_refused() {
    let mut usage = signer();
    (usage.key_usages, usage.extended_key_usages) = (vec![Ku::KeyEncipherment], vec![]);
    let mut other_use = signer();
    other_use.extended_key_usages = vec![Eku::ServerAuth];
    let mut authority = signer();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for leaf in [usage, other_use, authority] {
        let [root, middle, leaf] = chain(params("root", true), params("middle", true), &leaf);
        assert!(verify_code_signing_chain(&[leaf, middle], &[root], NOW).is_err());
    }
}

#[test]
fn an_expired_certificate_anywhere_is_refused() {
    for expired in 0..3 {
        let mut all = [params("root", true), params("middle", true), signer()];
        all[expired].not_after = days(-1);
        let [root, middle, leaf] = all;
        let [root, middle, leaf] = chain(root, middle, &leaf);
        let verify = |at| {
            let chain = [leaf.clone(), middle.clone()];
            verify_code_signing_chain(&chain, std::slice::from_ref(&root), at)
        };
        assert!(verify(NOW).is_err(), "certificate {expired}");
        assert!(verify(NOW.plus_ms(-5 * 86_400_000)).is_ok(), "certificate {expired}");
        assert!(verify(NOW.plus_ms(-20 * 86_400_000)).is_err(), "not yet valid");
    }
}

#[test]
fn another_root_and_a_missing_link_are_refused() {
    let [root, middle, leaf] = chain(params("root", true), params("middle", true), &signer());
    let [other, ..] = chain(params("root", true), params("middle", true), &signer());
    let refused = |chain: &[Vec<u8>], roots: &[Vec<u8>]| {
        assert!(verify_code_signing_chain(chain, roots, NOW).is_err());
    };
    refused(&[leaf.clone(), middle.clone()], &[other]);
    refused(std::slice::from_ref(&leaf), std::slice::from_ref(&root));
    refused(&[middle, leaf.clone()], std::slice::from_ref(&root));
    refused(&[], std::slice::from_ref(&root));
    refused(std::slice::from_ref(&leaf), &[]);
    refused(&vec![leaf; MAX_CODE_SIGNING_CHAIN + 1], &[root]);
}

#[test]
fn pem_texts_are_bounded_and_checked() {
    let [root, ..] = chain(params("root", true), params("middle", true), &signer());
    let block = |der: &[u8]| {
        let body =
            p256::pkcs8::der::pem::encode_string("CERTIFICATE", p256::pkcs8::LineEnding::LF, der);
        body.unwrap()
    };
    let one = block(&root);
    assert_eq!(certificates_from_pem(one.as_bytes(), 1).unwrap(), [root]);
    assert!(certificates_from_pem(one.repeat(2).as_bytes(), 1).is_err());
    assert!(certificates_from_pem(b"", 1).is_err());
    assert!(certificates_from_pem(block(b"no certificate").as_bytes(), 1).is_err());
}
