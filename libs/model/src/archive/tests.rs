//! Tests of the archive: each trick that some reader of zip falls for is refused by its rule.

use std::io::{Cursor, Write as _};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::tests::{METADATA, WEIGHTS, archive, read, rule};

const CONFIG: &str = r#"{"module": "keras", "class_name": "Sequential", "config": {"layers": []},
    "registered_name": null}"#;
const PARTS: [(&str, &[u8]); 3] = [
    ("metadata.json", METADATA.as_bytes()),
    ("config.json", CONFIG.as_bytes()),
    ("model.weights.h5", WEIGHTS),
];

fn good() -> Vec<u8> {
    archive(&PARTS)
}

fn with(name: &str) -> Vec<u8> {
    let mut parts = PARTS.to_vec();
    parts.push((name, b"x"));
    archive(&parts)
}

/// An archive in which one entry has other options.
fn with_options(which: &str, options: SimpleFileOptions) -> Vec<u8> {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in PARTS {
        writer.start_file(name, if name == which { options } else { stored }).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Where the n-th header of a kind begins.
fn header(bytes: &[u8], signature: &[u8; 4], n: usize) -> usize {
    let mut places = bytes.windows(4).enumerate().filter(|(_, w)| w == signature);
    places.nth(n).unwrap().0
}

/// The good archive with bytes changed at an offset in the n-th directory header, and in the local
/// one too if it is given.
fn patch(n: usize, central: (usize, &[u8]), local: Option<usize>) -> Vec<u8> {
    let mut bytes = good();
    let at = header(&bytes, b"PK\x01\x02", n) + central.0;
    bytes[at..at + central.1.len()].copy_from_slice(central.1);
    if let Some(offset) = local {
        let at = header(&bytes, b"PK\x03\x04", n) + offset;
        bytes[at..at + central.1.len()].copy_from_slice(central.1);
    }
    bytes
}

/// The good archive with bytes changed in its end record.
fn patch_end(offset: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = good();
    let at = bytes.len() - 22 + offset;
    bytes[at..at + value.len()].copy_from_slice(value);
    bytes
}

#[test]
fn the_plain_archive_is_accepted_in_any_order() {
    assert_eq!(rule(read(&good())), "accepted");
    let [a, b, c] = PARTS;
    assert_eq!(rule(read(&archive(&[c, a, b]))), "accepted");
}

#[test]
fn other_entries_are_refused_by_their_rule() {
    let table = [
        ("extra.txt", "UnknownEntry"),
        ("Config.json", "UnknownEntry"),
        ("model.weights.npz", "UnknownEntry"),
        ("assets/vocabulary.txt", "Asset"),
        ("assets/", "Asset"),
        ("../config.json", "Path"),
        ("/etc/cron.d/x", "Path"),
        ("assets/../../x", "Path"),
        ("..\\x", "Path"),
        ("c:x", "Path"),
        ("a/config.json", "Path"),
        ("./config.json", "Path"),
        ("config.json\0", "Path"),
    ];
    for (name, expected) in table {
        assert_eq!(rule(read(&with(name))), expected, "{name:?}");
    }
    for missing in 0..3 {
        let mut parts = PARTS.to_vec();
        parts.remove(missing);
        assert_eq!(rule(read(&archive(&parts))), "MissingEntry");
    }
    // The crate refuses to write duplicates: rename one after the fact.
    let mut twice = with("config.jsoX");
    for signature in [b"PK\x03\x04", b"PK\x01\x02"] {
        let name = header(&twice, signature, 3) + if signature[2] == 3 { 30 } else { 46 };
        twice[name + 10] = b'n';
    }
    assert_eq!(rule(read(&twice)), "DuplicateEntry");
}

#[test]
fn other_features_of_zip_are_refused_by_their_rule() {
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    assert_eq!(rule(read(&with_options("config.json", deflated))), "Compressed");
    assert_eq!(rule(read(&with_options("model.weights.h5", deflated))), "Compressed");
    let zip64 = rule(read(&with_options("model.weights.h5", stored.large_file(true))));
    assert!(["Zip64", "ZipFeature"].contains(&zip64.as_str()), "{zip64}");
    let mut writer = ZipWriter::new(Cursor::new(good()));
    writer.add_symlink("config.json", "/etc/passwd", stored).unwrap();
    assert_eq!(rule(read(&writer.finish().unwrap().into_inner())), "NotAFile");
}

#[test]
fn every_changed_header_is_refused_by_its_rule() {
    let table: [(&str, Vec<u8>, &str); 18] = [
        ("encrypted", patch(1, (8, &[1, 0]), Some(6)), "Encrypted"),
        ("data descriptor", patch(1, (8, &[8, 0]), Some(6)), "DataDescriptor"),
        ("strong encryption flag", patch(1, (8, &[0x40, 0]), Some(6)), "ZipFeature"),
        ("nothing changed", patch(1, (8, &[0, 0]), None), "accepted"),
        ("newer version", patch(1, (6, &[45, 0]), Some(4)), "ZipFeature"),
        ("volume", patch(1, (34, &[1, 0]), None), "ZipFeature"),
        ("extra field", patch(1, (30, &[4, 0]), None), "ZipFeature"),
        ("comment", patch(1, (32, &[4, 0]), None), "ZipFeature"),
        ("two sizes", patch(1, (20, &[9, 0, 0, 0]), Some(18)), "Archive"),
        ("zip64 size", patch(1, (24, &[255; 4]), Some(22)), "Zip64"),
        ("zip64 place", patch(1, (42, &[255; 4]), None), "Zip64"),
        ("overlap", patch(1, (42, &[0; 4]), None), "Archive"),
        ("gap", patch(1, (42, &[0, 1, 0, 0]), None), "Slack"),
        ("date differs", patch(1, (12, &[1, 1]), None), "HeaderMismatch"),
        ("checksum", patch(1, (16, &[1, 2, 3, 4]), Some(14)), "Checksum"),
        ("checksum differs", patch(1, (16, &[1, 2, 3, 4]), None), "HeaderMismatch"),
        ("name differs", patch(1, (46, b"c0nfig"), None), "UnknownEntry"),
        ("directory", patch(1, (38, &[0x10, 0, 0, 0]), None), "NotAFile"),
    ];
    for (what, bytes, expected) in table {
        assert_eq!(rule(read(&bytes)), expected, "{what}");
    }
}

#[test]
fn bytes_of_no_entry_and_broken_ends_are_refused() {
    let good = good();
    let behind = [&good[..], b"\n"].concat();
    let in_front = [b"#!/bin/sh\n", &good[..]].concat();
    let mut comment = ZipWriter::new_append(Cursor::new(good.clone())).unwrap();
    comment.set_comment("hello").unwrap();
    let comment = comment.finish().unwrap().into_inner();
    let locator = {
        let (body, end) = good.split_at(good.len() - 22);
        [body, b"PK\x06\x07", &[0; 16], end].concat()
    };
    let between = {
        let directory = header(&good, b"PK\x01\x02", 0);
        let (body, rest) = good.split_at(directory);
        let mut bytes = [body, b"hidden", rest].concat();
        let at = bytes.len() - 6;
        let moved = u32::try_from(directory + 6).unwrap().to_le_bytes();
        bytes[at..at + 4].copy_from_slice(&moved);
        bytes
    };
    let twice = [&good[..], &good[..]].concat();
    let table: [(&str, Vec<u8>, &str); 13] = [
        ("empty", Vec::new(), "Archive"),
        ("text", b"not a zip archive at all, but long enough".to_vec(), "Archive"),
        ("end record only", archive(&[]), "MissingEntry"),
        ("behind", behind, "Slack"),
        ("in front", in_front, "Slack"),
        ("comment", comment, "Slack"),
        ("between", between, "Slack"),
        ("two archives", twice, "Slack"),
        ("zip64 locator", locator, "Zip64"),
        ("zip64 count", patch_end(8, &[255; 4]), "Zip64"),
        ("volumes", patch_end(4, &[1, 0]), "Archive"),
        ("directory beyond", patch_end(12, &[255, 255, 0, 0]), "Archive"),
        ("comment length", patch_end(20, &[1, 0]), "Archive"),
    ];
    for (what, bytes, expected) in table {
        assert_eq!(rule(read(&bytes)), expected, "{what}");
    }
}
