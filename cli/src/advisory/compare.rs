//! What a scan of today says that an AIBoM did not say. Pure.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Completeness, Level, ScanStatement, VulnerabilityResult};
use report::Aibom;
use serde::Serialize;
use serde_json::Value;

/// A vulnerability as an AIBoM knows it.
#[derive(Debug, Default)]
struct SignedFinding {
    level: Option<Level>,
    /// References of the packages that it affects.
    affects: BTreeSet<String>,
    /// purls of those for which there was no fix.
    not_fixed: BTreeSet<String>,
}

/// What an AIBoM says of vulnerabilities.
#[derive(Debug, Default)]
pub(super) struct Signed {
    /// When the AIBoM was made, as it says.
    pub(super) at: String,
    /// Whether a scan of then was incomplete: what is new may only have been overlooked.
    pub(super) incomplete: bool,
    findings: BTreeMap<String, SignedFinding>,
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl Signed {
    /// Reads it out of an AIBoM.
    pub(super) fn of(aibom: &Aibom) -> Self {
        let mut findings: BTreeMap<String, SignedFinding> = BTreeMap::new();
        for found in aibom.list("/vulnerabilities") {
            let finding = findings.entry(text(found, "/id").to_owned()).or_default();
            let ratings = list(found, "/ratings").iter();
            let levels = ratings.map(|r| Level::of(&text(r, "/severity").to_ascii_uppercase()));
            finding.level = finding.level.max(levels.max());
            let affects = list(found, "/affects").iter().map(|a| text(a, "/ref").to_owned());
            finding.affects.extend(affects);
            let not_fixed = list(found, "/properties").iter();
            let not_fixed = not_fixed.filter(|p| text(p, "/name") == "aibom:not-fixed");
            finding.not_fixed.extend(not_fixed.map(|p| text(p, "/value").to_owned()));
        }
        let incomplete = aibom.scans().incomplete > 0;
        Self { at: aibom.text("/metadata/timestamp").to_owned(), incomplete, findings }
    }
}

/// A package that a vulnerability is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Place {
    pub(super) purl: String,
    pub(super) installed: String,
    /// The first version without it; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fixed: Option<String>,
}

/// A vulnerability of today, with the packages that make it worth a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) severity: Level,
    /// The severity at signing, where that was lower.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) was: Option<Level>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) title: String,
    pub(super) packages: Vec<Place>,
}

/// What differs, each list with the worst first, then by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Changes {
    /// Not in the AIBoM, or not of these packages.
    pub(super) new: Vec<Item>,
    /// In the AIBoM with a lower severity.
    pub(super) worse: Vec<Item>,
    /// In the AIBoM without a fix that there is now.
    pub(super) fixable: Vec<Item>,
    /// In the AIBoM, and not found in the same packages any more.
    pub(super) gone: Vec<String>,
    /// In the AIBoM, and as they were.
    pub(super) unchanged: usize,
}

impl Changes {
    /// The worst severity of what is new or became worse.
    pub(super) fn worst(&self) -> Option<Level> {
        self.new.iter().chain(&self.worse).map(|item| item.severity).max()
    }
}

/// The severities are joined as in AIBoMs: the worst that anybody gives.
fn level(result: &VulnerabilityResult) -> Level {
    let levels = result.severity.iter().map(|severity| Level::of(&severity.score));
    levels.max().unwrap_or(Level::Unknown)
}

fn item(result: &VulnerabilityResult, packages: BTreeSet<Place>) -> Item {
    Item {
        id: result.id.clone(),
        severity: level(result),
        was: None,
        title: result.title.clone(),
        packages: packages.into_iter().collect(),
    }
}

/// The reference of a package in AIBoMs (docs/formats/aibom.md).
fn reference(purl: &str) -> String {
    if purl.starts_with("pkg:") { purl.to_owned() } else { format!("package/{purl}") }
}

/// What `scan` says that `signed` did not; without an AIBoM everything is new.
pub(super) fn changes(signed: Option<&Signed>, scan: &ScanStatement) -> Changes {
    let mut changes = Changes::default();
    let nothing = Signed::default();
    let signed = signed.unwrap_or(&nothing);
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for result in &scan.predicate.scanner.result {
        let before = signed.findings.get(&result.id);
        let places = result.annotations.iter().map(|finding| Place {
            purl: finding.purl.clone(),
            installed: finding.installed.clone(),
            fixed: (!finding.fixed.is_empty()).then(|| finding.fixed.clone()),
        });
        let places: BTreeSet<Place> = places.collect();
        let here = found.entry(&result.id).or_default();
        here.extend(places.iter().map(|place| reference(&place.purl)));
        let affected = |place: &Place| {
            before.is_some_and(|before| before.affects.contains(&reference(&place.purl)))
        };
        let (known, new): (BTreeSet<_>, BTreeSet<_>) = places.into_iter().partition(affected);
        let all_new = known.is_empty();
        if !new.is_empty() || before.is_none() {
            changes.new.push(item(result, new));
        }
        let Some(before) = before.filter(|_| !all_new) else { continue };
        let fixed =
            |place: &&Place| place.fixed.is_some() && before.not_fixed.contains(&place.purl);
        let fixable: BTreeSet<Place> = known.iter().filter(fixed).cloned().collect();
        let was = before.level.unwrap_or(Level::Unknown);
        if fixable.is_empty() && level(result) <= was {
            changes.unchanged = changes.unchanged.saturating_add(1);
        }
        if !fixable.is_empty() {
            changes.fixable.push(item(result, fixable));
        }
        if level(result) > was {
            changes.worse.push(Item { was: Some(was), ..item(result, known) });
        }
    }
    changes.gone = gone(signed, scan, &found);
    let order = |item: &Item| (std::cmp::Reverse(item.severity), item.id.clone());
    for list in [&mut changes.new, &mut changes.worse, &mut changes.fixable] {
        list.sort_by_key(order);
    }
    changes
}

/// Only a complete scan says what is not there, and only of packages that it lists: an AIBoM has
/// vulnerabilities of other scans too.
fn gone(
    signed: &Signed,
    scan: &ScanStatement,
    found: &BTreeMap<&str, BTreeSet<String>>,
) -> Vec<String> {
    let extension = &scan.predicate.aibom;
    if extension.completeness == Completeness::Incomplete {
        return Vec::new();
    }
    let listed: BTreeSet<String> =
        extension.packages.iter().map(|package| reference(&package.purl)).collect();
    let is_gone = |(id, before): &(&String, &SignedFinding)| {
        let now = found.get(id.as_str());
        before.affects.iter().any(|r| listed.contains(r))
            && before.affects.iter().all(|r| now.is_none_or(|now| !now.contains(r)))
    };
    let mut gone: Vec<_> = signed.findings.iter().filter(is_gone).collect();
    gone.sort_by_key(|(id, before)| (std::cmp::Reverse(before.level), id.as_str()));
    gone.into_iter().map(|(id, _)| id.clone()).collect()
}
