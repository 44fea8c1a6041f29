//! The file's own bytes: no other spelling, and no changed byte anywhere.

use proptest::prelude::*;
use testkit::evidence::Fixture;

use super::{assert_refused, made::Made};
use crate::verify_bundle;

/// How many places of the file are changed.
const SAMPLES: usize = 300;

#[test]
fn a_changed_byte_anywhere_is_refused() {
    let made = Made::new(Fixture::new());
    let bytes = made.bytes();
    let stride = (bytes.len() / SAMPLES).max(1);
    for position in (0..bytes.len()).step_by(stride) {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        let verdict = verify_bundle(&changed, &made.root);
        assert!(!verdict.is_verified(), "byte {position} of {}", bytes.len());
        assert!(verdict.checks.first_failure().is_some(), "byte {position}");
    }
}

#[test]
fn every_other_spelling_is_refused() {
    let made = Made::new(Fixture::new());
    let text = String::from_utf8(made.bytes()).unwrap();
    let cases = [
        ("trailing newline", format!("{text}\n")),
        ("leading space", format!(" {text}")),
        ("byte order mark", format!("\u{feff}{text}")),
        ("duplicate key", text.replacen("{\"aibom\":", "{\"aibom\":\"e30=\",\"aibom\":", 1)),
        ("unknown member", text.replacen('{', "{\"zzz\":1,", 1)),
        ("unknown member inside", text.replacen("\"inclusion\":{", "\"inclusion\":{\"a\":1,", 1)),
        ("number for text", text.replacen("\"aibom.bundle.v1\"", "1", 1)),
        ("escaped text", text.replacen("aibom.bundle.v1", "\\u0061ibom.bundle.v1", 1)),
        ("other schema", text.replacen("aibom.bundle.v1", "aibom.bundle.v9", 1)),
        ("unpadded base64", text.replacen("==\"", "\"", 1)),
        ("cut short", text[..text.len() / 2].to_owned()),
        ("empty", String::new()),
        ("not JSON", "hello".to_owned()),
        ("deep", "[".repeat(100_000)),
    ];
    for (what, spelling) in cases {
        assert_ne!(spelling, text, "{what}");
        let verdict = verify_bundle(spelling.as_bytes(), &made.root);
        assert_refused(what, &verdict, "bundle.format");
        assert_eq!(verdict.checks.as_slice().len(), 1, "{what}: nothing else can be checked");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_give_a_verdict(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let root = Fixture::new().trust_root();
        prop_assert!(!verify_bundle(&bytes, &root).is_verified());
    }
}
