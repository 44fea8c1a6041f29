//! Models on disk: what is found, how it is hashed, and what is never opened.

use std::{fs, os::unix::ffi::OsStrExt as _, os::unix::fs::symlink};

use ids::Sha256Digest;
use indicatif::ProgressBar;
use oms::{Resource, Serialization};

use super::{
    hash::hash,
    key::KeySource,
    walk::{Found, Walk, walk, within},
    *,
};

fn hashed(found: &Walk, serialization: Serialization) -> Vec<Resource> {
    let files: Vec<&Found> = found.files.iter().collect();
    hash(&files, serialization, &ProgressBar::hidden()).unwrap()
}

#[test]
fn hidden_files_count_and_the_signature_alone_does_not() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().canonicalize().unwrap();
    fs::create_dir_all(root.join(".git/objects")).unwrap();
    for name in ["a", ".hidden", ".git/objects/x", "model.sig", "sub/model.sig"] {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), name).unwrap();
    }
    let found = walk(&root, &root.join("model.sig"), |_| false).unwrap();
    let names: Vec<_> = found.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, [".git/objects/x", ".hidden", "a", "sub/model.sig"]);
    for resource in hashed(&found, Serialization::Files) {
        assert_eq!(resource.sha256, Sha256Digest::of(resource.name.as_bytes()));
    }
    let found = walk(&root, Path::new("elsewhere.sig"), |path| path == ".git").unwrap();
    assert_eq!(found.files.len(), 4, "model.sig is now a file as any other");
    assert_eq!(found.ignored, [".git"]);
}

#[test]
fn links_pipes_and_names_that_are_no_text_are_named() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().canonicalize().unwrap();
    fs::create_dir(root.join("directory")).unwrap();
    symlink("directory", root.join("link")).unwrap();
    symlink("nothing", root.join("model.sig")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"\xff")), "x").unwrap();
    let found = walk(&root, &root.join("model.sig"), |_| false).unwrap();
    let paths: Vec<_> = found.unusable.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["link", "model.sig", "socket", "\u{fffd}"]);
    assert!(found.files.is_empty());
}

#[test]
fn large_files_small_files_and_shards_have_the_digests_of_their_bytes() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().canonicalize().unwrap();
    let bytes: Vec<u8> = (0..17_000_001_u32).map(|i| (i % 251).to_le_bytes()[0]).collect();
    fs::write(root.join("large"), &bytes).unwrap();
    // One large file, of many blocks.
    let found = walk(&root, Path::new("x"), |_| false).unwrap();
    assert_eq!(hashed(&found, Serialization::Files)[0].sha256, Sha256Digest::of(&bytes));
    fs::write(root.join("empty"), "").unwrap();
    let found = walk(&root, Path::new("x"), |_| false).unwrap();
    let whole = hashed(&found, Serialization::Files);
    assert_eq!(whole.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["empty", "large"]);
    assert_eq!(whole[1].sha256, Sha256Digest::of(&bytes));
    let shards = hashed(&found, Serialization::Shards { size: 9_000_000 });
    let expected = [(0, 9_000_000), (9_000_000, bytes.len())].map(|(start, end)| Resource {
        name: format!("large:{start}:{end}"),
        sha256: Sha256Digest::of(&bytes[start..end]),
    });
    assert_eq!(shards, expected);
    let files: Vec<&Found> = found.files.iter().collect();
    assert!(hash(&files, Serialization::Shards { size: 1 }, &ProgressBar::hidden()).is_err());
}

#[test]
fn a_file_that_changed_its_length_or_became_a_link_is_not_hashed() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().canonicalize().unwrap();
    for name in ["long", "short", "link"] {
        fs::write(root.join(name), "123").unwrap();
    }
    let found = walk(&root, Path::new("x"), |_| false).unwrap();
    fs::write(root.join("long"), "1234").unwrap();
    fs::write(root.join("short"), "12").unwrap();
    fs::remove_file(root.join("link")).unwrap();
    fs::write(place.path().join("other"), "123").unwrap();
    symlink("other", root.join("link")).unwrap();
    for file in &found.files {
        let outcome = hash(&[file], Serialization::Files, &ProgressBar::hidden());
        assert!(outcome.is_err(), "{}", file.name);
    }
}

#[test]
fn ignored_paths_lie_within_the_model() {
    let root = Path::new("/models/m");
    let list = |path: &str| within(root, &[path.into()]);
    assert_eq!(list("a/b/").unwrap(), ["a/b"]);
    assert_eq!(list("/models/m/.git").unwrap(), [".git"]);
    for bad in ["", ".", "..", "a/../b", "/models", "/models/m", "/models/mm/x"] {
        assert!(list(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn keys_are_files_or_uris_and_times_may_lack_milliseconds() {
    let source = |text: &str| text.parse::<KeySource>().unwrap();
    assert_eq!(source("PKCS11:token=a"), KeySource::Pkcs11("PKCS11:token=a".to_owned()));
    assert_eq!(source("pkcs11.pem"), KeySource::File("pkcs11.pem".into()));
    assert_eq!(instant("2026-06-30T00:00:00Z"), instant("2026-06-30T00:00:00.000Z"));
    assert!(instant("2026-06-30").is_err());
}
