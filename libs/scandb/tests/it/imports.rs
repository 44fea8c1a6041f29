//! Every kind of source gives the same database, and readers see one or the other.

use std::sync::atomic::{AtomicBool, Ordering};

use ids::Sha256Digest;
use scandb::{ImportError, Installer, Metadata, Options, look};

use crate::made::{Bench, Layout, built, layer, now, options, tar};

#[test]
fn every_kind_of_source_gives_the_same_database() {
    let new = built(19);
    let bench = Bench::new();
    let two = bench.sources.join("two");
    std::fs::create_dir_all(two.join("db")).unwrap();
    for directory in [two.clone(), two.join("db")] {
        std::fs::write(directory.join("trivy.db"), &new.database).unwrap();
        std::fs::write(directory.join("metadata.json"), &new.metadata).unwrap();
    }
    let oci = bench.sources.join("oci");
    Layout::of(&new).write(&oci);
    let plain = tar(&[("./metadata.json", &new.metadata), ("./trivy.db", &new.database)]);
    let sources = [
        two.join("db"),
        two,
        oci,
        bench.source("db.tar.gz", &layer(&new)),
        bench.source("db.tar", &plain),
        bench.source("oci.tar", &Layout::of(&new).tar()),
    ];
    for source in sources {
        let bench = Bench::with(10);
        let imported = bench.import(&source).unwrap();
        assert!(!imported.unchanged, "{}", source.display());
        assert_eq!(imported.sha256, Sha256Digest::of(&new.database));
        assert_eq!(bench.in_place().unwrap(), new.database);
        let found = look(&bench.target).unwrap();
        assert_eq!(found.metadata, Metadata::parse(&new.metadata).unwrap());
        found.usable(now(), 7).unwrap();
    }
}

#[test]
fn the_same_database_again_changes_nothing() {
    let bench = Bench::with(19);
    let inode = |bench: &Bench| {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(bench.target.join("db/trivy.db")).unwrap().ino()
    };
    let before = inode(&bench);
    assert!(bench.import(&bench.source("db.tar.gz", &layer(&built(19)))).unwrap().unchanged);
    assert_eq!(inode(&bench), before);
}

#[test]
fn an_older_one_is_taken_only_when_that_is_asked_for() {
    let bench = Bench::with(19);
    let old = bench.source("db.tar.gz", &layer(&built(18)));
    let error = bench.import(&old).unwrap_err();
    assert!(matches!(error, ImportError::Older { .. }), "{error}");
    assert_eq!(bench.in_place().unwrap(), built(19).database);
    let options = Options { allow_older: true, ..options() };
    Installer::lock(&bench.target).unwrap().import(&old, &options).unwrap();
    assert_eq!(bench.in_place().unwrap(), built(18).database);
}

#[test]
fn the_digest_is_that_of_the_database_or_of_the_archive() {
    let bytes = layer(&built(19));
    for (sha256, holds) in [
        (Sha256Digest::of(&built(19).database), true),
        (Sha256Digest::of(&bytes), true),
        (Sha256Digest::of(b"another"), false),
    ] {
        let bench = Bench::with(10);
        let source = bench.source("db.tar.gz", &bytes);
        let options = Options { sha256: Some(sha256), ..options() };
        let imported = Installer::lock(&bench.target).unwrap().import(&source, &options);
        assert_eq!(imported.is_ok(), holds, "{sha256}");
        let expected = if holds { built(19) } else { built(10) };
        assert_eq!(bench.in_place().unwrap(), expected.database);
    }
}

#[test]
fn one_imports_at_a_time() {
    let bench = Bench::new();
    let first = Installer::lock(&bench.target).unwrap();
    let error = Installer::lock(&bench.target).unwrap_err();
    assert!(matches!(error, ImportError::Busy(_)), "{error}");
    drop(first);
    Installer::lock(&bench.target).unwrap();
}

#[test]
fn leftovers_of_a_crash_are_cleared() {
    let bench = Bench::with(10);
    // As an import is left that ended between the exchange and the removal of the old one.
    for leftover in [".import", ".download/db"] {
        std::fs::create_dir_all(bench.target.join(leftover)).unwrap();
        std::fs::write(bench.target.join(leftover).join("trivy.db"), b"half").unwrap();
    }
    bench.import(&bench.source("db.tar.gz", &layer(&built(19)))).unwrap();
    assert_eq!(bench.in_place().unwrap(), built(19).database);
}

#[test]
fn a_reader_never_sees_the_files_of_two_databases() {
    let bench = Bench::with(10);
    let known: Vec<_> = [10, 19]
        .map(|day| (Metadata::parse(&built(day).metadata).unwrap(), built(day).database))
        .into();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..200 {
                let day = if turn % 2 == 0 { 19 } else { 10 };
                Installer::lock(&bench.target).unwrap().put(&built(day)).unwrap();
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            // While a directory is removed, a file of it may be missing; it is never another's.
            let Ok(mut found) = look(&bench.target) else { continue };
            let mut bytes = Vec::new();
            std::io::Seek::rewind(&mut found.file).unwrap();
            std::io::Read::read_to_end(&mut found.file, &mut bytes).unwrap();
            assert!(known.contains(&(found.metadata, bytes)));
        }
    });
}
