//! Everything that is no database is refused, and the one in place stays.

use std::path::PathBuf;

use scandb::{Damage, ImportError, LAYER_MEDIA_TYPE, UnpackError};
use tar::EntryType;

use crate::made::{Bench, Layout, built, gzip, layer, tar, tar_of};

/// Imports `bytes` over a database; gives why they were refused.
fn refused(bytes: &[u8]) -> ImportError {
    refused_at(|bench| bench.source("source", bytes))
}

fn refused_at(source: impl FnOnce(&Bench) -> PathBuf) -> ImportError {
    let bench = Bench::with(10);
    let error = bench.import(&source(&bench)).unwrap_err();
    assert_eq!(bench.in_place().unwrap(), built(10).database, "{error}");
    error
}

macro_rules! assert_refused {
    ($bytes:expr, $pattern:pat) => {
        let error = refused($bytes);
        assert!(matches!(error, $pattern), "{error:?}");
    };
}

#[test]
fn what_is_no_archive_is_refused() {
    let whole = layer(&built(19));
    assert_refused!(b"", ImportError::Unpack(UnpackError::Missing(_)));
    assert_refused!(&[7; 4096], ImportError::Unpack(UnpackError::Read(_)));
    assert_refused!(&[0x1f, 0x8b, 8, 0], ImportError::Unpack(UnpackError::Read(_)));
    assert_refused!(&whole[..whole.len() / 2], ImportError::Unpack(UnpackError::Read(_)));
    let error = refused_at(|bench| bench.sources.join("not-there"));
    assert!(matches!(error, ImportError::Open { .. }), "{error:?}");
    let error = refused_at(|bench| bench.sources.clone());
    assert!(matches!(error, ImportError::Unpack(UnpackError::Missing(_))), "{error:?}");
}

#[test]
fn other_entries_are_refused() {
    let new = built(19);
    let (database, metadata) = (new.database.as_slice(), new.metadata.as_slice());
    let both = [("trivy.db", database), ("metadata.json", metadata)];
    for name in ["../trivy.db", "/trivy.db", "db/trivy.db", "etc/passwd", "trivy.db/../x"] {
        let names = tar(&[both[0], both[1], (name, database)]);
        assert_refused!(&gzip(&names), ImportError::Unpack(UnpackError::Entry(_)));
        assert_refused!(&names, ImportError::Unpack(UnpackError::Entry(_)));
    }
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::GNUSparse] {
        let links = tar_of(kind, &both);
        assert_refused!(&gzip(&links), ImportError::Unpack(UnpackError::Entry(_)));
        assert_refused!(&links, ImportError::Unpack(UnpackError::Entry(_)));
    }
    let twice = tar(&[both[0], both[1], both[0]]);
    assert_refused!(&gzip(&twice), ImportError::Unpack(UnpackError::Twice("trivy.db")));
    let one = tar(&both[..1]);
    assert_refused!(&gzip(&one), ImportError::Unpack(UnpackError::Missing(_)));
    let extended: Vec<_> = (0..17).map(|_| ("x", b"".as_slice())).collect();
    let extended = tar_of(EntryType::XHeader, &extended);
    assert_refused!(&gzip(&extended), ImportError::Unpack(UnpackError::Entries(16)));
}

#[test]
fn what_is_too_long_is_refused_before_it_is_read() {
    for (name, kind) in [
        ("trivy.db", EntryType::Regular),
        ("metadata.json", EntryType::Regular),
        ("extended", EntryType::XHeader),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_entry_type(kind);
        header.set_size(1 << 40);
        header.set_cksum();
        let error = refused(&gzip(header.as_bytes()));
        let too_large = matches!(error, ImportError::Unpack(UnpackError::TooLarge { .. }));
        assert!(too_large, "{error:?}");
    }
}

#[test]
fn a_directory_with_links_is_refused() {
    let new = built(19);
    for linked in ["trivy.db", "metadata.json"] {
        let error = refused_at(|bench| {
            let files = [("trivy.db", &new.database), ("metadata.json", &new.metadata)];
            for (name, bytes) in files {
                let elsewhere = bench.target.join("..").join(name);
                std::fs::write(&elsewhere, bytes).unwrap();
                if name == linked {
                    std::os::unix::fs::symlink(&elsewhere, bench.sources.join(name)).unwrap();
                } else {
                    std::fs::write(bench.sources.join(name), bytes).unwrap();
                }
            }
            bench.sources.clone()
        });
        assert!(matches!(error, ImportError::Unpack(UnpackError::Entry(_))), "{error:?}");
    }
}

