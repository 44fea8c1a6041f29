//! Promises that are not kept, limits that are exceeded, names that would escape.

use bytes::Bytes;
use ids::Sha256Digest;

use super::{config, id, local, sample, staged_files, upload};
use crate::{
    ArtifactStore, BeginError, FinishError, Limits, OpenError, PUT_BYTES_MAX, PutError,
    StoreConfig,
    names::{Promise, key, parse_staging_name, staging_name},
};

#[tokio::test]
async fn a_wrong_digest_names_both_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let expected = Sha256Digest::of(b"abc");
    let mut writer = store.begin(id(1), expected, 3).await.unwrap();
    writer.write(Bytes::from_static(b"abd")).await.unwrap();
    let error = writer.finish().await.unwrap_err();
    let got = Sha256Digest::of(b"abd");
    assert!(error.to_string().contains(&expected.to_hex()), "{error}");
    assert!(error.to_string().contains(&got.to_hex()), "{error}");
    assert_eq!(staged_files(&directory), 0);
    assert_eq!(store.stat(&expected).await.unwrap(), None);
    assert_eq!(store.stat(&got).await.unwrap(), None);
    upload(&store, id(1), b"abc", 3).await.unwrap();
}

#[tokio::test]
async fn a_wrong_size_is_refused_either_way() {
    let directory = tempfile::tempdir().unwrap();
    let store = local(&directory);
    let mut writer = store.begin(id(1), Sha256Digest::of(b"abc"), 4).await.unwrap();
    writer.write(Bytes::from_static(b"abc")).await.unwrap();
    let short = writer.finish().await;
    assert!(matches!(short, Err(FinishError::Size { expected: 4, got: 3 })), "{short:?}");
    let mut writer = store.begin(id(1), Sha256Digest::of(b"abc"), 2).await.unwrap();
    writer.write(Bytes::from_static(b"ab")).await.unwrap();
    writer.write(Bytes::from_static(b"c")).await.unwrap_err();
    drop(writer);
    assert_eq!(staged_files(&directory), 0);
    let empty = store.begin(id(1), Sha256Digest::of(b"abc"), 0).await.unwrap().finish().await;
    assert!(matches!(empty, Err(FinishError::Digest { .. })), "{empty:?}");
}

#[tokio::test]
async fn every_limit_has_its_own_refusal() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits { artifact_bytes_max: 100, uploads_max: 2, staging_bytes_max: 150 };
    let limited = StoreConfig { limits, ..config(directory.path()) };
    let store = ArtifactStore::open(&limited).unwrap();
    let digest = Sha256Digest::of(b"abc");
    let begin = |number, size| store.begin(id(number), digest, size);
    let large = begin(1, 101).await;
    assert!(matches!(large, Err(BeginError::TooLarge { size: 101, limit: 100 })), "{large:?}");
    let first = begin(1, 100).await.unwrap();
    let full = begin(2, 51).await;
    assert!(matches!(full, Err(BeginError::StagingFull { reserved: 100, .. })), "{full:?}");
    let second = begin(2, 25).await.unwrap();
    let many = begin(3, 25).await;
    assert!(matches!(many, Err(BeginError::TooMany { limit: 2 })), "{many:?}");
    drop(first);
    let third = begin(3, 25).await.unwrap();
    // The interrupted one keeps its reservation, also over a restart, until it is swept.
    drop((second, third));
    let full = begin(4, 1).await;
    assert!(matches!(full, Err(BeginError::StagingFull { .. })), "{full:?}");
    drop(store);
    let store = ArtifactStore::open(&limited).unwrap();
    let full = store.begin(id(4), digest, 1).await;
    assert!(matches!(full, Err(BeginError::StagingFull { reserved: 150, .. })), "{full:?}");
    assert_eq!(store.sweep_staging(std::time::Duration::ZERO).await.unwrap().uploads, 3);
    drop(store.begin(id(4), digest, 1).await.unwrap());
}

#[tokio::test]
async fn documents_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits { artifact_bytes_max: 100, ..Limits::default() };
    let limited = StoreConfig { limits, ..config(directory.path()) };
    let small = ArtifactStore::open(&limited).unwrap();
    let put = small.put_bytes(&sample(101)).await;
    assert!(matches!(put, Err(PutError::TooLarge { size: 101, limit: 100 })), "{put:?}");
    drop(small);
    let put = local(&directory).put_bytes(&vec![0; PUT_BYTES_MAX + 1]).await;
    assert!(matches!(put, Err(PutError::TooLarge { .. })), "{put:?}");
}

#[test]
fn only_digests_ids_and_numbers_become_names() {
    let digest = Sha256Digest::of(b"abc");
    let hex = digest.to_hex();
    assert_eq!(key(&digest).to_string(), format!("sha256/ba/{hex}"));
    let promise = Promise { expected: digest, size: 3 };
    let name = staging_name(id(7), &promise);
    assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.'), "{name}");
    assert!(!name.contains(".."));
    assert_eq!(parse_staging_name(&name), Some((id(7), promise)));
    let uuid = id(7).to_string();
    for bad in [
        String::new(),
        "..".to_owned(),
        format!("../{name}"),
        format!("{name}/x"),
        name.to_uppercase(),
        name.replace(".3.", ".03."),
        name.replace(".3.", ".+3."),
        name.replace(".3.", ".-3."),
        name.replace(".3.", ".3.x."),
        format!("{{{uuid}}}.{hex}.3.part"),
        format!("{}.{hex}.3.part", uuid.replace('-', "")),
    ] {
        assert_eq!(parse_staging_name(&bad), None, "{bad:?}");
    }
}

#[test]
fn places_that_make_no_sense_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    for url in ["", "ftp://host/x", "s3://bucket/prefix", "file://host/x", "http://[", "://"] {
        let config = StoreConfig { url: url.to_owned(), ..config(directory.path()) };
        let opened = ArtifactStore::open(&config);
        if cfg!(feature = "s3") && url.starts_with("s3") {
            continue;
        }
        assert!(matches!(opened, Err(OpenError::Url { .. })), "{url}: {opened:?}");
    }
    for url in ["s3://bucket/prefix?region=x", "s3://bucket/#x", "s3://name:secret@bucket/prefix"] {
        let config = StoreConfig { url: url.to_owned(), ..config(directory.path()) };
        let refused = ArtifactStore::open(&config).unwrap_err();
        assert!(matches!(refused, OpenError::Url { .. }), "{url}: {refused:?}");
        assert!(!format!("{refused:?} {refused}").contains("secret"), "{refused}");
    }
    let url = format!("file://{}/by url", directory.path().display());
    ArtifactStore::open(&StoreConfig { url, ..config(directory.path()) }).unwrap();
    assert!(directory.path().join("by url/sha256/ff").is_dir());
}

#[test]
fn staging_on_another_file_system_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        println!("skipped: no /dev/shm here");
        return;
    };
    let config = StoreConfig { staging_dir: memory.path().to_owned(), ..config(directory.path()) };
    let opened = ArtifactStore::open(&config);
    assert!(matches!(opened, Err(OpenError::StagingElsewhere { .. })), "{opened:?}");
}
