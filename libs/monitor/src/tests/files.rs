//! The state's file: one spelling, and damage is told.

use serde_json::Value;

use super::*;

fn state() -> State {
    let log: Vec<_> = (0..11).map(|n| entry(&format!("{n}"), KEY, n)).collect();
    let mut state = State::new();
    assert!(!round(&mut state, &log, &mine()).unwrap().is_empty(), "findings to be kept");
    state.hold_key(&KEY);
    state
}

#[test]
fn a_state_reads_back() {
    // One that was kept before has no key.
    let keyless = State { monitor_key: None, ..state() };
    assert!(!String::from_utf8(keyless.to_bytes().unwrap()).unwrap().contains("monitorKey"));
    for state in [State::new(), state(), keyless] {
        let bytes = state.to_bytes().unwrap();
        assert_eq!(State::parse(&bytes, &policy()).unwrap(), state);
    }
}

#[test]
fn a_damaged_state_and_that_of_another_log_are_refused() {
    let bytes = state().to_bytes().unwrap();
    let stranger = Mesh::new("stranger", NOW).trust_root().log_policy().unwrap();
    assert!(matches!(State::parse(&bytes, &stranger), Err(StateError::Checkpoint(_))));
    let edits: [fn(&mut Value); 8] = [
        |s| s["schema"] = "aibom.monitor-state.v2".into(),
        |s| s["read"] = 12.into(),
        |s| s["read"] = 7.into(),
        |s| s["edge"][0] = "00".repeat(32).into(),
        |s| drop(s["edge"].as_array_mut().unwrap().pop()),
        |s| s["note"] = Value::Null,
        |s| s["note"] = s["note"].as_str().unwrap().replace("\n11\n", "\n12\n").into(),
        |s| s["extra"] = 1.into(),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let mut value: Value = serde_json::from_slice(&bytes).unwrap();
        edit(&mut value);
        let edited = canonical::to_vec(&value).unwrap();
        assert!(State::parse(&edited, &policy()).is_err(), "edit {number}");
    }
    assert!(State::parse(&[&bytes[..], b"\n"].concat(), &policy()).is_err());
}

#[test]
fn every_alert_has_a_chapter_in_the_runbook() {
    let runbook = include_str!("../../../../docs/runbooks/log-alert.md");
    for word in [
        "rolled-back",
        "forked",
        "forged",
        "not-witnessed",
        "stale",
        "ahead",
        "changed",
        "entry-missing",
        "unreadable",
        "time-backwards",
        "duplicate",
        "not-mine",
        "unexplained",
        "other-tag",
        "key-changed",
        "missing",
    ] {
        assert!(runbook.contains(&format!("\n## {word}\n")), "{word}");
    }
}
