//! The rule against a naive version, and against what the trainer's own Python gives.

use proptest::prelude::*;

use super::*;
use crate::{Definition, Leaves, Limits, measure};

/// Decimal digits of `share` times `rows`, as people multiply on paper.
fn naive_count(rows: u64, share: f64) -> u64 {
    let text = format!("{share}");
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    // From the last digit to the first, what is carried over the point is the count.
    let carried = fraction
        .bytes()
        .rev()
        .fold(0, |carry, digit| (carry + u128::from(digit - b'0') * u128::from(rows)) / 10);
    u64::try_from(carried).unwrap()
}

fn naive_order(rows: u32, seed: u32) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows).collect();
    order.sort_by_key(|row| Sha256Digest::of(format!("aibom.split.v1:{seed}:{row}").as_bytes()));
    order
}

/// RFC 6962, section 2.1, word for word.
fn naive_root(leaves: &[Sha256Digest]) -> Sha256Digest {
    match leaves {
        [] => merkle::empty_root(),
        [leaf] => *leaf,
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(half);
            merkle::node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

#[test]
fn rows_are_those_of_the_python_trainer() {
    let check = |rows, share, seed, train: &[u32], validation: &[u32]| {
        let division = Division::new(rows, share, seed).unwrap();
        assert_eq!((division.train(), division.validation()), (train, validation));
    };
    check(10, 0.3, 7, &[8, 3, 5, 4, 0, 1, 2], &[9, 7, 6]);
    check(12, 0.2, 20_260_101, &[1, 2, 7, 8, 6, 3, 10, 4, 0, 5], &[9, 11]);
    check(5, 0.5, 0, &[3, 2, 4], &[0, 1]);
    check(5, 0.5, u32::MAX, &[0, 1, 2], &[3, 4]);
}

#[test]
fn counts_are_those_of_the_python_trainer() {
    let table = [
        (100, 0.29, 29),
        (178, 0.2, 35),
        (1_000_000, 0.1, 100_000),
        (3, 0.333_333_333_333_333_3, 0),
        (3, 0.333_333_333_333_333_37, 1),
        (10, 1e-7, 0),
        (1_000_000, 1e-6, 1),
        (1_000_000, 1.5e-6, 1),
        (1_000_000, 5e-324, 0),
        (1_000_000, 0.999_999_999_999_999_9, 999_999),
        (7, 0.0, 0),
        (7, -0.0, 0),
        (1_000, 0.007, 7),
        (100, 0.57, 57),
        (100, 0.58, 58),
        (u64::MAX, 0.1, 1_844_674_407_370_955_161),
        (u64::MAX, 0.999_999_999_999_999_9, 18_446_744_073_709_549_770),
    ];
    for (rows, share, count) in table {
        assert_eq!(validation_rows(rows, share), Some(count), "{rows} * {share}");
    }
    for share in [1.0, -0.1, f64::NAN, f64::INFINITY] {
        assert_eq!(validation_rows(10, share), None, "{share}");
    }
}

#[test]
fn roots_of_the_wine_example_are_those_of_a_python_script() {
    let wine = Definition::parse(include_bytes!("../../../../examples/wine/definition.yaml"));
    let csv = include_bytes!("../../../../examples/wine/wine.csv");
    let (statistics, leaves) = measure(&csv[..], &wine.unwrap(), &Limits::default()).unwrap();
    assert_eq!(leaves.len(), statistics.rows);
    let division = Division::new(leaves.len(), 0.2, 20_260_101).unwrap();
    assert_eq!(division.train().get(..5), Some(&[129, 19, 51, 168, 2][..]));
    let roots = [
        Some(leaves.root()),
        leaves.root_of(division.train()),
        leaves.root_of(division.validation()),
    ];
    let roots = roots.map(|root| root.unwrap().to_hex());
    assert_eq!(
        roots,
        [
            "6b96f6bfc0d80f31f39cb3a2048df0aa51708312a0616072b7fbf1b8f89717c5",
            "636b9ed86bfb6bab5b89694141b6c3d067469a27d7d9e393c4e6560f5816ed70",
            "cfa84f815bed79811a71816173e928626c6c42f02e6a67d0ea32aa548c2e9161",
        ]
    );
}

#[test]
fn a_leaf_is_a_record_without_its_line_end() {
    let definition = Definition::parse(b"columns: {x: float, y: int}\nlabel: y").unwrap();
    let root = |csv: &str| measure(csv.as_bytes(), &definition, &Limits::default()).unwrap().1;
    let records = ["\"a\r\n,\"\"b\",1,1", "c ,2,2", "d,3,\"3\""];
    let expected = records.map(|record| merkle::leaf_hash(record.as_bytes()));
    for ends in [["\n", "\n"], ["\r\n", "\n"], ["\r\n", "\r\n"], ["\n", ""]] {
        let csv = format!(
            "\u{feff}note,x,y\n{}\r\n{}{}{}{}",
            records[0], records[1], ends[0], records[2], ends[1]
        );
        assert_eq!(root(&csv).root(), naive_root(&expected), "{csv:?}");
    }
}

#[test]
fn a_dataset_that_is_too_large_has_a_root_and_no_splits() {
    let mut leaves = Leaves::default();
    let rows = u32::try_from(MAX_ROWS).unwrap();
    (0..rows).for_each(|_| leaves.add(b"1,2"));
    assert!(leaves.root_of(&[rows - 1]).is_some());
    let before = leaves.root();
    leaves.add(b"1,2");
    assert_ne!(leaves.root(), before);
    assert_eq!(leaves.root_of(&[0]), None);
    assert_eq!(Division::new(MAX_ROWS + 1, 0.2, 7), None);
}

#[test]
fn a_record_that_cannot_be_read_says_nothing() {
    let division = Division::new(5, 0.5, 0).unwrap();
    let good = br#"{"schema": "aibom.trainer.split.v1", "rows": 5, "train": [3, 2, 4], "validation": [0, 1]}"#;
    assert_eq!(division.agrees(good), Some(true));
    let text = std::str::from_utf8(good).unwrap();
    for other in [("[3, 2, 4]", "[2, 3, 4]"), ("[0, 1]", "[0]"), ("[0, 1]", "[0, 1, 4]")] {
        assert_eq!(division.agrees(text.replace(other.0, other.1).as_bytes()), Some(false));
    }
    let unreadable = [("v1", "v2"), ("[0, 1]", "[-1, 1]"), ("[0, 1]", "null"), ("}", "")];
    for other in unreadable {
        assert_eq!(division.agrees(text.replace(other.0, other.1).as_bytes()), None, "{other:?}");
    }
    let long = format!("{text}{}", " ".repeat(MAX_RECORD_BYTES));
    assert_eq!(division.agrees(long.as_bytes()), None);
    assert_eq!(division.agrees(b"\xff"), None);
}

proptest! {
    #[test]
    fn the_count_is_exact_in_decimal(rows in any::<u64>(), share in 0.0..1.0_f64, places in 0..19_usize) {
        prop_assert_eq!(validation_rows(rows, share), Some(naive_count(rows, share)));
        let short: f64 = format!("{share:.places$}").parse().unwrap();
        if short < 1.0 {
            prop_assert_eq!(validation_rows(rows, short), Some(naive_count(rows, short)));
        }
    }

    #[test]
    fn splits_are_the_naive_ones(
        records in proptest::collection::vec("[a-c]{0,3}", 0..70),
        share in 0.0..1.0_f64,
        seed: u32,
    ) {
        let rows = u32::try_from(records.len()).unwrap();
        let mut leaves = Leaves::default();
        records.iter().for_each(|record| leaves.add(record.as_bytes()));
        let division = Division::new(leaves.len(), share, seed).unwrap();
        let order = naive_order(rows, seed);
        let count = usize::try_from(naive_count(u64::from(rows), share)).unwrap();
        prop_assert_eq!(division.validation(), &order[..count]);
        prop_assert_eq!(division.train(), &order[count..]);
        let hash = |row: &u32| merkle::leaf_hash(records[usize::try_from(*row).unwrap()].as_bytes());
        let naive = |rows: &[u32]| naive_root(&rows.iter().map(hash).collect::<Vec<_>>());
        prop_assert_eq!(leaves.root(), naive(&(0..rows).collect::<Vec<_>>()));
        prop_assert_eq!(leaves.root_of(division.train()), Some(naive(&order[count..])));
        prop_assert_eq!(leaves.root_of(division.validation()), Some(naive(&order[..count])));
        prop_assert_eq!(leaves.root_of(&[rows]), None);
    }
}
