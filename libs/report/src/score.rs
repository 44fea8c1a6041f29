//! How much of the G7/CISA minimum elements of an SBOM for AI an AIBoM holds.
//!
//! The elements are those of "SBOM for AI: minimum elements" (12 May 2026). An element is there
//! when its value is there and not empty, for everything that it is asked of. It is never better
//! than the least of the sources that it rests on.

mod path;
mod rules;
mod table;

use serde::Serialize;
use serde_json::Value;

use self::{
    path::Found,
    table::{Need, ROWS, Row},
};
use crate::{
    Aibom, Source, Sources,
    aibom::{list, text},
};

/// How many elements there are.
pub const ELEMENTS: usize = ROWS.len();

/// The most values of one element whose source is looked up.
const MAX_ATTRIBUTED: usize = 10_000;
/// The longest value that is shown, in characters.
const MAX_VALUE_CHARS: usize = 80;

/// The seven clusters of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cluster {
    /// Of the document itself.
    Metadata,
    /// The AI system as a whole.
    System,
    /// Each model.
    Models,
    /// Each dataset.
    Datasets,
    /// What it was trained on.
    Infrastructure,
    /// How it was protected.
    Security,
    /// What was measured.
    Kpi,
}

impl Cluster {
    /// All of them, in the order of the elements.
    pub const ALL: [Self; 7] = [
        Self::Metadata,
        Self::System,
        Self::Models,
        Self::Datasets,
        Self::Infrastructure,
        Self::Security,
        Self::Kpi,
    ];

    /// Its name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Metadata => "Metadata",
            Self::System => "System",
            Self::Models => "Models",
            Self::Datasets => "Datasets",
            Self::Infrastructure => "Infrastructure",
            Self::Security => "Security",
            Self::Kpi => "Key performance indicators",
        }
    }
}

/// Whether an element is there, and how good it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The platform stands for it: observed, granted, scanned or derived.
    Observed,
    /// Somebody else said so: the submitter, the trainer, or nobody who is named.
    Asserted,
    /// Not there, or empty.
    Missing,
}

/// One of the elements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Element {
    /// Where it belongs.
    pub cluster: Cluster,
    /// Its name in the minimum elements.
    pub name: &'static str,
    /// Whether it is there.
    pub status: Status,
    /// The least source that it rests on; none when nobody is named, or it is missing.
    pub source: Option<Source>,
    /// JSON pointer to the first value of that source; empty when it is missing.
    pub pointer: String,
    /// The beginning of that value, `<name>=<value>` where it has a name; why it is missing, where
    /// there is more to say.
    pub value: String,
}

/// What an AIBoM holds of the minimum elements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// All of [`ELEMENTS`], in their order.
    pub elements: Vec<Element>,
}

impl Score {
    /// How many elements have a status.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.elements.iter().filter(|element| element.status == status).count()
    }

    /// How many elements are there.
    #[must_use]
    pub fn present(&self) -> usize {
        self.elements.len() - self.count(Status::Missing)
    }

    /// The elements of a cluster.
    pub fn of(&self, cluster: Cluster) -> impl Iterator<Item = &Element> {
        self.elements.iter().filter(move |element| element.cluster == cluster)
    }
}

/// Scores an AIBoM, or an ML-BOM of somebody else. `signed`: whether the caller found a signature
/// beside the document; nothing is verified here.
#[must_use]
pub fn score(aibom: &Aibom, signed: bool) -> Score {
    let judged = Judged {
        aibom,
        sources: aibom.sources(),
        models: models(aibom),
        datasets: datasets(aibom),
        signed,
    };
    Score { elements: ROWS.iter().map(|row| judged.element(row)).collect() }
}

/// A value with its JSON pointer.
type Root<'a> = (String, &'a Value);

struct Judged<'a> {
    aibom: &'a Aibom,
    sources: Sources<'a>,
    models: Vec<Root<'a>>,
    datasets: Vec<Root<'a>>,
    signed: bool,
}

