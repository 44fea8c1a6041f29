//! An AIBoM without vulnerabilities, and these beside it: BSI TR-03183-2 (v2.1) wants none in an SBOM.
//!
//! Both documents are made from the AIBoM and are signed by nobody; each names it by BOM-Link, and
//! by digest the exact bytes that were signed.

use std::collections::BTreeSet;

use ids::{Digests, Sha256Digest, canonical};
use serde_json::{Map, Value, json};

use crate::{
    Aibom,
    aibom::{list, text},
    spdx::escaped,
};

/// The file name of the SBOM.
pub const SBOM: &str = "aibom.bsi.cdx.json";
/// The file name of the vulnerability disclosure report, by which the SBOM names it.
pub const VDR: &str = "aibom.vdr.cdx.json";

/// The two documents, RFC 8785 canonical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The AIBoM without vulnerabilities, for a file named [`SBOM`].
    pub sbom: Vec<u8>,
    /// The vulnerabilities, for a file named [`VDR`]; what they affect is named by BOM-Link.
    pub vdr: Vec<u8>,
}

/// Why an AIBoM cannot be split.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// A BOM-Link has no other way to name the AIBoM.
    #[error("serialNumber is no urn:uuid: of small hexadecimal digits, which a BOM-Link demands")]
    NoSerialNumber,
    /// It cannot be written.
    #[error("cannot be written: {0}")]
    Write(#[from] canonical::Error),
}

/// Splits an AIBoM; `exact` are the bytes that `aibom` was read from. The same bytes give the same two.
///
/// # Errors
/// When the AIBoM has no serial number to link to.
pub fn split(aibom: &Aibom, exact: &[u8]) -> Result<Split, SplitError> {
    let link = link(aibom).ok_or(SplitError::NoSerialNumber)?;
    let signed = reference("bom", &link, "the AIBoM that this was made from", exact);
    let vdr = canonical::to_vec(&report(aibom, exact, &link, &signed))?;
    let mut sbom = without(aibom);
    sbom.insert("serialNumber".to_owned(), json!(serial_number("sbom", exact)));
    let references = sbom.entry("externalReferences").or_insert_with(|| json!([]));
    if let Some(references) = references.as_array_mut() {
        references.push(reference("vulnerability-assertion", VDR, "what was found", &vdr));
        references.push(signed);
    }
    Ok(Split { sbom: canonical::to_vec(&sbom)?, vdr })
}

/// The AIBoM's BOM-Link.
pub(crate) fn link(aibom: &Aibom) -> Option<String> {
    let uuid = aibom.text("/serialNumber").strip_prefix("urn:uuid:")?;
    let groups: Vec<&str> = uuid.split('-').collect();
    let small = |text: &&str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let right = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
    let version = aibom.value().get("version").and_then(Value::as_u64).unwrap_or(1).max(1);
    (right && groups.iter().all(small)).then(|| format!("urn:cdx:{uuid}/{version}"))
}

/// A UUIDv8 (RFC 9562 section 5.8) of what is made and of what from.
pub(crate) fn serial_number(what: &str, exact: &[u8]) -> String {
    let mut input = format!("aibom.bsi.v1\0{what}\0").into_bytes();
    input.extend_from_slice(Sha256Digest::of(exact).as_bytes());
    let hex: Vec<char> = Sha256Digest::of(&input).to_hex().chars().collect();
    let mut digits = hex.into_iter();
    let mut take = |count: usize| digits.by_ref().take(count).collect::<String>();
    // The version is 8; of the variant's digit only the highest bits are fixed.
    format!("urn:uuid:{}-{}-8{}-a{}-{}", take(8), take(4), take(3), take(3), take(12))
}

fn reference(kind: &str, url: &str, comment: &str, bytes: &[u8]) -> Value {
    let Digests { sha256, sha512 } = Digests::of(bytes);
    json!({"type": kind, "url": url, "comment": comment, "hashes": [
        {"alg": "SHA-256", "content": sha256.to_hex()},
        {"alg": "SHA-512", "content": sha512.to_hex()},
    ]})
}

