//! What the AIBoM has for each point: texts, who says them, and where they stand.

use serde_json::Value;

use super::{
    Point, Status,
    points::{Asked, Field, Of, POINTS, wanted},
};
use crate::{Aibom, Attribution, Sources, aibom::text, spdx::Located};

/// The most items of one list that are written; how many there are is always said.
const MAX_ITEMS: usize = 40;
/// The longest text of one item, in characters.
const MAX_ITEM_CHARS: usize = 2_000;

/// One value.
pub(super) struct Said<'a> {
    pub(super) label: &'static str,
    pub(super) text: String,
    pub(super) pointer: String,
    pub(super) by: Option<Attribution<'a>>,
}

/// A point with its values.
pub(super) struct Filled<'a> {
    pub(super) point: Point,
    pub(super) values: Vec<Said<'a>>,
}

/// Every point.
pub(super) fn filled(aibom: &Aibom) -> Vec<Filled<'_>> {
    let sources = aibom.sources();
    POINTS.iter().map(|asked| fill(aibom, &sources, asked)).collect()
}

fn fill<'a>(aibom: &'a Aibom, sources: &Sources<'a>, asked: &Asked) -> Filled<'a> {
    let mut values = Vec::new();
    let mut found = 0_usize;
    for field in asked.fields {
        let before = values.len();
        say(aibom, sources, asked.number, field, &mut values);
        found = found.saturating_add(usize::from(values.len() > before));
    }
    let status = match found {
        0 => Status::Missing,
        all if all == asked.fields.len() && asked.add.is_empty() => Status::Filled,
        _ => Status::Partly,
    };
    let mut by: Vec<_> = values.iter().filter_map(|v| v.by.map(|by| by.source)).collect();
    by.sort_unstable();
    by.dedup();
    let pointers = values.iter().map(|value| value.pointer.clone()).collect();
    let point = Point {
        point: asked.number,
        title: asked.title,
        status,
        sources: by,
        pointers,
        add: asked.add,
    };
    Filled { point, values }
}

/// Whose values a field is about.
fn subject(aibom: &Aibom, of: Of) -> Option<Located<'_>> {
    let document = Located { value: aibom.value(), at: String::new() };
    let top: Vec<_> = document.items("/components").collect();
    let workflow = || {
        let formulas = document.items("/formulation").collect::<Vec<_>>();
        let all = formulas.iter().flat_map(|f| f.items("/workflows").collect::<Vec<_>>());
        all.into_iter().find(|w| w.text("/bom-ref") == "workflow/observed")
    };
    match of {
        Of::Document => Some(document),
        Of::Model => top.into_iter().find(|c| {
            c.text("/type") == "machine-learning-model" && c.text("/bom-ref").starts_with("output/")
        }),
        Of::Component(reference) => {
            let nested = top.iter().flat_map(|c| c.items("/components").collect::<Vec<_>>());
            let mut all = top.iter().cloned().chain(nested);
            all.find(|c| c.text("/bom-ref") == reference)
        }
        Of::Training => {
            let mut tasks = workflow()?.items("/tasks");
            tasks.find(|task| task.text("/bom-ref").starts_with("task/observed/train"))
        }
        Of::Workflow => workflow(),
    }
}

fn say<'a>(
    aibom: &'a Aibom,
    sources: &Sources<'a>,
    number: &str,
    (label, of, below): &Field,
    values: &mut Vec<Said<'a>>,
) {
    let Some(found) = subject(aibom, *of).and_then(|subject| subject.below(below)) else { return };
    let items: Vec<Located<'_>> = match found.value {
        Value::Array(_) => found.items("").collect(),
        _ => vec![found],
    };
    let wanted = items.iter().filter(|item| wanted(number, label, text(item.value, "/name")));
    let wanted: Vec<_> = wanted.collect();
    for item in wanted.iter().take(MAX_ITEMS) {
        let mut words = Vec::new();
        let leaf = leaves(item.value, &item.at, &mut words);
        let mut text = words.join("; ");
        if let Some((end, _)) = text.char_indices().nth(MAX_ITEM_CHARS) {
            text.truncate(end);
            text.push('…');
        }
        if text.is_empty() {
            continue;
        }
        let by = sources.of(leaf.as_deref().unwrap_or(&item.at));
        values.push(Said { label, text, pointer: item.at.clone(), by });
    }
    if let Some(more) = wanted.len().checked_sub(MAX_ITEMS).filter(|more| *more > 0) {
        let at = wanted.first().map(|item| item.at.clone()).unwrap_or_default();
        values.push(Said {
            label,
            text: format!("and {more} more in the AIBoM"),
            pointer: at,
            by: None,
        });
    }
}

/// The texts in a value, in their order; gives the place of the last, a property's value rather than
/// its name.
fn leaves(value: &Value, at: &str, words: &mut Vec<String>) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) => {
            words.push(value.to_string());
            Some(at.to_owned())
        }
        Value::String(text) => {
            words.push(text.clone());
            Some(at.to_owned())
        }
        Value::Array(items) => {
            let all = items.iter().enumerate();
            all.fold(None, |last, (n, item)| leaves(item, &format!("{at}/{n}"), words).or(last))
        }
        Value::Object(members) => members.iter().filter(|(name, _)| *name != "bom-ref").fold(
            None,
            |last, (name, member)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(member, &format!("{at}/{name}"), words).or(last)
            },
        ),
    }
}
