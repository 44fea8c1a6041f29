//! What scans may rest on, and each reason why not.

use ids::Timestamp;
use scandb::{Damage, Unusable, look};

use crate::made::{Bench, now};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn usable(bench: &Bench, now: Timestamp) -> Result<(), Unusable> {
    look(&bench.target)?.usable(now, 7)
}

#[test]
fn a_whole_young_database_is_used() {
    let bench = Bench::with(19);
    usable(&bench, now()).unwrap();
    usable(&bench, at("2026-11-26T00:00:00.000Z")).unwrap();
    usable(&bench, at("2026-11-18T23:00:00.000Z")).unwrap();
}

#[test]
fn age_and_schema_are_bounds() {
    let bench = Bench::with(19);
    let old = usable(&bench, at("2026-11-26T00:00:00.001Z"));
    assert!(matches!(old, Err(Unusable::TooOld { max_age_days: 7, .. })));
    let future = usable(&bench, at("2026-11-18T22:59:59.999Z"));
    assert!(matches!(future, Err(Unusable::InTheFuture(_))));
    let metadata = bench.target.join("db/metadata.json");
    std::fs::write(metadata, r#"{"Version": 3, "UpdatedAt": "2026-11-19T00:00:00Z"}"#).unwrap();
    assert_eq!(usable(&bench, now()), Err(Unusable::Schema(3)));
}

#[test]
fn what_is_missing_or_cannot_be_read_is_said() {
    let bench = Bench::new();
    assert!(matches!(usable(&bench, now()), Err(Unusable::Missing(_))));
    for name in ["trivy.db", "metadata.json"] {
        let bench = Bench::with(19);
        let path = bench.target.join("db").join(name);
        std::fs::remove_file(&path).unwrap();
        let Err(Unusable::Missing(reason)) = usable(&bench, now()) else { panic!("{name}") };
        assert!(reason.starts_with(name), "{reason}");
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(usable(&bench, now()), Err(Unusable::Missing(_))));
    }
    let bench = Bench::with(19);
    std::fs::write(bench.target.join("db/metadata.json"), vec![b' '; 70_000]).unwrap();
    let Err(Unusable::Missing(reason)) = usable(&bench, now()) else { panic!() };
    assert!(reason.contains("more than 65536 bytes"), "{reason}");
}

#[test]
fn a_damaged_file_is_said_to_be_damaged() {
    let path = |bench: &Bench| bench.target.join("db/trivy.db");
    let bench = Bench::with(19);
    let whole = std::fs::read(path(&bench)).unwrap();
    for length in [0, 1, 2_047, 4_096, 8_191, 8_192, whole.len() - 1] {
        std::fs::write(path(&bench), &whole[..length]).unwrap();
        let error = usable(&bench, now()).unwrap_err();
        assert!(matches!(error, Unusable::Damaged(_)), "{length}: {error}");
    }
    let words = [
        (8, Damage::NoMeta(0)),
        (16, Damage::NoMeta(0)),
        (20, Damage::Version(3)),
        (24, Damage::Checksum(0)),
        (16 + 56, Damage::Checksum(0)),
        (4096 + 16, Damage::NoMeta(1)),
        (4096 + 40, Damage::Checksum(1)),
    ];
    for (at, damage) in words {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(path(&bench), changed).unwrap();
        assert_eq!(usable(&bench, now()), Err(Unusable::Damaged(damage)), "byte {at}");
    }
    // What follows the last page is bbolt's room to grow.
    std::fs::write(path(&bench), [whole, vec![0; 4096]].concat()).unwrap();
    usable(&bench, now()).unwrap();
}
