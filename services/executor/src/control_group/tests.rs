//! Where the counters are in both versions of control groups, and what they say.

use std::io::Write as _;

use super::*;

#[test]
fn counters_are_found_in_both_versions_of_control_groups() {
    let one = "12:cpu,cpuacct:/docker/ab\n7:pids:/docker/ab\n0::/system.slice\n";
    let own = |path: &str| Some(Directory::Own(PathBuf::from(path)));
    assert_eq!(directory(one, "pids"), own("/sys/fs/cgroup/pids/docker/ab"));
    assert_eq!(directory(one, "cpuacct"), own("/sys/fs/cgroup/cpuacct/docker/ab"));
    let two = "0::/system.slice/docker-ab.scope\n";
    let unified = PathBuf::from("/sys/fs/cgroup/system.slice/docker-ab.scope");
    assert_eq!(directory(two, "memory"), Some(Directory::Unified(unified)));
    assert_eq!(directory("nonsense", "pids"), None);
}

#[test]
fn numbers_are_read() {
    assert_eq!(number("max 3\n", "max "), 3);
    assert_eq!(number("usage_usec 1500\nuser_usec 7\n", "usage_usec "), 1_500);
    assert_eq!(number("4096\n", ""), 4_096);
    for (text, key) in [("", "max "), ("max", "max "), ("max\n", ""), ("-1", "")] {
        assert_eq!(number(text, key), 0, "{text:?}");
    }
}

fn counter(text: &str, key: &'static str, unit: u64) -> Counter {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Counter { file, key, unit }
}

#[test]
fn the_greatest_of_all_looks_is_kept() {
    let seen = Seen::default();
    let look = |refused, cpu, memory: Option<&str>| {
        let counters = Counters {
            refused: counter(refused, "max ", 1),
            cpu_ms: Some(counter(cpu, "usage_usec ", 1_000)),
            memory_bytes: memory.map(|text| counter(text, "", 1)),
        };
        counters.look(&seen)
    };
    assert_eq!(look("max 0\n", "usage_usec 2500\n", Some("900\n")), Some(()));
    assert_eq!(look("max 1\n", "usage_usec 9000\n", Some("100\n")), Some(()));
    assert_eq!(look("max 0\n", "", None), Some(()));
    assert!(seen.refused.into_inner(), "once refused is refused");
    assert_eq!((seen.cpu_ms.into_inner(), seen.memory_bytes.into_inner()), (9, 900));
}

#[test]
fn the_most_memory_is_the_kernels_where_it_keeps_it() {
    let files = tempfile::TempDir::new().unwrap();
    let found = |directory: fn(PathBuf) -> Directory| {
        let (counter, kind) = Counter::memory_bytes(&directory(files.path().to_owned()))?;
        Some((counter.read()?, kind))
    };
    assert_eq!(found(Directory::Unified), None);
    std::fs::write(files.path().join("memory.current"), "7\n").unwrap();
    assert_eq!(found(Directory::Unified), Some((7, PeakMemory::GreatestSample)));
    std::fs::write(files.path().join("memory.peak"), "9\n").unwrap();
    assert_eq!(found(Directory::Unified), Some((9, PeakMemory::HighWaterMark)));
    std::fs::write(files.path().join("memory.max_usage_in_bytes"), "8\n").unwrap();
    assert_eq!(found(Directory::Own), Some((8, PeakMemory::HighWaterMark)));
}

#[tokio::test]
async fn a_process_that_is_not_there_is_not_watched() {
    assert!(Watch::open(0).is_none());
    assert!(Watch::open(u32::MAX).is_none());
}
