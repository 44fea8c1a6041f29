//! What is counted of runs: how long, how they ended, what they found.

use std::time::Instant;

use evidence::ScanTarget;

use super::Record;

pub(crate) fn took(target: ScanTarget, stage: &'static str, begun: Instant) {
    metrics::histogram!("scan_seconds", "target" => target.as_str(), "stage" => stage)
        .record(begun.elapsed().as_secs_f64());
}

pub(super) fn ran(target: ScanTarget, outcome: &'static str) {
    metrics::counter!("scans_total", "target" => target.as_str(), "outcome" => outcome)
        .increment(1);
}

/// Counts a run that ended well, and what it found; `whole`: with a database, where it needs one.
pub(super) fn count(target: ScanTarget, Record { inventory, files, .. }: &Record, whole: bool) {
    let whole = whole && inventory.gaps.is_empty() && files.iter().all(|f| f.unread.is_empty());
    ran(target, if whole { "complete" } else { "incomplete" });
    let found = |kind: &'static str, severity: String| {
        let target = target.as_str();
        metrics::counter!(
            "scan_findings_total", "target" => target, "kind" => kind, "severity" => severity
        )
        .increment(1);
    };
    for rated in inventory.vulnerabilities.iter().flat_map(|found| &found.severity) {
        if rated.method == "trivy" {
            found("vulnerability", rated.score.clone());
        }
    }
    for secret in &inventory.secrets {
        found("secret", secret.severity.to_string());
    }
    for misconfiguration in &inventory.misconfigurations {
        found("misconfiguration", misconfiguration.severity.to_string());
    }
    for hazard in files.iter().flat_map(|file| &file.hazards) {
        found("hazard", hazard.severity.to_string());
    }
}
