//! A changed trust root is taken up, a bad or older one is not.

use testkit::evidence::Fixture;

use super::*;

fn write(path: &Path, root: &TrustRoot) {
    // One more byte than before, so that the stamp differs even within the clock's resolution.
    let mut bytes = Fixture::new().mesh().seal_root(root);
    if std::fs::metadata(path).is_ok_and(|data| data.len() == bytes.len() as u64) {
        bytes.push(b'\n');
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_newer_root_is_taken_and_a_bad_or_older_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trust-root.json");
    let mut root = Fixture::new().trust_root();
    root.version = 5;
    write(&path, &root);
    let pinned = PinnedRoot::open(&path).unwrap();
    assert_eq!(pinned.current().root.version, 5);

    root.version = 6;
    write(&path, &root);
    assert_eq!(pinned.current().root.version, 6);

    root.version = 4;
    write(&path, &root);
    assert_eq!(pinned.current().root.version, 6);
    std::fs::write(&path, b"{}").unwrap();
    assert_eq!(pinned.current().root.version, 6);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(pinned.current().root.version, 6);

    root.version = 7;
    write(&path, &root);
    assert_eq!(pinned.current().root.version, 7);
}

#[test]
fn without_a_usable_root_nothing_starts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trust-root.json");
    assert!(matches!(PinnedRoot::open(&path), Err(RootError::Read { .. })));
    std::fs::write(&path, vec![b' '; MAX_TRUST_ROOT_BYTES + 10]).unwrap();
    assert!(matches!(PinnedRoot::open(&path), Err(RootError::Parse { .. })));
}
