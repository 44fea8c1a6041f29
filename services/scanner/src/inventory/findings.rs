//! The secrets and misconfigurations of a report: sorted, each once, the worst when there are more
//! than evidence takes.

use std::{cmp::Reverse, collections::BTreeSet};

use evidence::{Level, MAX_FILE_FINDINGS, Misconfiguration, SecretFinding};

use super::{TEXT_MAX, shown, text};
use crate::report::{Report, ReportError};

/// The longest path, in characters.
const PATH_MAX: usize = 1_024;
/// The longest title, in characters.
const TITLE_MAX: usize = 512;

/// Where a finding is; a path that cannot be shown as it is stands escaped.
fn place(stated: &str) -> String {
    let escaped: String = stated.chars().flat_map(plain).take(PATH_MAX).collect();
    if escaped.is_empty() { "unnamed".to_owned() } else { escaped }
}

fn plain(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let kept = (!c.is_control()).then_some(c);
    kept.into_iter().chain(escaped.into_iter().flatten())
}

/// The texts of `report` that look like secrets.
pub(super) fn secrets(
    report: &Report,
    gaps: &mut Vec<String>,
) -> Result<Vec<SecretFinding>, ReportError> {
    let mut found = BTreeSet::new();
    for group in report.results() {
        for entry in group.secrets() {
            let rule = text("secret rule", &entry.rule, TEXT_MAX)?;
            found.insert(SecretFinding {
                path: place(report.place(group)),
                line: entry.start_line,
                severity: Level::of(&entry.severity),
                title: shown(&entry.title, TITLE_MAX).unwrap_or_else(|| rule.clone()),
                rule,
            });
        }
    }
    Ok(worst(found, "secrets", |secret| secret.severity, gaps))
}

/// The configuration that rules object to; what passes them is no finding.
pub(super) fn misconfigurations(
    report: &Report,
    gaps: &mut Vec<String>,
) -> Result<Vec<Misconfiguration>, ReportError> {
    let mut found = BTreeSet::new();
    for group in report.results() {
        for entry in group.misconfigurations().iter().filter(|entry| entry.status == "FAIL") {
            let id = text("misconfiguration id", &entry.id, TEXT_MAX)?;
            found.insert(Misconfiguration {
                path: place(report.place(group)),
                severity: Level::of(&entry.severity),
                title: shown(&entry.title, TITLE_MAX).unwrap_or_else(|| id.clone()),
                id,
            });
        }
    }
    Ok(worst(found, "misconfigurations", |found| found.severity, gaps))
}

/// As many as evidence takes, the worst of them; what is left out is a gap.
pub(crate) fn worst<T: Ord>(
    found: BTreeSet<T>,
    what: &str,
    level: impl Fn(&T) -> Level,
    gaps: &mut Vec<String>,
) -> Vec<T> {
    let count = found.len();
    if count <= MAX_FILE_FINDINGS {
        return found.into_iter().collect();
    }
    gaps.push(format!("{count} {what} were found, the worst {MAX_FILE_FINDINGS} are listed"));
    let mut worst: Vec<T> = found.into_iter().collect();
    worst.sort_by_key(|found| Reverse(level(found)));
    worst.truncate(MAX_FILE_FINDINGS);
    worst.sort();
    worst
}
