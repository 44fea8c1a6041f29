//! Layouts of several steps: each needs its own link, and rules reach from one link to another.

use std::collections::BTreeMap;

use ids::Sha256Digest;
use keys::{FileKey, SigningKey as _, generate_ed25519, generate_p256};
use serde_json::{Value, json};

use super::{super::*, NOW, failures};

/// Two steps by two functionaries, and a third key that owns the layout.
struct Chain {
    owner: FileKey,
    keys: [FileKey; 2],
    links: Vec<Value>,
    layout: Value,
}

fn rule(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl Chain {
    fn new() -> Self {
        let ed25519 = |seed| FileKey::from_pem(&generate_ed25519(&[seed; 32]).unwrap()).unwrap();
        let p256 = FileKey::from_pem(&generate_p256(&[3; 32]).unwrap()).unwrap();
        let (owner, keys) = (ed25519(1), [p256, ed25519(2)]);
        let digests = |name: &str| BTreeMap::from([(name.to_owned(), Sha256Digest::of(b"it"))]);
        let link = |name, materials, products| NewLink {
            name,
            materials,
            products,
            command: Vec::new(),
            return_value: None,
        };
        let close = rule(&["DISALLOW", "*"]);
        let matched = rule(&["MATCH", "in", "WITH", "PRODUCTS", "FROM", "fetch"]);
        let step = |name, materials, products, functionary| NewStep {
            name,
            expected_command: Vec::new(),
            expected_materials: materials,
            expected_products: products,
            functionary,
        };
        let create = |name| vec![rule(&["REQUIRE", name]), rule(&["CREATE", name]), close.clone()];
        let layout = NewLayout {
            expires: NOW.plus_ms(1_000),
            readme: "Two steps.",
            steps: vec![
                step("fetch", vec![close.clone()], create("in"), keys[0].public_key()),
                step("train", vec![matched, close.clone()], create("out"), keys[1].public_key()),
            ],
        };
        let layout = layout.to_value();
        let links = vec![
            link("fetch", BTreeMap::new(), digests("in")).to_value(),
            link("train", digests("in"), digests("out")).to_value(),
        ];
        Self { owner, keys, links, layout }
    }

    fn files(&self) -> Vec<Vec<u8>> {
        let signed = self.links.iter().zip(&self.keys);
        signed.map(|(link, key)| sign_metadata(link, key).unwrap()).collect()
    }

    fn failures_of(&self, files: &[Vec<u8>]) -> Vec<String> {
        let links: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let layout = sign_metadata(&self.layout, &self.owner).unwrap();
        failures(&verify_links(&links, &layout, self.owner.public_key(), NOW))
    }

    fn failures(&self) -> Vec<String> {
        self.failures_of(&self.files())
    }
}

#[test]
fn two_steps_hold_in_any_order() {
    let chain = Chain::new();
    assert_eq!(chain.failures(), Vec::<String>::new());
    let mut files = chain.files();
    files.reverse();
    assert_eq!(chain.failures_of(&files), Vec::<String>::new());
}

#[test]
fn missing_surplus_and_unknown_links_are_refused() {
    let mut chain = Chain::new();
    let files = chain.files();
    assert_eq!(chain.failures_of(&[]), ["layout.steps"]);
    assert_eq!(chain.failures_of(&files[..1]), ["layout.steps"]);
    assert_eq!(chain.failures_of(&files[1..]), ["layout.steps", "link.materials"]);
    let twice = [files[0].clone(), files[0].clone()];
    assert_eq!(chain.failures_of(&twice), ["link.1.step"]);
    let three = [&files[..], &files[..1]].concat();
    assert_eq!(chain.failures_of(&three), ["layout.steps", "link.2.step"]);
    let many = vec![files[0].clone(); MAX_LINKS + 3];
    assert!(chain.failures_of(&many).contains(&"layout.steps".to_owned()));
    chain.links[0]["name"] = json!("other");
    assert_eq!(chain.failures(), ["link.0.step", "link.1.materials"]);
}

#[test]
fn a_functionary_signs_its_own_step_only() {
    let mut chain = Chain::new();
    chain.keys.reverse();
    assert_eq!(chain.failures(), ["link.0.signature", "link.1.signature"]);
    let chain = Chain::new();
    let mut files = chain.files();
    files[0] = sign_metadata(&chain.links[0], &chain.owner).unwrap();
    assert_eq!(chain.failures_of(&files), ["link.0.signature"]);
}

#[test]
fn a_material_must_be_the_product_of_the_step_before() {
    let mut chain = Chain::new();
    chain.links[1]["materials"]["in"]["sha256"] = json!("00");
    assert_eq!(chain.failures(), ["link.1.materials"]);
    let mut chain = Chain::new();
    chain.links[0]["products"]["in"]["sha256"] = json!("00");
    assert_eq!(chain.failures(), ["link.1.materials"]);
    let mut chain = Chain::new();
    chain.layout["steps"][1]["expected_materials"][0] =
        json!(["MATCH", "in", "WITH", "PRODUCTS", "FROM", "nobody"]);
    assert_eq!(chain.failures(), ["link.1.materials"]);
}

#[test]
fn only_the_exact_file_is_taken() {
    let chain = Chain::new();
    let key = chain.keys[1].public_key();
    let (link, file) = (&chain.links[1], chain.files().remove(1));
    assert_eq!(verify_exact(&file, link, key), Ok(()));
    for place in 0..file.len() {
        let mut broken = file.clone();
        broken[place] ^= 1;
        assert!(verify_exact(&broken, link, key).is_err(), "byte {place}");
    }
    let content = |result| matches!(result, Err(ExactError::Content(_)));
    assert!(content(verify_exact(&file, &chain.links[0], key)));
    assert!(content(verify_exact(&file, link, chain.owner.public_key())));
    assert!(content(verify_exact(&vec![b' '; MAX_METADATA_BYTES + 1], link, key)));
    let text = String::from_utf8(file).unwrap();
    let (_, rest) = text.split_once("\"sig\":\"").unwrap();
    let zeroes = text.replace(&rest[..128], &"0".repeat(128));
    let result = verify_exact(zeroes.as_bytes(), link, key);
    assert!(matches!(result, Err(ExactError::Signature(_))), "{result:?}");
}

#[test]
fn a_link_is_looked_for_under_its_step_and_key() {
    let chain = Chain::new();
    let key = chain.keys[0].public_key();
    let (keyid, _) = functionary_key(key);
    assert_eq!(link_file_name("fetch", key), format!("fetch.{}.link", &keyid[..8]));
}
