//! Submitted models, which are never run.

use std::io::{Cursor, Write as _};

use ids::canonical;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A `.keras` file; what begins like JSON or HDF5 is packed as its configuration or weights, so that
/// checksums do not end every run.
pub fn keras_model(data: &[u8]) -> bool {
    const CONFIG: &[u8] = br#"{"module":"keras","class_name":"Sequential","config":{"layers":[]},"registered_name":null}"#;
    const WEIGHTS: &[u8] = include_bytes!("../../libs/model/fixtures/plain.h5");
    let limits = model::Limits { max_values: 100_000, ..model::Limits::default() };
    let inspect = |bytes: &[u8]| model::inspect(Cursor::new(bytes), &limits);
    let facts = match data.first() {
        Some(b'{') => inspect(&pack(data, WEIGHTS)),
        Some(0x89) => inspect(&pack(CONFIG, data)),
        _ => inspect(data),
    };
    let Ok(facts) = facts else { return false };
    assert!(matches!(facts.class_name.as_str(), "Sequential" | "Functional"), "a known kind");
    assert!(facts.parameter_count.is_none_or(|count| count < 1 << 31), "no more than is stored");
    assert!(canonical::to_vec(&facts).is_ok(), "canonical JSON can hold it");
    true
}

fn pack(config: &[u8], weights: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let metadata = &br#"{"keras_version": "3.15.1"}"#[..];
    let entries =
        [("metadata.json", metadata), ("config.json", config), ("model.weights.h5", weights)];
    for (name, content) in entries {
        let written = writer.start_file(name, options).map(|()| writer.write_all(content));
        assert!(matches!(written, Ok(Ok(()))), "writing to memory");
    }
    writer.finish().map(Cursor::into_inner).unwrap_or_default()
}
