//! How long a proof is, and how long its whole verification takes.

use std::time::Instant;

use bundle::{Inclusion, commitment};
use ed25519_dalek::SigningKey;
use ids::Timestamp;
use merkle::{
    Checkpoint, CosignerKey, LogPolicy, TlogProof, Tree, VerifierKey, checkpoint,
    checkpoint::Witness, leaf_hash,
};

const ORIGIN: &str = "mesh.test/ledger";
const SIZE: u64 = 1_000_000;
const TIMES: u32 = 2_000;

pub(crate) fn measure() {
    let log = SigningKey::from_bytes(&[1; 32]);
    let document = b"an envelope";
    let entry = bundle::LedgerEntry {
        schema: bundle::ENTRY_SCHEMA.to_owned(),
        commitment: commitment(&[3; 32], document),
        tag: bundle::Tag::from_bytes([7; 16]),
        logged_at: Timestamp::from_unix_ms(1_700_000_000_000),
    };
    let entry = ids::canonical::to_vec(&entry).unwrap();
    let index = 333_333;
    let leaf = |number: u64| {
        if number == index { leaf_hash(&entry) } else { leaf_hash(&number.to_be_bytes()) }
    };
    let tree: Tree = (0..SIZE).map(leaf).collect();
    let head = Checkpoint { origin: ORIGIN.to_owned(), size: SIZE, root: tree.root() };
    let hashes = tree.inclusion(index, SIZE).unwrap();
    for witnesses in [0_u8, 1, 3] {
        let mut note = checkpoint::sign(&head, &log, ORIGIN).unwrap();
        let mut named = Vec::new();
        for number in 0..witnesses {
            let key = SigningKey::from_bytes(&[10 + number; 32]);
            let name = format!("witness-{number}.example.org");
            note.push_str(&checkpoint::cosign(&head, &key, &name, 1_700_000_000).unwrap());
            let key = CosignerKey::new(&name, key.verifying_key()).unwrap();
            named.push(Witness::new(key));
        }
        let key = VerifierKey::new(ORIGIN, log.verifying_key()).unwrap();
        let policy = LogPolicy::new(key, named, usize::from(witnesses)).unwrap();
        let hashes = hashes.clone();
        let proof = TlogProof { extra: None, index, hashes, checkpoint: note }.to_string();
        let length = proof.len();
        let inclusion = Inclusion { salt: vec![3; 32], entry: entry.clone(), proof };
        let begun = Instant::now();
        for _ in 0..TIMES {
            inclusion.check(document, &policy).unwrap();
        }
        let each = begun.elapsed() / TIMES;
        println!(
            "proof under {SIZE} entries, {witnesses} witnesses: {length} bytes, verified in {each:?}"
        );
    }
}
