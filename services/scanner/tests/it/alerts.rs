//! The alerts of `deploy/prometheus` ask for metrics that there are, and point at runbooks that there are.

use testkit::alerts::Alerts;

const ALERTS: Alerts = Alerts {
    rules: include_str!("../../../../deploy/prometheus/scanner.rules.yml"),
    prefixes: &["scan_", "scans_", "signer_", "scheduler_"],
    services: &["scanner", "signer", "scheduler"],
};

#[test]
fn every_metric_of_the_alerts_is_in_the_code() {
    let metrics = ALERTS.metrics();
    assert!(metrics.contains("scheduler_rescans_total") && metrics.len() > 8, "{metrics:?}");
    assert_eq!(ALERTS.metrics_without_code(), Vec::<&str>::new());
}

#[test]
fn every_alert_has_a_runbook_with_that_chapter() {
    assert_eq!(ALERTS.alerts_without_runbook(), Vec::<&str>::new());
}
