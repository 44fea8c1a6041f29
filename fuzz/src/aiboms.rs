//! AIBoMs of anybody, which are only read.

use report::{
    Aibom,
    diff::diff,
    score::{ELEMENTS, Status, score},
};
use serde_json::Value;

/// How many values of a document are asked for their source.
const MAX_ASKED: usize = 500;

/// A CycloneDX document: each value has one source or none, every element points at what it rests
/// on, and no document differs from itself.
pub fn aibom(data: &[u8]) -> bool {
    let Ok(aibom) = Aibom::parse(data) else { return false };
    let sources = aibom.sources();
    for pointer in pointers(aibom.value()) {
        let said = sources.of(&pointer);
        assert!(said.is_none() || !sources.is_empty(), "nobody says what nobody says");
    }
    let score = score(&aibom, false);
    assert!(score.elements.len() == ELEMENTS, "every element has a status");
    for element in &score.elements {
        let missing = element.status == Status::Missing;
        assert!(missing == element.pointer.is_empty(), "what is there is somewhere");
        assert!(aibom.value().pointer(&element.pointer).is_some(), "it is there");
        let platform = element.source.is_some_and(report::Source::is_platform);
        assert!(platform == (element.status == Status::Observed), "observed is by the platform");
    }
    assert!(diff(&aibom, &aibom).is_empty(), "a document is the same as itself");
    true
}

/// A CycloneDX document in every form that it is exported to: the page holds no script and nothing to
/// load, and the JSON forms are JSON.
pub fn exports(data: &[u8]) -> bool {
    let Ok(aibom) = Aibom::parse(data) else { return false };
    let page = report::html::page(&aibom, None, false);
    let lower = page.to_ascii_lowercase();
    for foreign in ["<script", "<iframe", "<img", "<object", "<embed"] {
        assert!(!lower.contains(foreign), "{foreign} is in the page");
    }
    assert!(page.trim_end().ends_with("</html>"), "the page ends");
    assert!(report::card::markdown(&aibom).starts_with("---\n"), "the card has front matter");
    if let Ok(spdx) = report::spdx::document(&aibom) {
        assert!(serde_json::from_slice::<Value>(&spdx).is_ok(), "SPDX is JSON");
    }
    assert!(!report::annex_iv::points(&aibom).is_empty(), "every point is told");
    true
}

/// Pointers to the first values of a document.
fn pointers(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![(String::new(), document)];
    while let Some((pointer, value)) = waiting.pop() {
        if found.len() == MAX_ASKED {
            break;
        }
        match value {
            Value::Array(items) => {
                let items = items.iter().take(MAX_ASKED).enumerate();
                waiting.extend(items.map(|(index, item)| (format!("{pointer}/{index}"), item)));
            }
            Value::Object(members) => {
                let members = members.iter().take(MAX_ASKED);
                waiting.extend(members.map(|(name, member)| {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    (format!("{pointer}/{name}"), member)
                }));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        found.push(pointer);
    }
    found
}
