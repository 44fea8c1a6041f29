//! The sources as the citations of CycloneDX 1.7: complete JSON pointers into the finished document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::claims::{Group, Source, plain_name};
use crate::cyclonedx::Citation;
use crate::refs;
use crate::sources::Sources;

/// One citation for each group and each key that stands for its source.
pub(crate) fn citations(
    groups: Vec<Group>,
    sources: Sources<'_>,
    document: &Value,
) -> Vec<Citation> {
    let index = index(document);
    let mut out = Vec::new();
    for group in groups {
        let mut pointers: Vec<String> = Vec::new();
        for subject in &group.subjects {
            for field in &group.fields {
                point(document, &index, subject, field, &mut pointers);
            }
        }
        pointers.sort_unstable();
        pointers.dedup();
        if pointers.is_empty() {
            continue;
        }
        for key in attributed_to(group.source, sources) {
            out.push(Citation {
                attributed_to: key,
                bom_ref: format!("source/{}", out.len()),
                note: sources.text(&group),
                pointers: pointers.clone(),
                timestamp: sources.time(group.source),
            });
        }
    }
    out
}

/// The bom-refs of who answers for a source.
fn attributed_to(source: Source, sources: Sources<'_>) -> Vec<String> {
    let evidence = sources.evidence;
    let (from, count) = match source {
        Source::Reported => return vec![refs::IMAGE.to_owned()],
        Source::Derived => return vec![refs::ASSEMBLER.to_owned()],
        Source::Asserted => (0, 1),
        Source::Granted => (1, 1),
        Source::Observed => (2, 1),
        Source::Scanned => (3, evidence.scans().len()),
        Source::Decided => return vec![refs::key(sources.decision.key())],
        // A release stands at the end.
        Source::Released => (evidence.signers().len().saturating_sub(1), 1),
    };
    let signers = evidence.signers().iter().skip(from).take(count);
    let mut keys: Vec<String> = signers.map(|(_, key)| refs::key(key)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Value and pointer of everything with a bom-ref.
fn index(document: &Value) -> BTreeMap<&str, (&Value, String)> {
    let mut out = BTreeMap::new();
    let mut todo = vec![(document, String::new())];
    while let Some((value, pointer)) = todo.pop() {
        for (segment, _, child) in children(value) {
            if child.is_object() || child.is_array() {
                todo.push((child, format!("{pointer}/{segment}")));
            }
        }
        if let Some(reference) = value.get("bom-ref").and_then(Value::as_str) {
            out.insert(reference, (value, pointer));
        }
    }
    out
}

/// The members or items of a value: pointer segment, name within a field, value.
fn children(value: &Value) -> Vec<(String, &str, &Value)> {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
                (index.to_string(), name, item)
            })
            .collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| {
                (name.replace('~', "~0").replace('/', "~1"), name.as_str(), member)
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Adds the pointers to what `field` of `subject` names; nothing where the document lacks it.
fn point(
    document: &Value,
    index: &BTreeMap<&str, (&Value, String)>,
    subject: &str,
    field: &str,
    out: &mut Vec<String>,
) {
    let (value, pointer, path) = match field.strip_prefix('$') {
        Some(path) => (document, "", path),
        None => match index.get(subject) {
            Some((value, pointer)) => (*value, pointer.as_str(), field),
            None => return,
        },
    };
    if path == "everything" {
        out.push(pointer.to_owned());
        return;
    }
    // Only the end of a field is open.
    let (path, open) = path.strip_suffix('*').map_or((path, false), |path| (path, true));
    let mut segments = path.split('/').skip(1).peekable();
    let mut places = vec![(value, pointer.to_owned())];
    while let Some(segment) = segments.next() {
        let wanted = plain_name(segment);
        let open = open && segments.peek().is_none();
        let mut next = Vec::new();
        for (value, pointer) in places {
            for (place, name, child) in children(value) {
                // An item without a name goes by its index.
                let known = if name.is_empty() { place.as_str() } else { name };
                if known == wanted || open && known.starts_with(&wanted) {
                    let mut pointer = pointer.clone();
                    let _ = write!(pointer, "/{place}");
                    next.push((child, pointer));
                }
            }
        }
        places = next;
    }
    out.extend(places.into_iter().map(|(_, pointer)| pointer));
}
