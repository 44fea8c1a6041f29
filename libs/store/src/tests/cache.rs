//! The caches: what they keep, what they refuse, and that damage costs only the contents.

use crate::{CACHE_VALUE_BYTES_MAX, Cache, CacheError, MemoryCache, SledCache};

fn fill(cache: &dyn Cache) {
    for number in 0_u8..10 {
        cache.put(&[number], &[number; 100]).unwrap();
    }
    cache.put(&[3], b"again").unwrap();
    cache.remove(&[4]).unwrap();
    cache.remove(&[99]).unwrap();
}

fn check(cache: &dyn Cache) {
    assert_eq!(cache.get(&[3]).unwrap().as_deref(), Some(&b"again"[..]));
    assert_eq!(cache.get(&[4]).unwrap(), None);
    let keys: Vec<Vec<u8>> = cache.iter().map(|entry| entry.unwrap().0).collect();
    assert_eq!(keys, (0_u8..10).filter(|key| *key != 4).map(|key| vec![key]).collect::<Vec<_>>());
}

#[test]
fn both_caches_keep_what_they_are_given() {
    let directory = tempfile::tempdir().unwrap();
    let memory = MemoryCache::new(100);
    fill(&memory);
    check(&memory);
    let sled = SledCache::open(directory.path(), 100).unwrap();
    fill(&sled);
    check(&sled);
    drop(sled);
    check(&SledCache::open(directory.path(), 100).unwrap());
}

#[test]
fn entries_and_values_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let sled = SledCache::open(directory.path(), 5).unwrap();
    let memory = MemoryCache::new(5);
    for cache in [&sled as &dyn Cache, &memory] {
        for number in 0_u8..50 {
            cache.put(&[number], b"value").unwrap();
        }
        assert_eq!(cache.iter().count(), 5);
        let large = cache.put(b"large", &vec![0; CACHE_VALUE_BYTES_MAX + 1]);
        assert!(matches!(large, Err(CacheError::TooLarge { .. })), "{large:?}");
    }
}

#[test]
fn a_held_cache_is_not_wiped() {
    let directory = tempfile::tempdir().unwrap();
    let sled = SledCache::open(directory.path(), 100).unwrap();
    fill(&sled);
    let second = SledCache::open(directory.path(), 100);
    assert!(matches!(second, Err(CacheError::Locked { .. })), "{second:?}");
    check(&sled);
}

#[test]
fn a_damaged_directory_is_wiped_and_works_again() {
    let directory = tempfile::tempdir().unwrap();
    for (round, damage) in ["db", "conf"].into_iter().enumerate() {
        let sled = SledCache::open(directory.path(), 100).unwrap();
        fill(&sled);
        drop(sled);
        let file = directory.path().join("sled").join(damage);
        let length = std::fs::metadata(&file).unwrap().len();
        std::fs::write(&file, vec![0xa5; usize::try_from(length).unwrap()]).unwrap();
        let sled = SledCache::open(directory.path(), 100).unwrap();
        assert_eq!(sled.iter().count(), 0, "round {round}");
        fill(&sled);
        check(&sled);
    }
    std::fs::remove_dir_all(directory.path().join("sled")).unwrap();
    std::fs::write(directory.path().join("sled"), b"a file in its place").unwrap();
    let sled = SledCache::open(directory.path(), 100).unwrap();
    fill(&sled);
    check(&sled);
}

#[test]
fn flipped_bits_lose_entries_but_never_change_one() {
    let directory = tempfile::tempdir().unwrap();
    let value = |number: u8| vec![number; 200];
    for round in 0_usize..40 {
        let sled = SledCache::open(directory.path(), 100).unwrap();
        for number in 0_u8..20 {
            sled.put(&[number], &value(number)).unwrap();
        }
        drop(sled);
        let file = directory.path().join("sled").join("db");
        let mut bytes = std::fs::read(&file).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let at = (round * 7919) % used;
        bytes[at] ^= 1 << (round % 8);
        std::fs::write(&file, bytes).unwrap();
        let sled = SledCache::open(directory.path(), 100).unwrap();
        for entry in sled.iter() {
            let (key, found) = entry.unwrap();
            assert_eq!(found, value(key[0]), "round {round}");
        }
    }
}
