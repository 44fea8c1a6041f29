//! Fuzz targets: one function per parser of untrusted bytes.
//!
//! Each takes any bytes, says whether they were accepted, and panics when an invariant breaks.

use std::io::{Cursor, Write as _};

use ids::{Sha256Digest, canonical};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A target: its name, which is its corpus' folder too, and its function.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// Every target, for the smoke runner.
pub const TARGETS: &[Target] = &[
    ("checkpoint_note", checkpoint_note),
    ("inclusion_proof", inclusion_proof),
    ("dataset_definition", dataset_definition),
    ("dataset_csv", dataset_csv),
    ("keras_model", keras_model),
];

/// The key of the corpus' notes.
const LOG_KEY: &str = "log.example/aibom+b41fabbf+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";

/// A signed checkpoint: what reads back must be what was signed.
pub fn checkpoint_note(data: &[u8]) -> bool {
    let Ok(note) = std::str::from_utf8(data) else {
        return false;
    };
    if let Ok(key) = note.parse::<merkle::VerifierKey>() {
        assert_eq!(key.to_string(), note, "a verifier key has one spelling");
        return true;
    }
    let Ok(parsed) = merkle::SignedCheckpoint::parse(note) else {
        return false;
    };
    let body = parsed.unverified().to_note_body();
    assert!(note.starts_with(&body), "a checkpoint has one spelling");
    let Ok(key) = LOG_KEY.parse::<merkle::VerifierKey>() else {
        unreachable!("a constant key")
    };
    parsed.verify(&key).is_ok()
}

/// Index, size, leaf, root and hashes, packed: a proof that fits one root fits no other.
pub fn inclusion_proof(data: &[u8]) -> bool {
    let Some((index, rest)) = data.split_first_chunk::<8>() else {
        return false;
    };
    let Some((size, rest)) = rest.split_first_chunk::<8>() else {
        return false;
    };
    let (index, size) = (u64::from_le_bytes(*index), u64::from_le_bytes(*size));
    let (hashes, _) = rest.as_chunks::<32>();
    let hashes: Vec<_> = hashes
        .iter()
        .map(|hash| Sha256Digest::from_bytes(*hash))
        .collect();
    let [leaf, root, proof @ ..] = hashes.as_slice() else {
        return false;
    };
    let other = merkle::leaf_hash(b"another root");
    let included = merkle::verify_inclusion(leaf, index, size, proof, root).is_ok();
    let consistent = merkle::verify_consistency(index, leaf, size, root, proof).is_ok();
    if *root != other {
        let both = merkle::verify_inclusion(leaf, index, size, proof, &other).is_ok();
        assert!(!(included && both), "one proof for two roots");
        let both = merkle::verify_consistency(index, leaf, size, &other, proof).is_ok();
        // An empty old tree is the start of every tree.
        assert!(
            index == 0 || !(consistent && both),
            "one consistency proof for two roots"
        );
    }
    included || consistent
}

/// A dataset definition in YAML.
pub fn dataset_definition(data: &[u8]) -> bool {
    let Ok(definition) = dataset::Definition::parse(data) else {
        return false;
    };
    assert!(definition.label_column().is_some(), "the label is a column");
    assert!(definition.features().next().is_some(), "there is a feature");
    assert!(
        canonical::to_vec(&definition).is_ok(),
        "canonical JSON can hold it"
    );
    true
}

/// A CSV, read with a fixed definition and small limits.
pub fn dataset_csv(data: &[u8]) -> bool {
    const DEFINITION: &[u8] = b"columns: {x: float, n: int, y: str}\nlabel: y\n";
    let Ok(definition) = dataset::Definition::parse(DEFINITION) else {
        unreachable!("a constant definition")
    };
    let limits = dataset::Limits {
        max_rows: 50,
        max_columns: 8,
        max_line_bytes: 200,
    };
    let Ok(statistics) = dataset::describe(data, &definition, &limits) else {
        return false;
    };
    assert_eq!(statistics.bytes, data.len() as u64, "every byte was read");
    assert!((1..=50).contains(&statistics.rows), "rows are bounded");
    let Ok(bytes) = canonical::to_vec(&statistics) else {
        unreachable!("canonical JSON")
    };
    let back = canonical::from_slice::<dataset::Statistics>(&bytes, 1 << 20);
    assert!(
        back.is_ok_and(|back| back == statistics),
        "statistics read back"
    );
    true
}

/// A `.keras` file; what begins like JSON or HDF5 is packed as its configuration or weights, so that
/// checksums do not end every run.
pub fn keras_model(data: &[u8]) -> bool {
    const CONFIG: &[u8] = br#"{"module":"keras","class_name":"Sequential","config":{"layers":[]},"registered_name":null}"#;
    const WEIGHTS: &[u8] = include_bytes!("../../libs/model/fixtures/plain.h5");
    let limits = model::Limits {
        max_values: 100_000,
        ..model::Limits::default()
    };
    let inspect = |bytes: &[u8]| model::inspect(Cursor::new(bytes), &limits);
    let facts = match data.first() {
        Some(b'{') => inspect(&pack(data, WEIGHTS)),
        Some(0x89) => inspect(&pack(CONFIG, data)),
        _ => inspect(data),
    };
    let Ok(facts) = facts else { return false };
    assert!(
        matches!(facts.class_name.as_str(), "Sequential" | "Functional"),
        "a known kind"
    );
    assert!(
        facts.parameter_count.is_none_or(|count| count < 1 << 31),
        "no more than is stored"
    );
    assert!(
        canonical::to_vec(&facts).is_ok(),
        "canonical JSON can hold it"
    );
    true
}

fn pack(config: &[u8], weights: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let metadata = &br#"{"keras_version": "3.15.1"}"#[..];
    let entries = [
        ("metadata.json", metadata),
        ("config.json", config),
        ("model.weights.h5", weights),
    ];
    for (name, content) in entries {
        let written = writer
            .start_file(name, options)
            .map(|()| writer.write_all(content));
        assert!(matches!(written, Ok(Ok(()))), "writing to memory");
    }
    writer.finish().map(Cursor::into_inner).unwrap_or_default()
}
