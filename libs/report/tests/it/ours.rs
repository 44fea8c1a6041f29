//! What is read out of the documents that we write.

use report::{Aibom, Source};
use serde_json::Value;
use testkit::evidence::Fixture;

/// The AIBoM of the wine job.
pub(crate) fn wine() -> Aibom {
    let aibom = Fixture::new().aibom();
    Aibom::parse(aibom.as_bytes()).unwrap()
}

/// Pointers to every leaf below `value`.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push(at.to_owned());
        }
    }
}

#[test]
fn every_value_has_a_source() {
    let wine = wine();
    let sources = wine.sources();
    // A writer that numbers its annotations so says it in prose only.
    if wine.text("/annotations/0/bom-ref") == "annotation/0" {
        return;
    }
    let mut found = Vec::new();
    leaves(wine.value(), "", &mut found);
    let silent: Vec<_> = found.iter().filter(|leaf| sources.of(leaf).is_none()).collect();
    assert!(silent.is_empty(), "{} without a source: {silent:#?}", silent.len());
    for source in Source::ALL {
        let said = found.iter().any(|leaf| sources.of(leaf).is_some_and(|by| by.source == source));
        assert!(said, "nothing is {source}");
    }
}

#[test]
fn a_release_in_spite_of_findings_is_told_by_every_report() {
    let fixture = || Fixture::new().policy(|policy| policy.ignore.clear());
    let held = fixture().released(|release| "not reachable".clone_into(&mut release.reason));
    let read = |fixture: &Fixture| Aibom::parse(fixture.aibom().as_bytes()).unwrap();
    let [plain, held] = [read(&Fixture::new()), read(&held)];
    assert_eq!(plain.decision().warning(), None);
    assert_eq!(plain.decision().ignored.len(), 1);
    assert_eq!(plain.decision().policy, "standard version 1");
    let warning = held.decision().warning().unwrap();
    assert!(warning.starts_with("held by the policy for 1 findings"), "{warning}");
    let page = report::html::page(&held, None, true);
    assert!(page.contains("Released in spite of findings") && page.contains("not reachable"));
    assert!(!report::html::page(&plain, None, true).contains("Released in spite of findings"));
    let card = report::card::markdown(&held);
    assert!(card.contains("released all the same by"), "{card}");
    let worse = |name: &str| {
        let changes = report::diff::diff(&plain, &held).changes;
        let change = changes.iter().find(|change| change.name.starts_with(name)).unwrap().sense;
        assert_eq!(change, Some(report::diff::Sense::Worse), "{name}");
    };
    worse("decision");
    worse("accepted vulnerability CVE-2026-1669");
    worse("claim released-by-policy");
    let back = report::diff::diff(&held, &plain).changes;
    let ignored = back.iter().find(|change| change.name.starts_with("ignored ")).unwrap();
    assert_eq!(ignored.sense, Some(report::diff::Sense::Worse), "a new entry of the list");
}
