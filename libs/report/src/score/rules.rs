//! Elements that ask for more than that a value is there.

use serde_json::Value;

use super::path::{self, Found};
use crate::{
    Aibom,
    aibom::{list, text},
    conformance::{Standing, judgements},
};

/// What an element rests on, and what is to be shown of it.
#[derive(Debug, Default)]
pub(super) struct Ruling<'a> {
    /// Its values.
    pub found: Vec<Found<'a>>,
    /// Shown in place of the first of them.
    pub note: Option<String>,
}

/// A signature in the document itself (JSF): with an algorithm and a value.
pub(super) fn embedded_signature(aibom: &Aibom) -> Option<Found<'_>> {
    let value = aibom.value().get("signature")?;
    let is_signature =
        ["/algorithm", "/value"].iter().all(|member| !text(value, member).trim().is_empty());
    is_signature.then(|| Found { pointer: "/signature".to_owned(), value })
}

/// At least one requirement is met.
pub(super) fn conformance(aibom: &Aibom) -> Result<Ruling<'_>, &'static str> {
    let (mut found, mut total) = (Vec::new(), 0_usize);
    for judgement in judgements(aibom) {
        let (Some(value), Some(standing)) = (judgement.score, judgement.standing()) else {
            continue;
        };
        total += 1;
        if standing > Standing::Not {
            found.push(Found { pointer: judgement.pointer, value });
        }
    }
    if found.is_empty() {
        return Err(if total == 0 { "" } else { "no requirement is met" });
    }
    let note = format!("{} of {total} requirements met", found.len());
    Ok(Ruling { found, note: Some(note) })
}

/// The machine's parts by name; that there was a machine says nothing of it.
pub(super) fn hardware(aibom: &Aibom) -> Result<Ruling<'_>, &'static str> {
    const KINDS: [&str; 3] = ["device", "device-driver", "firmware"];
    let mut found = Vec::new();
    for (index, component) in aibom.list("/components").iter().enumerate() {
        let pointer = format!("/components/{index}");
        let parts = list(component, "/components").iter().enumerate();
        let parts = parts.map(|(part, value)| (format!("{pointer}/components/{part}"), value));
        let all = std::iter::once((pointer.clone(), component)).chain(parts);
        let is_part =
            |part: &Value| KINDS.contains(&text(part, "/type")) && text(part, "/bom-ref") != "host";
        for (pointer, part) in all.filter(|(_, part)| is_part(part)) {
            found.extend(path::find(&pointer, part, "name").ok_or("a part without a name")?);
        }
    }
    if found.is_empty() { Err("") } else { Ok(Ruling { found, note: None }) }
}

/// The packages were looked at, unless the document says that they were not.
pub(super) fn scanned(aibom: &Aibom) -> Result<Ruling<'_>, &'static str> {
    let scans = aibom.scans();
    if scans.incomplete > 0 && scans.complete == 0 {
        Err("scan incomplete")
    } else {
        Ok(Ruling::default())
    }
}
