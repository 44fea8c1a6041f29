//! What the first pass refuses, and that it takes a real report.

use super::*;

const SAMPLE: &str = include_str!("../../inventory/sample.json");

fn refused(text: &str) -> String {
    match check(text.as_bytes()).unwrap_err() {
        ReportError::Malformed { cause, .. } => cause.to_string(),
        other => other.to_string(),
    }
}

#[test]
fn a_real_report_passes() {
    check(SAMPLE.as_bytes()).unwrap();
}

#[test]
fn a_member_that_is_there_twice_is_refused_at_any_depth() {
    for text in [
        r#"{"SchemaVersion": 2, "SchemaVersion": 2}"#,
        r#"{"Results": [{"Unread": {"a": 1, "b": [], "a": 1}}]}"#,
        // The same name, spelt in another way.
        r#"{"a": 1, "\u0061": 2}"#,
    ] {
        assert!(refused(text).contains("twice"), "{text}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for text in ["", "NaN", r#"{"a": NaN}"#, r#"{"a": 1e999}"#, "{} {}", r#"{"a": 1,}"#, "\u{1}"] {
        refused(text);
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(refused(&deep).contains("recursion"));
}

#[test]
fn too_many_entries_are_refused_over_all_results_together() {
    let entries = |count: usize| vec!["0"; count].join(",");
    let half = entries(PACKAGES_MAX / 2);
    let result = format!(r#"{{"Packages": [{half}]}}"#);
    check(format!(r#"{{"Results": [{result},{result}]}}"#).as_bytes()).unwrap();
    let more = format!(r#"{{"Results": [{result},{result},{{"Packages": [1]}}]}}"#);
    assert!(refused(&more).contains("more than 50000 packages"));
    let more = format!(r#"{{"Vulnerabilities": [{}]}}"#, entries(FINDINGS_MAX + 1));
    assert!(refused(&more).contains("more than 200000 findings"));
    let members: Vec<_> = (0..=MEMBERS_MAX).map(|n| format!(r#""{n}":0"#)).collect();
    assert!(refused(&format!("{{{}}}", members.join(","))).contains("too many members"));
}
