//! Counting what the runners say.

use super::{Count, count};

#[test]
fn both_runners_are_counted() {
    let nextest = "     Summary [   0.5s] 29 tests run: 27 passed (1 slow), 2 failed, 3 skipped";
    let coloured = "\u{1b}[1m     Summary\u{1b}[0m [ 0.5s] 3 tests run: \u{1b}[32;1m3\u{1b}[0m passed, 0 skipped";
    let cargo = "test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
    let lines = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    assert_eq!(count(&lines(&[nextest])), Count { passed: 27, failed: 2 });
    assert_eq!(count(&lines(&[coloured, cargo])), Count { passed: 13, failed: 0 });
    assert_eq!(count(&lines(&["test it_passed ... ok", ""])), Count::default());
}
