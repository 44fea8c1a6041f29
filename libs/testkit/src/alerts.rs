//! The alerts of `deploy/prometheus`: whether they ask for metrics that there are, and point at runbooks
//! that there are.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// A file of alerts, and what it is about.
#[derive(Debug, Clone, Copy)]
pub struct Alerts {
    /// What is in the file.
    pub rules: &'static str,
    /// What the names of our metrics in it begin with.
    pub prefixes: &'static [&'static str],
    /// The services that have these metrics.
    pub services: &'static [&'static str],
}

fn repository() -> PathBuf {
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

/// Whether `link` is a page of the repository and a chapter that is in it.
fn is_chapter(link: &str) -> bool {
    let Some((path, chapter)) = link.split_once('#') else { return false };
    let page = std::fs::read_to_string(repository().join(path)).unwrap_or_default();
    let chapters = page.lines().filter_map(|line| line.strip_prefix("## "));
    let mut anchors = chapters.map(|title| title.to_lowercase().replace(' ', "-"));
    anchors.any(|anchor| anchor == chapter)
}

impl Alerts {
    /// The metrics that the rules name.
    #[must_use]
    pub fn metrics(&self) -> BTreeSet<&'static str> {
        let words = self.rules.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let ours = words.filter(|word| self.prefixes.iter().any(|prefix| word.starts_with(prefix)));
        // What a histogram makes of its name.
        let plain = |word: &'static str| {
            let word = word.strip_suffix("_sum").unwrap_or(word);
            word.strip_suffix("_count").unwrap_or(word)
        };
        ours.map(plain).collect()
    }

    /// The metrics that are not in the code of the services.
    #[must_use]
    pub fn metrics_without_code(&self) -> Vec<&'static str> {
        let mut text = String::new();
        for service in self.services {
            sources(&repository().join("services").join(service).join("src"), &mut text);
        }
        let absent = |metric: &&str| !text.contains(&format!("\"{metric}\""));
        self.metrics().into_iter().filter(absent).collect()
    }

    /// The alerts that do not point at one chapter of a runbook.
    ///
    /// # Panics
    /// When there are no alerts.
    #[must_use]
    pub fn alerts_without_runbook(&self) -> Vec<&'static str> {
        let alerts: Vec<_> = self.rules.split("- alert: ").skip(1).collect();
        assert!(!alerts.is_empty(), "the rules have no alerts");
        let unguided = alerts.into_iter().filter(|alert| {
            let links = alert.lines().filter_map(|line| line.trim().strip_prefix("runbook_url: "));
            let links: Vec<_> = links.collect();
            !matches!(links[..], [link] if is_chapter(link))
        });
        unguided.filter_map(|alert| alert.lines().next()).collect()
    }
}