/// The AIBoM without vulnerabilities, and without what is said of them.
fn without(aibom: &Aibom) -> Map<String, Value> {
    let mut sbom = aibom.value().as_object().cloned().unwrap_or_default();
    sbom.remove("vulnerabilities");
    let mut gone: BTreeSet<String> =
        aibom.list("/vulnerabilities").iter().map(|v| text(v, "/bom-ref").to_owned()).collect();
    keep(&mut sbom, "compositions", |composition| {
        composition.remove("vulnerabilities");
        let left = ["assemblies", "dependencies"].iter().any(|m| composition.contains_key(*m));
        if let (false, Some(reference)) = (left, composition.get("bom-ref")) {
            gone.extend(reference.as_str().map(str::to_owned));
        }
        left
    });
    let annotations = aibom.list("/annotations").len();
    keep(&mut sbom, "annotations", |annotation| {
        unsay(annotation, "text")
            && filter(annotation, "subjects", |subject| !gone.contains(subject))
    });
    let fewer = list_of(&sbom, "annotations") < annotations;
    conceal(&mut sbom);
    keep(&mut sbom, "citations", |citation| {
        unsay(citation, "note")
            && filter(citation, "pointers", |pointer| {
                // Those that are left stand at other places now.
                let moved = fewer && pointer.starts_with("/annotations/");
                !of_vulnerabilities(pointer) && !moved
            })
    });
    sbom
}

/// How long a list is.
fn list_of(of: &Map<String, Value>, member: &str) -> usize {
    of.get(member).and_then(Value::as_array).map_or(0, Vec::len)
}

/// Takes the values of what the metadata says of vulnerabilities: the places of the rest stay.
fn conceal(sbom: &mut Map<String, Value>) {
    let metadata = sbom.get_mut("metadata").and_then(|metadata| metadata.get_mut("properties"));
    for property in metadata.and_then(Value::as_array_mut).into_iter().flatten() {
        let (name, value) = (text(property, "/name"), text(property, "/value"));
        let about = name.starts_with("aibom:findings:vulnerability:")
            || name.starts_with("aibom:decision:") && value.starts_with("vulnerability ");
        if let (true, Some(property)) = (about, property.as_object_mut()) {
            property.remove("value");
        }
    }
}

/// Keeps the objects of a list for which `wanted` holds; an empty list goes.
fn keep(
    of: &mut Map<String, Value>,
    member: &str,
    mut wanted: impl FnMut(&mut Map<String, Value>) -> bool,
) {
    let Some(items) = of.get_mut(member).and_then(Value::as_array_mut) else { return };
    items.retain_mut(|item| item.as_object_mut().is_none_or(&mut wanted));
    if items.is_empty() {
        of.remove(member);
    }
}

/// Keeps the texts of a list for which `wanted` holds; whether any is left, or there was no list.
fn filter(of: &mut Map<String, Value>, member: &str, wanted: impl Fn(&str) -> bool) -> bool {
    let Some(items) = of.get_mut(member).and_then(Value::as_array_mut) else { return true };
    items.retain(|item| item.as_str().is_none_or(&wanted));
    !items.is_empty()
}

/// Takes the fields of vulnerabilities out of a source's text; whether it says anything more.
fn unsay(source: &mut Map<String, Value>, member: &str) -> bool {
    let Some(said) = source.get(member).and_then(Value::as_str) else { return true };
    let Some(left) = unsaid(said) else { return false };
    source.insert(member.to_owned(), left.into());
    true
}

/// A source's text without the fields of vulnerabilities; `None` when no field is left.
fn unsaid(said: &str) -> Option<String> {
    let Some((who, fields)) = said.split_once(": ") else { return Some(said.to_owned()) };
    let about = |field: &&str| field.strip_prefix('$').is_some_and(of_vulnerabilities);
    if !fields.split(", ").any(|field| about(&field)) {
        return Some(said.to_owned());
    }
    let left: Vec<&str> = fields.split(", ").filter(|field| !about(field)).collect();
    (!left.is_empty()).then(|| format!("{who}: {}", left.join(", ")))
}