#[test]
fn an_image_without_one_database_is_refused() {
    let layer = layer(&built(19));
    let other = Layout::new("application/vnd.oci.image.layer.v1.tar+gzip", &[&layer]).tar();
    assert_refused!(&other, ImportError::Unpack(UnpackError::Layers(0)));
    let two = Layout::new(LAYER_MEDIA_TYPE, &[&layer, &layer]).tar();
    assert_refused!(&two, ImportError::Unpack(UnpackError::Layers(2)));
    let mut none = Layout::of(&built(19));
    none.files[1].1 = br#"{"manifests": []}"#.to_vec();
    assert_refused!(&none.tar(), ImportError::Unpack(UnpackError::Manifests(0)));
    none.files[1].1 = b"[]".to_vec();
    assert_refused!(&none.tar(), ImportError::Unpack(UnpackError::Document { .. }));
    let named = |digest: &str| {
        let mut layout = Layout::of(&built(19));
        let descriptor = format!(r#"{{"mediaType": "", "digest": "{digest}", "size": 1}}"#);
        layout.files[1].1 = format!(r#"{{"manifests": [{descriptor}]}}"#).into_bytes();
        layout.tar()
    };
    let digest = named("sha256:../../index.json");
    assert_refused!(&digest, ImportError::Unpack(UnpackError::DigestName(_)));
    let absent = named(&format!("sha256:{}", "0".repeat(64)));
    assert_refused!(&absent, ImportError::Unpack(UnpackError::Missing(_)));
}

#[test]
fn a_blob_that_is_not_what_its_name_says_is_refused() {
    let whole = Layout::of(&built(19));
    for index in [2, 4] {
        let mut changed = Layout { files: whole.files.clone() };
        let bytes = &mut changed.files[index].1;
        // In the manifest a blank; in the layer the last byte, which its reader has no use for.
        *bytes.last_mut().unwrap() ^= 0x80;
        let error = refused(&changed.tar());
        assert!(matches!(error, ImportError::Unpack(_)), "{error:?}");
        changed.files[index].1.pop();
        assert_refused!(&changed.tar(), ImportError::Unpack(UnpackError::Truncated { .. }));
    }
    // The whole database of another day, under the digest of this one.
    let mut other = Layout { files: whole.files.clone() };
    let mut layer = layer(&built(18));
    layer.resize(other.files[4].1.len(), 0);
    other.files[4].1 = layer;
    assert_refused!(&other.tar(), ImportError::Unpack(UnpackError::Digest { .. }));
}

#[test]
fn metadata_of_another_kind_is_refused() {
    let with = |metadata: &str| {
        gzip(&tar(&[("trivy.db", &built(19).database), ("metadata.json", metadata.as_bytes())]))
    };
    assert_refused!(&with("{"), ImportError::Metadata(_));
    assert_refused!(&with(r#"{"Version": 2, "UpdatedAt": "today"}"#), ImportError::Metadata(_));
    let old = r#"{"Version": 1, "UpdatedAt": "2026-11-19T00:00:00Z"}"#;
    assert_refused!(&with(old), ImportError::Schema(1));
    let future = r#"{"Version": 2, "UpdatedAt": "2026-11-20T14:00:00Z"}"#;
    assert_refused!(&with(future), ImportError::InTheFuture(_));
}

#[test]
fn a_damaged_database_is_refused() {
    let whole = built(19);
    let with =
        |database: &[u8]| gzip(&tar(&[("trivy.db", database), ("metadata.json", &whole.metadata)]));
    let short = &whole.database[..whole.database.len() - 1];
    assert_refused!(&with(short), ImportError::Damaged(Damage::Truncated { .. }));
    assert_refused!(&with(b""), ImportError::Damaged(Damage::TooShort(0)));
    assert_refused!(&with(&[0; 8192]), ImportError::Damaged(Damage::NoMeta(0)));
    let mut torn = whole.database.clone();
    torn[4096 + 16 + 48] ^= 1;
    assert_refused!(&with(&torn), ImportError::Damaged(Damage::Checksum(1)));
}