impl<'a> Judged<'a> {
    fn element(&self, row: &Row) -> Element {
        let missing = Element {
            cluster: row.cluster,
            name: row.name,
            status: Status::Missing,
            source: None,
            pointer: String::new(),
            value: String::new(),
        };
        let (mut found, mut note) = (Vec::new(), None);
        for need in row.needs {
            match need {
                Need::Signature if self.signed => {
                    let value = "beside the document; present, not verified here".to_owned();
                    return Element { status: Status::Observed, value, ..missing };
                }
                Need::Signature => found.extend(rules::embedded_signature(self.aibom)),
                Need::Also(paths) => found.extend(self.first(paths)),
                Need::Rule(rule) => match rule(self.aibom) {
                    Ok(ruling) => {
                        found.extend(ruling.found);
                        note = note.or(ruling.note);
                    }
                    Err(why) => return Element { value: why.to_owned(), ..missing },
                },
                Need::First(paths) => {
                    let more = self.first(paths);
                    if more.is_empty() {
                        return missing;
                    }
                    found.extend(more);
                }
            }
        }
        let by = |found: &Found<'_>| self.sources.of(&found.pointer).map(|by| by.source);
        let least = found.iter().take(MAX_ATTRIBUTED).map(|found| (by(found), found));
        let Some((source, least)) = least.min_by_key(|(source, _)| worth(*source)) else {
            return missing;
        };
        let platform = source.is_some_and(Source::is_platform);
        Element {
            status: if platform { Status::Observed } else { Status::Asserted },
            source,
            pointer: least.pointer.clone(),
            value: note.unwrap_or_else(|| self.value(least, found.len())),
            ..missing
        }
    }

    /// What the first path leads to that leads to anything.
    fn first(&self, paths: &[&str]) -> Vec<Found<'a>> {
        let found = paths.iter().map(|path| self.find(path)).find(|found| !found.is_empty());
        found.unwrap_or_default()
    }

    /// The beginning of a value with its name, and how many more there are.
    fn value(&self, found: &Found<'_>, count: usize) -> String {
        let around = found.pointer.strip_suffix("/value");
        let around = around.and_then(|pointer| self.aibom.value().pointer(pointer));
        let name = around.map(|around| [text(around, "/name"), text(around, "/type")]);
        let name = name.into_iter().flatten().find(|name| !name.is_empty());
        let whole = path::shown(found.value);
        let mut short = cut(&name.map_or_else(|| whole.clone(), |name| format!("{name}={whole}")));
        if count > 1 {
            short.push_str(&format!(" (and {} more)", count - 1));
        }
        short
    }

    fn find(&self, path: &str) -> Vec<Found<'a>> {
        let (roots, path) = if let Some(path) = path.strip_prefix("model/") {
            (self.models.as_slice(), path)
        } else if let Some(path) = path.strip_prefix("data/") {
            (self.datasets.as_slice(), path)
        } else {
            let path = path.strip_prefix('/').unwrap_or(path);
            return path::find("", self.aibom.value(), path).unwrap_or_default();
        };
        // Each of them has to have it.
        let found: Option<Vec<_>> =
            roots.iter().map(|(pointer, value)| path::find(pointer, value, path)).collect();
        found.unwrap_or_default().into_iter().flatten().collect()
    }
}

/// The beginning of a text.
fn cut(whole: &str) -> String {
    match whole.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or_default()),
        None => whole.to_owned(),
    }
}

/// The order of sources: what nobody stands for first.
const fn worth(source: Option<Source>) -> u8 {
    match source {
        None => 0,
        Some(Source::Asserted) => 1,
        Some(Source::Reported) => 2,
        Some(Source::Granted | Source::Observed | Source::Scanned | Source::Decided) => 3,
        // A constant says less of the training than what was seen of it.
        Some(Source::Derived) => 4,
    }
}

/// The trained model of our documents; in others, every machine-learning model.
fn models(aibom: &Aibom) -> Vec<Root<'_>> {
    chosen(aibom, "output/model.keras", "machine-learning-model")
}

/// The dataset of our documents; in others, every data component, or what model cards hold.
fn datasets(aibom: &Aibom) -> Vec<Root<'_>> {
    let found = chosen(aibom, "input/dataset", "data");
    if !found.is_empty() {
        return found;
    }
    let cards = models(aibom).into_iter().flat_map(|(pointer, model)| {
        let datasets = list(model, "/modelCard/modelParameters/datasets").iter().enumerate();
        let inline = datasets.filter(|(_, dataset)| dataset.get("ref").is_none());
        inline.map(move |(index, dataset)| {
            (format!("{pointer}/modelCard/modelParameters/datasets/{index}"), dataset)
        })
    });
    cards.collect()
}

fn chosen<'a>(aibom: &'a Aibom, ours: &str, kind: &str) -> Vec<Root<'a>> {
    let components = aibom.list("/components").iter().enumerate();
    let components = components.map(|(index, value)| (format!("/components/{index}"), value));
    let described = aibom.value().pointer("/metadata/component");
    let described = described.map(|value| ("/metadata/component".to_owned(), value));
    let all: Vec<Root<'a>> =
        described.into_iter().chain(components).filter(|(_, c)| text(c, "/type") == kind).collect();
    match all.iter().find(|(_, component)| text(component, "/bom-ref") == ours) {
        Some(ours) => vec![ours.clone()],
        None => all,
    }
}

#[cfg(test)]
mod tests;
