//! Writes a bundle of the test kit for other people's tools: `sample_bundle DIR` makes
//! bundle.aibom.json, trust-root.json, bundle.jsonl and keys.json (what the signatures hold by).
#![expect(
    clippy::unwrap_used,
    reason = "a helper for tests: what fails is named by where it panics"
)]

use std::{fs, path::PathBuf};

use serde_json::{Map, Value, json};
use testkit::evidence::Fixture;

fn main() {
    let directory = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| ".".into()));
    fs::create_dir_all(&directory).unwrap();
    let fixture = Fixture::new().policy(|policy| policy.ignore.clear()).released(|_| {});
    let (bundle, root) = (testkit::bundle::bundle(&fixture), fixture.trust_root());
    let write = |name: &str, bytes: &[u8]| fs::write(directory.join(name), bytes).unwrap();
    write("bundle.aibom.json", &bundle.to_bytes().unwrap());
    write("trust-root.json", &fixture.mesh().seal_root(&root));
    write("bundle.jsonl", &bundle.to_sigstore_lines(&root).unwrap());
    let keys: Map<String, Value> =
        root.signing_keys.iter().map(|k| (k.usage.to_string(), json!(k.public_key))).collect();
    let keys = json!({ "signing": keys, "ledger": root.ledger_key });
    write("keys.json", keys.to_string().as_bytes());
}
