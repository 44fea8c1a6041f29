//! The alerts of `deploy/prometheus` ask for metrics that there are, and point at runbooks that there are.

use testkit::alerts::Alerts;

const ALERTS: Alerts = Alerts {
    rules: include_str!("../../../../deploy/prometheus/ledger.rules.yml"),
    prefixes: &["ledger_"],
    services: &["ledger"],
};

#[test]
fn every_metric_of_the_alerts_is_in_the_code() {
    let metrics = ALERTS.metrics();
    assert!(metrics.contains("ledger_halted") && metrics.len() > 6, "{metrics:?}");
    assert_eq!(ALERTS.metrics_without_code(), Vec::<&str>::new());
}

#[test]
fn every_alert_has_a_runbook_with_that_chapter() {
    assert_eq!(ALERTS.alerts_without_runbook(), Vec::<&str>::new());
}
