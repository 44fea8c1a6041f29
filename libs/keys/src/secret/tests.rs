//! What is taken for a secret, and what is refused.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;

fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    (directory, path)
}

#[test]
fn one_newline_at_the_end_is_not_part_of_a_secret() {
    for (content, secret) in [(&b"abc"[..], "abc"), (b"abc\n", "abc"), (b" a\n\n", " a\n")] {
        let (_directory, path) = file(content);
        let read = read_secret(&path, 8).unwrap();
        assert_eq!(*read.text, secret);
        assert_eq!(read.stamp, FileStamp::of(&path).unwrap());
        assert!(!format!("{read:?}").contains("abc"));
    }
    let (_directory, path) = file(b"12345678\n");
    assert!(read_secret(&path, 8).is_ok());
}

#[test]
fn what_is_no_secret_is_refused() {
    for content in [&b""[..], b"\n", b"\xff\xfe"] {
        let (_directory, path) = file(content);
        assert!(matches!(read_secret(&path, 8), Err(ReadSecretError::NoText { .. })));
    }
    for content in [&b"123456789"[..], b"123456789\n", b"12345678\n\n", &[b'1'; 100_000]] {
        let (_directory, path) = file(content);
        assert!(matches!(read_secret(&path, 8), Err(ReadSecretError::TooLong { max: 8, .. })));
    }
    let (directory, path) = file(b"abc");
    assert!(matches!(read_secret(directory.path(), 8), Err(ReadSecretError::NoText { .. })));
    let missing = directory.path().join("none");
    assert!(matches!(read_secret(&missing, 8), Err(ReadSecretError::Read { .. })));
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(read_secret(&path, 8), Err(ReadSecretError::Mode { .. })));
    }
}

#[test]
fn a_stamp_changes_with_the_file() {
    let (directory, path) = file(b"abc");
    let stamp = FileStamp::of(&path).unwrap();
    assert_eq!(FileStamp::of(&path).unwrap(), stamp);
    let other = directory.path().join("other");
    fs::write(&other, b"abd").unwrap();
    fs::rename(&other, &path).unwrap();
    assert_ne!(FileStamp::of(&path).unwrap(), stamp);
}
