//! The graph under construction: ids, elements, relationships, and who says what.

use std::collections::{BTreeMap, BTreeSet};

use ids::Timestamp;
use serde_json::{Value, json};

use super::{
    MAX_REFERENCE_BYTES, SpdxError,
    element::{Element, Located, escaped},
    licence,
};
use crate::{Aibom, Sources};

/// The blank node of the one creation info.
pub(super) const CREATION: &str = "_:creation";

/// The longest serial number, which every id begins with, in bytes; a UUID has 36.
const MAX_SERIAL_BYTES: usize = 128;

/// A relationship whose ends may turn out not to be in the graph.
#[derive(Debug)]
struct Relation {
    kind: &'static str,
    from: String,
    to: Vec<String>,
    /// Class and further members, for assessments.
    class: &'static str,
    more: Vec<(&'static str, Value)>,
}

/// What has been collected.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    pub(super) aibom: &'a Aibom,
    sources: Sources<'a>,
    base: String,
    ids: BTreeSet<String>,
    elements: Vec<Value>,
    relations: Vec<Relation>,
    annotations: usize,
    /// What may still be spent of [`MAX_REFERENCE_BYTES`]; none when it was too little.
    left: Option<usize>,
    /// Elements that `createdBy` and `createdUsing` name.
    pub(super) creators: Vec<String>,
    pub(super) tools: Vec<String>,
}

impl<'a> Graph<'a> {
    /// An empty graph.
    ///
    /// # Errors
    /// When the serial number is far longer than one is.
    pub(super) fn new(aibom: &'a Aibom) -> Result<Self, SpdxError> {
        let serial = aibom.text("/serialNumber");
        if serial.len() > MAX_SERIAL_BYTES {
            return Err(SpdxError::TooLarge);
        }
        let serial = escaped(serial.strip_prefix("urn:uuid:").unwrap_or(serial));
        let version = aibom.value().get("version").and_then(Value::as_u64).unwrap_or(1);
        Ok(Self {
            aibom,
            sources: aibom.sources(),
            base: format!("urn:cdx:{serial}/{version}"),
            ids: BTreeSet::new(),
            elements: Vec::new(),
            relations: Vec::new(),
            annotations: 0,
            left: Some(MAX_REFERENCE_BYTES),
            creators: Vec::new(),
            tools: Vec::new(),
        })
    }

    /// Takes `bytes` from what references may take together; whether there was as much.
    fn spend(&mut self, bytes: usize) -> bool {
        self.left = self.left.and_then(|left| left.checked_sub(bytes));
        self.left.is_some()
    }

    /// Whether everything that was added is in the graph.
    ///
    /// # Errors
    /// When references took too much, and some were left out.
    pub(super) const fn fits(&self) -> Result<(), SpdxError> {
        match self.left {
            Some(_) => Ok(()),
            None => Err(SpdxError::TooLarge),
        }
    }

    /// The id of what the AIBoM knows as `reference`: its BOM-Link.
    pub(super) fn id(&self, reference: &str) -> String {
        format!("{}#{}", self.base, escaped(reference))
    }

    /// The id of something that only the SPDX document has.
    pub(super) fn own(&self, name: &str) -> String {
        format!("{}#spdx:{}", self.base, escaped(name))
    }

    /// The AIBoM's BOM-Link.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Every component with a `bom-ref`, at the top level or nested, the outermost first.
    pub(super) fn components(&self) -> Vec<Located<'a>> {
        let document = Located { value: self.aibom.value(), at: String::new() };
        let mut found = Vec::new();
        for top in document.items("/components") {
            let nested = top.items("/components");
            found.push(top);
            found.extend(nested);
        }
        found.retain(|component| !component.text("/bom-ref").is_empty());
        found
    }

    /// A time as SPDX writes it: whole seconds, UTC.
    #[expect(clippy::unused_self, reason = "reads as the other conversions do")]
    pub(super) fn time(&self, text: &str) -> Option<String> {
        let exact: Timestamp = text.parse().ok().or_else(|| {
            let seconds = text.strip_suffix('Z')?;
            format!("{seconds}.000Z").parse().ok()
        })?;
        let exact = exact.to_string();
        let (seconds, _) = exact.split_once('.')?;
        Some(format!("{seconds}Z"))
    }

    /// Whether there is such an element already.
    pub(super) fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Adds an element, with an annotation for each source of its members. The first of one id stays.
    pub(super) fn add(&mut self, mut element: Element) {
        if !self.ids.insert(element.id.clone()) {
            return;
        }
        element.put("creationInfo", CREATION);
        let mut said: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (member, pointer) in &element.taken {
            if let Some(attribution) = self.sources.of(pointer) {
                self.left = self.left.and_then(|left| left.checked_sub(attribution.who.len()));
                if self.left.is_none() {
                    return;
                }
                let who = format!("{} by {}", capital(attribution.source.word()), attribution.who);
                let members = said.entry(who).or_default();
                if !members.contains(member) {
                    members.push(member);
                }
            }
        }
        self.elements.push(Value::Object(element.members));
        for (who, members) in said {
            let id = self.own(&format!("annotation/{}", self.annotations));
            self.annotations = self.annotations.saturating_add(1);
            let mut annotation = Element::new("Annotation", id);
            annotation
                .put("annotationType", "other")
                .put("subject", element.id.as_str())
                .put("statement", format!("{who}: {}", members.join(", ")))
                .put("creationInfo", CREATION);
            self.ids.insert(annotation.id);
            self.elements.push(Value::Object(annotation.members));
        }
    }

    /// Relates elements; what is not in the graph in the end is left out.
    pub(super) fn relate(&mut self, from: &str, kind: &'static str, to: Vec<String>) {
        self.relate_as("Relationship", from, kind, to, Vec::new());
    }

    /// Relates elements by a class of relationship that has further members.
    pub(super) fn relate_as(
        &mut self,
        class: &'static str,
        from: &str,
        kind: &'static str,
        to: Vec<String>,
        more: Vec<(&'static str, Value)>,
    ) {
        let bytes = to.iter().fold(from.len(), |sum, id| sum.saturating_add(id.len()));
        if self.spend(bytes) {
            self.relations.push(Relation { kind, from: from.to_owned(), to, class, more });
        }
    }

    /// The elements with their relationships, and the ids of all.
    pub(super) fn finish(mut self) -> (Vec<Value>, Vec<String>) {
        let mut number = 0_usize;
        for mut relation in std::mem::take(&mut self.relations) {
            relation.to.retain(|id| self.ids.contains(id) || licence::is_individual(id));
            relation.to.dedup();
            if relation.to.is_empty() || !self.ids.contains(&relation.from) {
                continue;
            }
            let mut element =
                Element::new(relation.class, self.own(&format!("relationship/{number}")));
            number = number.saturating_add(1);
            element
                .put("from", relation.from)
                .put("relationshipType", relation.kind)
                .put("to", json!(relation.to))
                .put("creationInfo", CREATION);
            for (member, value) in relation.more {
                element.put(member, value);
            }
            self.ids.insert(element.id);
            self.elements.push(Value::Object(element.members));
        }
        let ids = self.ids.into_iter().collect();
        (self.elements, ids)
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
