//! Records are counted as often as they stand, wherever they stand.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{MAX_RECORD_BYTES, RecordDiff, RecordsError, difference};

fn counts(from: &str, to: &str) -> (u64, u64, u64, bool) {
    let RecordDiff { added, removed, common, same_header } =
        difference(from.as_bytes(), to.as_bytes()).unwrap();
    (added, removed, common, same_header)
}

#[test]
fn order_and_line_ends_do_not_matter() {
    assert_eq!(counts("a,b\n1,2\n3,4\n", "\u{feff}a,b\r\n3,4\r\n1,2"), (0, 0, 2, true));
    assert_eq!(counts("a\n1\n1\n2\n", "a\n1\n3\n3\n"), (2, 2, 1, true));
    assert_eq!(counts("a\n1\n", "b\n1\n"), (0, 0, 1, false));
    assert_eq!(counts("", ""), (0, 0, 0, true));
    assert_eq!(counts("", "a\n1\n"), (1, 0, 0, false));
}

#[test]
fn a_line_end_in_quotes_belongs_to_the_record() {
    assert_eq!(counts("a,b\n\"x\ny\",1\n2,3\n", "a,b\n2,3\n"), (0, 1, 1, true));
    assert_eq!(counts("a\n\"x \"\"y\n\"\"\"\n", "a\n\"x \"\"y\n\"\"\"\n"), (0, 0, 1, true));
    assert_eq!(counts("a\nx\"y\nz\n", "a\nz\n"), (0, 1, 1, true), "a quote inside a plain cell");
    assert_eq!(counts("a\nx\"\"\nz\n", "a\nz\n"), (0, 1, 1, true), "two of them");
}

#[test]
fn a_record_has_a_bound() {
    let long = format!("a\n{}\n", "x".repeat(MAX_RECORD_BYTES));
    assert!(matches!(difference(long.as_bytes(), &b""[..]), Err(RecordsError::TooLong)));
    let open = format!("a\n\"{}", "\n".repeat(2 * MAX_RECORD_BYTES));
    assert!(matches!(difference(&b""[..], open.as_bytes()), Err(RecordsError::TooLong)));
    let fits = format!("a\n{}\n", "x".repeat(MAX_RECORD_BYTES - 1));
    assert_eq!(counts(&fits, &fits), (0, 0, 1, true));
}

proptest! {
    #[test]
    fn it_is_the_difference_of_multisets(
        from in prop::collection::vec(0u8..6, 0..20),
        to in prop::collection::vec(0u8..6, 0..20),
    ) {
        let file = |records: &[u8]| {
            let lines = records.iter().map(|record| format!("{record},x\n"));
            format!("n,x\n{}", lines.collect::<String>())
        };
        let mut balance: BTreeMap<u8, i64> = BTreeMap::new();
        from.iter().for_each(|record| *balance.entry(*record).or_default() -= 1);
        to.iter().for_each(|record| *balance.entry(*record).or_default() += 1);
        let added: i64 = balance.values().filter(|count| **count > 0).sum();
        let (found, removed, common, _) = counts(&file(&from), &file(&to));
        prop_assert_eq!(found, u64::try_from(added).unwrap());
        prop_assert_eq!(common, to.len() as u64 - found);
        prop_assert_eq!(removed, from.len() as u64 - common);
    }
}
