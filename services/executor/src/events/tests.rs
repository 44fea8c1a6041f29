//! Whatever a trainer prints: events are folded, the rest is log, and nothing grows or breaks.

use evidence::Point;
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
        r#"{"event":"start","trainer":{"name":"keras","version":"1.0.0"},"frameworks":{"keras":"3.15.1","n":3}}"#,
        r#"{"event":"data","rows":178,"classes":["0","1"]}"#,
        r#"{"event":"effective","parameters":{"epochs":2,"learning_rate":0.001}}"#,
        r#"{"event":"epoch","epoch":1,"epochs":2,"metrics":{"accuracy":0.5,"val_loss":0.7}}"#,
        r#"{"event":"epoch","epoch":2,"epochs":2,"metrics":{"accuracy":0.4,"val_loss":0.9}}"#,
        r#"{"event":"done","outputs":["model.keras"]}"#,
    ]);
    let reported = &report.reported;
    assert_eq!(reported.frameworks["keras"], "3.15.1");
    assert_eq!(reported.frameworks["n"], "3");
    assert_eq!(reported.trainer, "keras 1.0.0");
    assert_eq!(reported.data["rows"], json!(178));
    assert!(!reported.data.contains_key("event"));
    assert_eq!((reported.epochs, report.epochs_asked), (2, 2));
    assert_eq!(reported.final_metrics["val_loss"], 0.9);
    assert_eq!(reported.best_metrics["val_loss"], 0.7);
    assert_eq!(reported.best_metrics["accuracy"], 0.5);
    assert_eq!(reported.series["accuracy"], [Point(1, 0.5), Point(2, 0.4)]);
    assert_eq!(reported.series["val_loss"], [Point(1, 0.7), Point(2, 0.9)]);
    assert_eq!(report.outputs.as_deref(), Some(&["model.keras".to_owned()][..]));
}

#[test]
fn the_best_of_an_error_is_the_least_and_nobody_guesses_at_an_unknown_metric() {
    let report = fold(&[
        r#"{"event":"epoch","epoch":1,"metrics":{"mae":3,"val_rmse":2,"r2_score":0.1,"lr":0.1}}"#,
        r#"{"event":"epoch","epoch":2,"metrics":{"mae":1,"val_rmse":4,"r2_score":0.9,"lr":0.2}}"#,
        r#"{"event":"epoch","epoch":3,"metrics":{"mae":2,"val_rmse":3,"r2_score":0.5,"lr":0.3}}"#,
    ]);
    let best = [("mae", 1.0), ("r2_score", 0.9), ("val_rmse", 2.0)];
    assert_eq!(report.reported.best_metrics, best.map(|(n, v)| (n.to_owned(), v)).into());
    assert_eq!(report.reported.final_metrics["lr"], 0.3);
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
fn a_trainer_is_told_as_far_as_it_says_who_it_is() {
    let told = |trainer: &str| {
        fold(&[&format!(r#"{{"event":"start","trainer":{trainer}}}"#)]).reported.trainer
    };
    assert_eq!(told(r#"{"name":"own"}"#), "own");
    assert_eq!(told(r#"{"name":7,"version":"2"}"#), "2");
    assert_eq!(told(r#"["own"]"#), "");
    assert_eq!(told(r#"{"name":"a\nb"}"#), "a\u{fffd}b");
    assert_eq!(told(&format!(r#"{{"name":"{}"}}"#, "x".repeat(1_000))).len(), MAX_TRAINER_BYTES);
}

fn epochs(report: &mut Report, epochs: impl IntoIterator<Item = u32>, names: usize) {
    for epoch in epochs {
        let metrics: Map<String, Value> =
            (0..names).map(|n| (format!("m{n:02}"), json!(f64::from(epoch) / 2.0))).collect();
        let line = json!({"event": "epoch", "epoch": epoch, "metrics": metrics}).to_string();
        assert!(report.take_line(line.as_bytes()));
    }
}

#[test]
fn series_are_few_and_rise() {
    let mut report = Report::default();
    epochs(&mut report, [0, 3, 3, 2, 5], 20);
    assert_eq!(report.reported.series.len(), MAX_SERIES);
    assert!(report.reported.series.values().all(|s| s == &[Point(3, 1.5), Point(5, 2.5)]));
    let mut empty = Report::default();
    epochs(&mut empty, [0], 1);
    assert!(empty.reported.series.is_empty(), "epochs are counted from 1");
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
    fn a_series_is_evenly_thinned_and_keeps_the_last_epoch(count in 1..3_000_u32, step in 1..5_u32) {
        let mut report = Report::default();
        let all: Vec<u32> = (1..=count).map(|n| n * step).collect();
        epochs(&mut report, all.iter().copied(), 1);
        let series = &report.reported.series["m00"];
        prop_assert!(series.len() <= MAX_POINTS);
        prop_assert!(series.len() > MAX_POINTS / 2 || series.len() == all.len());
        prop_assert!(series.iter().all(|point| point.1 == f64::from(point.0) / 2.0));
        let kept: Vec<u32> = series.iter().map(|point| point.0).collect();
        let (last, grid) = kept.split_last().unwrap();
        prop_assert_eq!(last, all.last().unwrap());
        // The others are every so many epochs from the first on, and none of those is missing.
        let stride = grid.get(1).map_or(step, |second| second - grid[0]);
        let expected: Vec<u32> =
            all.iter().copied().step_by(usize::try_from(stride / step).unwrap()).filter(|epoch| epoch < last).collect();
        prop_assert_eq!(grid, &expected[..]);
    }

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
        prop_assert_eq!(report.reported.series.len(), report.reported.final_metrics.len());
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
