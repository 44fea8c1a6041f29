//! The corpora: every hostile file is found by the rule that it breaks, and no benign one is blamed.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::BTreeMap, fs::File, io::BufReader, path::Path};

use inspect::{Inspection, Limits, Severity, inspect};
use serde::Deserialize;

#[derive(Deserialize)]
struct Manifest {
    hostile: BTreeMap<String, Expected>,
    benign: Vec<String>,
}

#[derive(Deserialize)]
struct Expected {
    rule: String,
    severity: String,
}

fn corpus() -> (Manifest, &'static Path) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus"));
    let text = std::fs::read(folder.join("corpus.json")).unwrap();
    (serde_json::from_slice(&text).unwrap(), folder)
}

fn look(folder: &Path, path: &str) -> Inspection {
    let path = folder.join(path);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap();
    inspect(name, BufReader::new(File::open(&path).unwrap()), &Limits::default()).unwrap()
}

fn rank(word: &str) -> Severity {
    let all = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
    all.into_iter().find(|severity| severity.as_str() == word).unwrap()
}

#[test]
fn every_hostile_file_is_found_by_its_rule() {
    let (manifest, folder) = corpus();
    let mut missed = Vec::new();
    for (path, expected) in &manifest.hostile {
        let found = look(folder, path);
        let worst = rank(&expected.severity);
        let by_rule = |hazard: &&inspect::Hazard| hazard.rule.as_str() == expected.rule;
        if !found.at_least(worst).any(|hazard| by_rule(&hazard)) {
            missed.push(format!(
                "{path}: no {} ({}) in {found:#?}",
                expected.rule, expected.severity
            ));
        }
    }
    assert!(manifest.hostile.len() >= 60);
    assert!(missed.is_empty(), "{} missed\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn no_benign_file_is_blamed() {
    let (manifest, folder) = corpus();
    let mut blamed = Vec::new();
    for path in &manifest.benign {
        let found = look(folder, path);
        if found.at_least(Severity::Medium).count() > 0 || found.unread.is_some() {
            blamed.push(format!("{path}: {found:#?}"));
        }
    }
    assert!(manifest.benign.len() >= 60);
    assert!(blamed.is_empty(), "{} blamed\n{}", blamed.len(), blamed.join("\n"));
}
