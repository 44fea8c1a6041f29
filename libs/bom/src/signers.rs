//! The keys that signed the evidence, as cryptographic assets.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use evidence::VerifiedEvidence;
use keys::{Algorithm, PublicKey};
use policy::Decision;

use crate::claims::{Claims, Source};
use crate::cyclonedx::component::{
    AlgorithmProperties, Component, CryptoProperties, Kind, MaterialProperties,
};
use crate::cyclonedx::property;
use crate::refs;

/// Each key once, and each algorithm once.
pub(crate) fn components(
    evidence: &VerifiedEvidence,
    decision: &Decision,
    claims: &mut Claims,
) -> Vec<Component> {
    let mut keys: BTreeMap<String, (Component, Algorithm)> = BTreeMap::new();
    let signed = evidence.signers().iter().zip(evidence.digests());
    let signed = signed.map(|((id, key), (name, _))| (id.as_str(), key, name.as_str()));
    let policy = ("release policy", decision.key(), refs::POLICY);
    for (id, key, name) in signed.chain([policy]) {
        let (component, _) = keys
            .entry(key.key_id().to_string())
            .or_insert_with(|| (public_key(id, key), key.algorithm()));
        component.properties.push(property("key:signed", refs::document(name)));
    }
    let mut algorithms: BTreeMap<&str, Component> = BTreeMap::new();
    for (_, algorithm) in keys.values() {
        let reference = algorithm_reference(*algorithm);
        algorithms.entry(reference).or_insert_with(|| describe(*algorithm, reference));
    }
    let algorithms: Vec<Component> = algorithms.into_values().collect();
    let all: Vec<Component> = keys.into_values().map(|(key, _)| key).chain(algorithms).collect();
    for part in &all {
        claims.add(Source::Derived, part.reference(), &["everything"]);
    }
    all
}

/// The algorithm that a key component is for.
pub(crate) fn algorithm_of(component: &Component) -> Option<&str> {
    let properties = component.crypto_properties.as_ref()?;
    let material = properties.related_crypto_material_properties.as_ref()?;
    Some(&material.algorithm_ref)
}

const fn algorithm_reference(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Ed25519 => "algorithm/ed25519",
        Algorithm::EcdsaP256Sha256 => "algorithm/ecdsa-p256-sha256",
    }
}

fn public_key(id: &str, key: &PublicKey) -> Component {
    let key_id = key.key_id().to_string();
    Component {
        description: Some(format!("public key of {id}")),
        crypto_properties: Some(CryptoProperties {
            asset_type: "related-crypto-material",
            algorithm_properties: None,
            related_crypto_material_properties: Some(MaterialProperties {
                kind: "public-key",
                id: key_id.clone(),
                algorithm_ref: algorithm_reference(key.algorithm()).to_owned(),
                value: STANDARD.encode(key.spki_der()),
                format: "SubjectPublicKeyInfo, DER, base64",
            }),
            oid: None,
        }),
        ..Component::new(Kind::CryptographicAsset, refs::key(key), id)
    }
}

fn describe(algorithm: Algorithm, reference: &str) -> Component {
    let (name, parameters, curve, oid) = match algorithm {
        Algorithm::Ed25519 => ("Ed25519", "Ed25519", "Curve25519", "1.3.101.112"),
        Algorithm::EcdsaP256Sha256 => {
            ("ECDSA-P256-SHA256", "P-256 with SHA-256", "P-256", "1.2.840.10045.4.3.2")
        }
    };
    Component {
        crypto_properties: Some(CryptoProperties {
            asset_type: "algorithm",
            algorithm_properties: Some(AlgorithmProperties {
                primitive: "signature",
                parameter_set_identifier: parameters,
                curve,
                crypto_functions: ["verify"],
            }),
            related_crypto_material_properties: None,
            oid: Some(oid),
        }),
        ..Component::new(Kind::CryptographicAsset, reference, name)
    }
}
