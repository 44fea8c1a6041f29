//! The document with its places: a value, where it stands, and so who says it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Verdict, write::clip};
use crate::aibom::{list, text};
use crate::{Aibom, Source};

/// The longest name of a thing that other parts refer to, and of who says something, in characters:
/// both stand at many places.
const MAX_NAME_CHARS: usize = 200;

/// A document, indexed for reading.
pub(super) struct View<'a> {
    root: &'a Value,
    sources: crate::sources::Sources<'a>,
    components: BTreeMap<&'a str, (&'a Value, String)>,
    standing: Standing,
}

/// What is known of a signature on the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is none.
    Unsigned,
    /// There is one, and nobody verified it here.
    Signed,
    /// A verifier accepted the bundle.
    Verified,
    /// A verifier refused the bundle.
    Refused,
}

impl Standing {
    /// What follows from a verdict, and without one from whether there is a signature.
    pub(super) fn new(verdict: Option<&Verdict>, signed: bool) -> Self {
        match verdict {
            Some(verdict) if verdict.holds() => Self::Verified,
            Some(_) => Self::Refused,
            None if signed => Self::Signed,
            None => Self::Unsigned,
        }
    }

    /// Whether there is a signature that was not refused.
    pub(super) const fn is_signed(self) -> bool {
        matches!(self, Self::Signed | Self::Verified)
    }
}

impl<'a> View<'a> {
    /// Indexes `aibom`.
    pub(super) fn new(aibom: &'a Aibom, standing: Standing) -> Self {
        let root = aibom.value();
        let mut components = BTreeMap::new();
        if let Some(main) = root.pointer("/metadata/component") {
            components.insert(text(main, "/bom-ref"), (main, "/metadata/component".to_owned()));
        }
        index(root, "/components", "/components", &mut components);
        index(root, "/metadata/tools/components", "/metadata/tools/components", &mut components);
        Self { root, sources: aibom.sources(), components, standing }
    }

    /// What is known of a signature on the document.
    pub(super) const fn standing(&self) -> Standing {
        self.standing
    }

    /// The whole document.
    pub(super) fn root(&self) -> Place<'_> {
        Place { view: self, value: self.root, pointer: String::new() }
    }

    /// The component of that `bom-ref`, wherever it stands.
    pub(super) fn component(&self, reference: &str) -> Option<Place<'_>> {
        let (value, pointer) = self.components.get(reference)?;
        Some(Place { view: self, value, pointer: pointer.clone() })
    }

    /// Components at the top level and nested in one there, in the document's order.
    pub(super) fn all(&self) -> Vec<Place<'_>> {
        let top = self.root().items("/components").into_iter();
        let mut out = Vec::new();
        for component in top {
            let parts = component.items("/components");
            out.push(component);
            out.extend(parts);
        }
        out
    }

    /// Those of [`Self::all`] whose `bom-ref` begins with `prefix`.
    pub(super) fn components(&self, prefix: &str) -> Vec<Place<'_>> {
        let mut all = self.all();
        all.retain(|component| component.text("/bom-ref").starts_with(prefix));
        all
    }

    /// Name and version of what `reference` is, cut when very long; the reference itself when it
    /// is no component.
    pub(super) fn name(&self, reference: &str) -> String {
        let Some((component, _)) = self.components.get(reference) else {
            return clip(reference, MAX_NAME_CHARS);
        };
        let (name, version) = (text(component, "/name"), text(component, "/version"));
        let (name, version) = (clip(name, MAX_NAME_CHARS), clip(version, MAX_NAME_CHARS));
        if version.is_empty() { name } else { format!("{name} {version}") }
    }

    /// The task of that `bom-ref` in any workflow.
    pub(super) fn task(&self, reference: &str) -> Option<Place<'_>> {
        let formulas = self.root().items("/formulation");
        let workflows = formulas.iter().flat_map(|formula| formula.items("/workflows"));
        workflows
            .flat_map(|workflow| workflow.items("/tasks"))
            .find(|task| task.text("/bom-ref") == reference)
    }

    /// The workflow of that `bom-ref`.
    pub(super) fn workflow(&self, reference: &str) -> Option<Place<'_>> {
        let formulas = self.root().items("/formulation");
        formulas
            .iter()
            .flat_map(|formula| formula.items("/workflows"))
            .find(|workflow| workflow.text("/bom-ref") == reference)
    }
}

fn index<'a>(
    of: &'a Value,
    tail: &str,
    pointer: &str,
    into: &mut BTreeMap<&'a str, (&'a Value, String)>,
) {
    for (number, component) in list(of, tail).iter().enumerate() {
        let place = format!("{pointer}/{number}");
        index(component, "/components", &format!("{place}/components"), into);
        into.entry(text(component, "/bom-ref")).or_insert((component, place));
    }
}

/// A value of the document and where it stands.
#[derive(Clone)]
pub(super) struct Place<'v> {
    view: &'v View<'v>,
    value: &'v Value,
    pointer: String,
}

impl<'v> Place<'v> {
    /// What stands here.
    pub(super) const fn value(&self) -> &'v Value {
        self.value
    }

    /// The place at a JSON pointer below this one.
    pub(super) fn at(&self, tail: &str) -> Option<Self> {
        let value = self.value.pointer(tail)?;
        Some(Self { view: self.view, value, pointer: format!("{}{tail}", self.pointer) })
    }

    /// The items of the list at a JSON pointer below; none when there is no list.
    pub(super) fn items(&self, tail: &str) -> Vec<Self> {
        let items = list(self.value, tail).iter().enumerate();
        items
            .map(|(index, value)| Self {
                view: self.view,
                value,
                pointer: format!("{}{tail}/{index}", self.pointer),
            })
            .collect()
    }

    /// The text at a JSON pointer below; empty when there is none.
    pub(super) fn text(&self, tail: &str) -> &'v str {
        text(self.value, tail)
    }

    /// The value of the property of that name.
    pub(super) fn property(&self, name: &str) -> Option<Self> {
        let found = self.items("/properties").into_iter().find(|p| p.text("/name") == name)?;
        found.at("/value")
    }

    /// The rest of the name and the value of each property that begins with `prefix`.
    pub(super) fn properties(&self, prefix: &str) -> Vec<(&'v str, Self)> {
        let all = self.items("/properties").into_iter();
        all.filter_map(|p| Some((p.text("/name").strip_prefix(prefix)?, p.at("/value")?))).collect()
    }

    /// What stands here, for people: texts as they are, lists of texts joined, else JSON.
    pub(super) fn show(&self) -> String {
        match self.value {
            Value::String(text) => text.clone(),
            Value::Array(items) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        }
    }

    /// Who says what stands here: the source, and who.
    pub(super) fn source(&self) -> Option<(Source, String)> {
        let found = self.view.sources.of(&self.pointer)?;
        Some((found.source, clip(found.who, MAX_NAME_CHARS)))
    }
}

/// What a component's licences say, joined.
pub(super) fn licences(component: &Place<'_>) -> String {
    let one = |choice: &Place<'_>| {
        ["/license/id", "/license/name", "/expression"]
            .into_iter()
            .map(|tail| choice.text(tail))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
            .to_owned()
    };
    component.items("/licenses").iter().map(one).collect::<Vec<_>>().join(", ")
}
