//! Whatever a trainer prints: events are folded, the rest is log, and nothing grows or breaks.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fold(lines: &[&str]) -> Report {
    let mut report = Report::default();
    for line in lines {
        report.take_line(line.as_bytes());
    }
    report
}

#[test]
fn a_good_run_is_folded() {
    let report = fold(&[
        r#"{"event":"start","trainer":{"name":"keras"},"frameworks":{"keras":"3.15.1","n":3}}"#,
        r#"{"event":"data","rows":178,"classes":["0","1"]}"#,
        r#"{"event":"effective","parameters":{"epochs":2,"learning_rate":0.001}}"#,
        r#"{"event":"epoch","epoch":1,"epochs":2,"metrics":{"accuracy":0.5,"val_loss":0.7}}"#,
        r#"{"event":"epoch","epoch":2,"epochs":2,"metrics":{"accuracy":0.4,"val_loss":0.9}}"#,
        r#"{"event":"done","outputs":["model.keras"]}"#,
    ]);
    let reported = &report.reported;
    assert_eq!(reported.frameworks["keras"], "3.15.1");
    assert_eq!(reported.frameworks["n"], "3");
    assert_eq!(reported.data["rows"], json!(178));
    assert!(!reported.data.contains_key("event"));
    assert_eq!((reported.epochs, report.epochs_asked), (2, 2));
    assert_eq!(reported.final_metrics["val_loss"], 0.9);
    assert_eq!(reported.best_metrics["val_loss"], 0.7);
    assert_eq!(reported.best_metrics["accuracy"], 0.5);
    assert_eq!(report.outputs.as_deref(), Some(&["model.keras".to_owned()][..]));
}

#[test]
fn what_is_not_json_is_log() {
    let mut report = Report::default();
    for line in [
        r#"{"event":"epoch","epoch":1,"epochs":3,"metrics":{"loss":NaN}}"#,
        r#"{"event":"epoch","epoch":-1}"#,
        r#"{"event":"who knows"}"#,
        "Epoch 1/3",
        "{",
        "",
        "\u{1b}[2J",
    ] {
        assert!(!report.take_line(line.as_bytes()), "{line}");
    }
    assert_eq!(report, Report::default());
}

#[test]
fn an_error_is_kept_clean() {
    let report = fold(&[r#"{"event":"error","reason":"r","message":"a\u001b[2Jb\u202ec\nd"}"#]);
    let error = report.error.unwrap();
    assert!(!error.message.chars().any(char::is_control));
    assert!(!error.message.contains('\u{202e}'));
}

#[test]
fn numbers_that_readers_round_become_text() {
    let report = fold(&[
        r#"{"event":"effective","parameters":{"big":9007199254740993,"ok":9007199254740991,"f":1e300,"neg":-9007199254740993,"half":0.5}}"#,
    ]);
    let effective = &report.reported.effective;
    assert_eq!(effective["big"], json!("9007199254740993"));
    assert_eq!(effective["neg"], json!("-9007199254740993"));
    assert_eq!(effective["ok"], json!(9_007_199_254_740_991_u64));
    assert_eq!(effective["half"], json!(0.5));
    assert!(effective["f"].is_string());
}

#[test]
fn names_and_facts_are_bounded() {
    let mut report = Report::default();
    let metrics: Map<String, Value> = (0..10_000).map(|n| (format!("m{n}"), json!(n))).collect();
    let line = json!({"event": "epoch", "epoch": 1, "epochs": 1, "metrics": metrics});
    assert!(!report.take_line(line.to_string().as_bytes()), "longer than a line may be");
    let metrics: Map<String, Value> = (0..1_000).map(|n| (format!("m{n}"), json!(n))).collect();
    let line = json!({"event": "epoch", "epoch": 1, "epochs": 1, "metrics": metrics});
    assert!(report.take_line(line.to_string().as_bytes()));
    assert_eq!(report.reported.final_metrics.len(), MAX_METRICS);
    let facts: Map<String, Value> =
        (0..10).map(|n| (format!("k{n}"), json!("x".repeat(4_000)))).collect();
    assert!(bounded(facts, 10_000).len() <= 2);
}

#[test]
fn lines_are_cut_wherever_the_stream_is() {
    let mut text = b"one\ntwo\r\n".to_vec();
    text.extend(vec![b'x'; MAX_LINE_BYTES + 1]);
    text.extend(b"\nthree");
    for size in [1, 3, 7, 4_096, text.len()] {
        let (mut lines, mut seen) = (Lines::default(), Vec::new());
        for piece in text.chunks(size) {
            lines.push(piece, |line| seen.push(String::from_utf8_lossy(line).into_owned()));
        }
        lines.finish(|line| seen.push(String::from_utf8_lossy(line).into_owned()));
        assert_eq!(seen, ["one", "two", "three"], "in pieces of {size}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_reported_survives_canonical_json(
        facts in prop::collection::btree_map(".*", any_json(), 0..8),
        metrics in prop::collection::btree_map(".*", any::<f64>(), 0..8),
    ) {
        let mut report = Report::default();
        let facts: Map<String, Value> = facts.into_iter().collect();
        let line = json!({"event": "effective", "parameters": facts}).to_string();
        report.take_line(line.as_bytes());
        let line = json!({"event": "epoch", "epoch": 1, "epochs": 1, "metrics": metrics});
        report.take_line(line.to_string().as_bytes());
        let bytes = ids::canonical::to_vec(&report.reported).unwrap();
        let read: Reported = ids::canonical::from_slice(&bytes, 1 << 20).unwrap();
        prop_assert_eq!(ids::canonical::to_vec(&read).unwrap(), bytes);
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let (mut lines, mut report) = (Lines::default(), Report::default());
        lines.push(&bytes, |line| { report.take_line(line); });
        lines.finish(|line| { report.take_line(line); });
    }
}
