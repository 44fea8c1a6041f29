//! The model card in Markdown, with the front matter that Hugging Face reads.
//!
//! Texts of the document are quoted in the front matter as JSON strings, which YAML reads as it
//! reads its own, and escaped in the Markdown: a document can inject neither a key nor markup.

mod front;
mod markdown;
mod sections;

use markdown::Markdown;
pub(crate) use markdown::{code_span, escaped};
use serde_json::Value;

use crate::aibom::{list, text};
use crate::{Aibom, Sources};

/// The model card of the trained model.
///
/// Its figures are marked with who says them; results in `model-index` say `verified: false`,
/// because the trainer reported them and nobody measured again.
#[must_use]
pub fn markdown(aibom: &Aibom) -> String {
    let card = Card::new(aibom);
    let mut out = front::matter(&card);
    let mut md = Markdown::default();
    let names = [card.release("/name"), card.model.text("/name"), "Model card"];
    md.heading(1, names.into_iter().find(|name| !name.trim().is_empty()).unwrap_or_default());
    md.paragraph(card.release("/description"));
    md.note("Made from an AIBoM. Values say who said them: asserted and reported values were checked by nobody.");
    for (title, write) in sections::SECTIONS {
        let mut section = Markdown::default();
        write(&card, &mut section);
        md.heading(2, title);
        if section.is_empty() {
            md.note("Not stated in the AIBoM.");
        }
        md.append(&section);
    }
    out.push_str(&md.finish());
    out
}

/// The parts of the document that the card is made of.
struct Card<'a> {
    aibom: &'a Aibom,
    sources: Sources<'a>,
    /// The trained model.
    model: Part<'a>,
}

/// A value and the pointer to it.
#[derive(Clone)]
struct Part<'a> {
    value: &'a Value,
    at: String,
}

impl<'a> Part<'a> {
    /// What stands at a pointer below; null when nothing does.
    fn below(&self, tail: &str) -> Self {
        let value = self.value.pointer(tail).unwrap_or(&Value::Null);
        Self { value, at: format!("{}{tail}", self.at) }
    }

    fn items(&self, tail: &str) -> Vec<Self> {
        let items = list(self.value, tail).iter().enumerate();
        items.map(|(n, value)| Self { value, at: format!("{}{tail}/{n}", self.at) }).collect()
    }

    fn text(&self, tail: &str) -> &'a str {
        text(self.value, tail)
    }

    /// The value of the property of that name.
    fn property(&self, name: &str) -> Self {
        let found = self.items("/properties").into_iter().find(|p| p.text("/name") == name);
        found.unwrap_or_else(|| self.below("/properties/-")).below("/value")
    }
}

impl<'a> Card<'a> {
    fn new(aibom: &'a Aibom) -> Self {
        let model = part(aibom, "output/model.keras");
        Self { aibom, sources: aibom.sources(), model }
    }

    fn root(&self) -> Part<'a> {
        Part { value: self.aibom.value(), at: String::new() }
    }

    /// A text of the component that the document is about.
    fn release(&self, tail: &str) -> &'a str {
        self.root().below("/metadata/component").text(tail)
    }

    /// Who says `part`; empty when the document does not tell.
    fn by(&self, part: &Part<'_>) -> &'static str {
        self.sources.of(&part.at).map_or("", |found| found.source.word())
    }

    /// A line with `part` and who says it; nothing when it holds no text.
    fn tell(&self, md: &mut Markdown, label: &str, part: &Part<'_>) {
        md.fact(label, part.text(""), self.by(part));
    }

    /// A line for each of `tails` below `part`.
    fn tell_all(&self, md: &mut Markdown, part: &Part<'_>, tails: &[(&str, &str)]) {
        for (label, tail) in tails {
            self.tell(md, label, &part.below(tail));
        }
    }

    /// The licence's SPDX id, name or expression.
    fn licence(&self) -> Part<'a> {
        let choices = self.model.items("/licenses").into_iter();
        let tails = ["/license/id", "/license/name", "/expression"];
        let texts = choices.flat_map(|choice| tails.map(|tail| choice.below(tail)));
        texts
            .into_iter()
            .find(|one| one.value.is_string())
            .unwrap_or_else(|| self.model.below("/licenses/-"))
    }

    /// The task: `classification` or `regression` in ours.
    fn task(&self) -> &'a str {
        self.model.text("/modelCard/modelParameters/task")
    }

    fn considerations(&self, list: &str) -> Vec<Part<'a>> {
        self.model.items(&format!("/modelCard/considerations/{list}"))
    }
}

/// Components at the top level and nested in one there.
fn components(aibom: &Aibom) -> Vec<Part<'_>> {
    let root = Part { value: aibom.value(), at: String::new() };
    let top = root.items("/components");
    let nested: Vec<_> = top.iter().flat_map(|component| component.items("/components")).collect();
    top.into_iter().chain(nested).collect()
}

/// The component of that `bom-ref`; null when there is none.
fn part<'a>(aibom: &'a Aibom, reference: &str) -> Part<'a> {
    let found = components(aibom).into_iter().find(|c| c.text("/bom-ref") == reference);
    found.unwrap_or_else(|| Part { value: &Value::Null, at: "/components/-".to_owned() })
}

#[cfg(test)]
mod tests;
