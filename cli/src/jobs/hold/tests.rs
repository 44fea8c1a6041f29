//! What is said of a hold: everything, grouped, the worst first, and nothing that steers a terminal.

use client::PolicyView;
use ids::{Sha256Digest, Timestamp};

use super::*;
use crate::arguments::Format;

fn finding(kind: &str, id: &str, severity: Level) -> Finding {
    Finding {
        kind: kind.into(),
        id: id.into(),
        subject: "pkg:pypi/keras@3.0.0".into(),
        severity,
        detail: "upgrade\u{1b}[2J to 3.0.1".into(),
    }
}

fn hold() -> HoldView {
    HoldView {
        job: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
        held_until: Timestamp::from_unix_ms(1_790_000_000_000),
        evidence: Sha256Digest::of(b"e"),
        policy: PolicyView { name: "standard".into(), version: 3, digest: Sha256Digest::of(b"p") },
        findings: vec![
            finding("vulnerability", "CVE-2", Level::High),
            finding("secret", "aws-key", Level::High),
            finding("vulnerability", "CVE-3", Level::Critical),
            finding("vulnerability", "CVE-1", Level::High),
        ],
        more: 0,
    }
}

#[test]
fn every_finding_is_shown_by_kind_and_the_worst_first() {
    let lines = lines(&Terminal::new(Format::Json), &hold());
    let at = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap();
    let order = [
        "policy standard, version 3",
        "secret (1)",
        "aws-key",
        "vulnerability (3)",
        "CVE-3",
        "CVE-1",
        "CVE-2",
    ];
    assert!(order.map(at).is_sorted(), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:#?}");
    let mended = lines.iter().filter(|line| line.contains("to 3.0.1")).count();
    assert_eq!(mended, 4, "each with what mends it");
}

#[test]
fn programs_get_the_findings_with_the_job() {
    let hold = hold();
    let value = serde_json::to_value(&hold).unwrap();
    assert_eq!(value["policy"]["version"], 3);
    assert_eq!(value["findings"][2]["id"], "CVE-3");
    assert_eq!(value["heldUntil"], hold.held_until.to_string());
}

#[test]
fn the_help_names_the_exit_code_of_a_held_job() {
    assert_eq!(Exit::Held.code(), 4);
    let failure = Failure::held("held").remedy(what_to_do(hold().job));
    assert_eq!(failure.exit(), Exit::Held);
    assert!(failure.to_string().contains("aibom jobs release 01890a5d"));
}
