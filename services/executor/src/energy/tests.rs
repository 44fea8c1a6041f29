//! Counters in a made-up directory of the kernel: added up, wrapped around, and left out.

use tempfile::TempDir;

use super::*;

fn zone(dir: &TempDir, zone: &str, name: &str, energy_uj: &str) {
    let path = dir.path().join(zone);
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("name"), format!("{name}\n")).unwrap();
    std::fs::write(path.join("max_energy_range_uj"), "10000000\n").unwrap();
    std::fs::write(path.join("energy_uj"), format!("{energy_uj}\n")).unwrap();
}

fn set(dir: &TempDir, zone: &str, energy_uj: &str) {
    std::fs::write(dir.path().join(zone).join("energy_uj"), energy_uj).unwrap();
}

fn used(meter: Meter) -> Vec<(String, u64)> {
    meter.used().into_iter().map(|energy| (energy.counter, energy.millijoules)).collect()
}

#[test]
fn packages_are_added_up_past_the_end_of_their_range() {
    let dir = TempDir::new().unwrap();
    zone(&dir, "intel-rapl:1", "package-1", "9000000");
    zone(&dir, "intel-rapl:0", "package-0", "1000000");
    zone(&dir, "intel-rapl:0:0", "core", "5");
    zone(&dir, "intel-rapl:2", "psys", "5");
    zone(&dir, "intel-rapl-mmio:0", "package-0", "5");
    let mut meter = Meter { gpus: None, packages: packages(dir.path()) };
    set(&dir, "intel-rapl:0", "3500000");
    for round in ["4000000", "9500000", "2000000"] {
        set(&dir, "intel-rapl:1", round);
        meter.look();
    }
    set(&dir, "intel-rapl:1", "2000999");
    let expected = [("rapl:package-0".to_owned(), 2_500), ("rapl:package-1".to_owned(), 13_000)];
    assert_eq!(used(meter), expected);
}

#[test]
fn what_cannot_be_read_is_not_told() {
    let dir = TempDir::new().unwrap();
    assert!(packages(&dir.path().join("missing")).is_empty());
    zone(&dir, "intel-rapl:0", "package-0", "not a number");
    zone(&dir, "intel-rapl:1", "package-1", "1000");
    zone(&dir, "intel-rapl:2", "package-2", "1000");
    zone(&dir, "intel-rapl:3", "package-3", "11000000");
    let meter = Meter { gpus: None, packages: packages(dir.path()) };
    set(&dir, "intel-rapl:1", "");
    set(&dir, "intel-rapl:2", "1001000");
    // Beyond its own range: nothing can be made of it.
    set(&dir, "intel-rapl:3", "0");
    assert_eq!(used(meter), [("rapl:package-2".to_owned(), 1_000)]);
}

#[tokio::test]
async fn a_machine_without_counters_is_no_error() {
    let meter = Meter::start(0).await;
    let energy = meter.finish().await;
    assert!(energy.iter().all(|energy| energy.counter.starts_with("rapl:package-")));
}
