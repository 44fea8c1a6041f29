//! The bounds of training evidence: each list that is too long, and splits that nobody makes.

use ids::Sha256Digest;
use testkit::evidence::Fixture;

use super::{cross, first_failure, rules::every_row_fails_with_its_name};
use crate::{Energy, Firmware, Gpu, Point, Split};

fn many(count: usize) -> std::collections::BTreeMap<String, String> {
    (0..count).map(|index| (format!("name-{index}"), String::new())).collect()
}

#[test]
fn training_bounds() {
    fn series(f: Fixture, count: usize, points: usize) -> Fixture {
        f.training(move |t| {
            let points = vec![Point(1, 0.5); points];
            t.predicate.run_details.reported.series =
                (0..count).map(|index| (format!("metric-{index}"), cross(&points))).collect();
        })
    }
    fn splits(f: Fixture, names: &'static [&'static str]) -> Fixture {
        f.training(move |t| {
            let records = t.predicate.run_details.observed.dataset.records;
            let split = |name: &&str| Split {
                name: (*name).to_owned(),
                records: records / names.len() as u64,
                merkle_root: Sha256Digest::of(b"split"),
            };
            let splits: Vec<Split> = names.iter().map(split).collect();
            t.predicate.run_details.observed.dataset.splits = cross(&splits);
        })
    }
    every_row_fails_with_its_name(&[
        ("training.bounds", |f| series(f, 17, 1)),
        ("training.bounds", |f| series(f, 1, 257)),
        ("training.bounds", |f| splits(f, &["train", "validation", "train"])),
        ("training.bounds", |f| {
            f.training(|t| {
                let energy = Energy { counter: "rapl".into(), millijoules: 1 };
                t.predicate.run_details.observed.usage.energy = cross(&vec![energy; 129]);
            })
        }),
        ("training.bounds", |f| {
            f.training(|t| {
                let (name, version, vendor) = ("BIOS".into(), "1".into(), String::new());
                let firmware = Firmware { name, version, vendor };
                t.predicate.run_details.observed.host.firmware = cross(&vec![firmware; 17]);
            })
        }),
        ("training.bounds", |f| {
            f.training(|t| {
                t.predicate.run_details.observed.container.image.layers = vec!["x".into(); 257];
            })
        }),
        ("training.bounds", |f| {
            f.training(|t| t.predicate.run_details.observed.container.image.labels = many(65))
        }),
        ("training.bounds", |f| {
            f.training(|t| t.predicate.run_details.observed.container.engine.components = many(17))
        }),
        ("training.splits", |f| splits(f, &["train", "train"])),
        ("training.splits", |f| splits(f, &["test"])),
        ("training.splits", |f| splits(f, &[""])),
    ]);
    let most = series(splits(Fixture::new(), &["train", "validation"]), 16, 256);
    assert_eq!(first_failure(&most), None);
    assert_eq!(first_failure(&splits(Fixture::new(), &["train"])), None);
}

#[test]
fn what_a_run_has_no_more_of() {
    every_row_fails_with_its_name(&[
        ("training.bounds", |f| {
            f.training(|t| t.predicate.run_details.observed.dataset.statistics = many(8_193))
        }),
        ("training.bounds", |f| {
            f.training(|t| t.predicate.run_details.reported.frameworks = many(65))
        }),
        ("training.bounds", |f| {
            f.training(|t| {
                let metrics = (0..65).map(|index| (format!("metric-{index}"), 0.5));
                t.predicate.run_details.reported.best_metrics = metrics.collect();
            })
        }),
        ("training.bounds", |f| {
            f.training(|t| {
                t.predicate.run_details.observed.container.command = vec!["x".into(); 258];
            })
        }),
        ("training.gpus", |f| {
            f.training(|t| {
                let gpu = Gpu {
                    name: "GPU".into(),
                    uuid_sha256: Sha256Digest::of(b"uuid"),
                    memory_bytes: 1,
                    driver: "1".into(),
                    vbios: None,
                };
                t.predicate.run_details.observed.host.gpus = cross(&vec![gpu]);
            })
        }),
        ("training.split-records", |f| {
            f.training(|t| t.predicate.run_details.observed.dataset.records += 1)
        }),
    ]);
}