fn of_vulnerabilities(pointer: &str) -> bool {
    let below = pointer.strip_prefix("/vulnerabilities");
    below.is_some_and(|rest| matches!(rest.bytes().next(), None | Some(b'/' | b'*')))
}

/// The vulnerabilities as a document of their own, with who found them and what was not looked at.
fn report(aibom: &Aibom, exact: &[u8], link: &str, signed: &Value) -> Value {
    let mut report = Map::new();
    for member in ["$schema", "bomFormat", "specVersion"] {
        report.extend(aibom.value().get(member).map(|value| (member.to_owned(), value.clone())));
    }
    report.insert("version".to_owned(), json!(1));
    report.insert("serialNumber".to_owned(), json!(serial_number("vdr", exact)));
    report.insert("metadata".to_owned(), Value::Object(metadata(aibom)));
    report.insert("externalReferences".to_owned(), json!([signed]));
    let found = aibom.list("/vulnerabilities").iter().map(|found| {
        let mut found = found.clone();
        let affects = found.get_mut("affects").and_then(Value::as_array_mut).into_iter().flatten();
        for reference in affects.filter_map(|affected| affected.get_mut("ref")) {
            *reference =
                json!(format!("{link}#{}", escaped(reference.as_str().unwrap_or_default())));
        }
        found
    });
    let found: Vec<Value> = found.collect();
    report.insert("vulnerabilities".to_owned(), found.into());
    let said = annotations(aibom);
    if !said.is_empty() {
        report.insert("annotations".to_owned(), said.into());
    }
    Value::Object(report)
}

/// Of the metadata what holds for the report too: when, by whom and with what, and of which system.
fn metadata(aibom: &Aibom) -> Map<String, Value> {
    let pick = |from: Option<&Value>, members: &[&str]| -> Map<String, Value> {
        let from = from.and_then(Value::as_object).into_iter().flatten();
        let wanted = from.filter(|(name, _)| members.contains(&name.as_str()));
        wanted.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let whole = aibom.value().get("metadata");
    let common = ["timestamp", "tools", "manufacturer", "licenses", "distributionConstraints"];
    let mut metadata = pick(whole, &common);
    let release = whole.and_then(|metadata| metadata.get("component"));
    if release.is_some() {
        let release = pick(release, &["type", "bom-ref", "name", "version", "hashes"]);
        metadata.insert("component".to_owned(), Value::Object(release));
    }
    metadata
}

/// Who found them, and the notes on incomplete scans and on what was let pass; their subject is the system.
fn annotations(aibom: &Aibom) -> Vec<Value> {
    let release = aibom.text("/metadata/component/bom-ref");
    let time = aibom.text("/metadata/timestamp");
    if release.is_empty() || time.is_empty() {
        return Vec::new();
    }
    let notes = list(aibom.value(), "/annotations").iter();
    let notes = notes.filter(|note| {
        let reference = text(note, "/bom-ref");
        ["not-scanned/", "ignored/"].iter().any(|begin| reference.starts_with(begin))
            || reference == "released"
    });
    let mut all: Vec<Value> = notes
        .filter_map(|note| {
            let mut note = note.as_object().cloned()?;
            note.insert("subjects".to_owned(), json!([release]));
            Some(Value::Object(note))
        })
        .collect();
    all.extend(aibom.sources().of("/vulnerabilities").map(|by| {
        let word = by.source.word();
        let mut letters = word.chars();
        let capital = letters.next().map(|first| first.to_ascii_uppercase());
        let word: String = capital.into_iter().chain(letters).collect();
        json!({
            "bom-ref": "source/0", "subjects": [release], "timestamp": time,
            "annotator": {"component": {"type": "application", "name": by.who}},
            "text": format!("{word} by {}: $/vulnerabilities", by.who),
        })
    }));
    all
}
