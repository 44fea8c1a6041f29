//! The alerts of `deploy/prometheus` ask for metrics that there are, and point at runbooks that there are.

use std::{collections::BTreeSet, path::Path};

const RULES: &str = include_str!("../../../../deploy/prometheus/ledger.rules.yml");

fn repository() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Everything that is written in the sources below `directory`.
fn sources(directory: &Path, text: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The metrics that the rules name.
fn metrics() -> BTreeSet<&'static str> {
    let words = RULES.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let ours = words.filter(|word| word.starts_with("ledger_"));
    // What a histogram makes of its name.
    let plain = |word: &'static str| {
        let word = word.strip_suffix("_sum").unwrap_or(word);
        word.strip_suffix("_count").unwrap_or(word)
    };
    ours.map(plain).collect()
}

#[test]
fn every_metric_of_the_alerts_is_in_the_code() {
    let mut text = String::new();
    sources(&repository().join("services/ledger/src"), &mut text);
    let metrics = metrics();
    assert!(metrics.contains("ledger_halted") && metrics.len() > 6, "{metrics:?}");
    for metric in metrics {
        assert!(text.contains(&format!("\"{metric}\"")), "no code has the metric {metric}");
    }
}

#[test]
fn every_alert_has_a_runbook_with_that_chapter() {
    let alerts = RULES.matches("- alert:").count();
    let links: Vec<_> =
        RULES.lines().filter_map(|l| l.trim().strip_prefix("runbook_url: ")).collect();
    assert!(alerts > 0 && links.len() == alerts, "{alerts} alerts, {} runbooks", links.len());
    for link in links {
        let (path, chapter) = link.split_once('#').unwrap();
        let page = std::fs::read_to_string(repository().join(path)).unwrap();
        let chapters = page.lines().filter_map(|line| line.strip_prefix("## "));
        let mut anchors = chapters.map(|title| title.to_lowercase().replace(' ', "-"));
        assert!(anchors.any(|anchor| anchor == chapter), "{link}");
    }
}
