//! What the AIBoM has for each point: texts, who says them, and where they stand.

use serde_json::Value;

use super::{
    Point, Status,
    lines::tell,
    points::{Asked, Field, Of, POINTS, wanted},
};
use crate::{Aibom, Attribution, Sources, aibom::text, html::clip, spdx::Located};

/// The most lines of one field that are written; how many there are is always said.
const MAX_LINES: usize = 60;
/// The longest text of one line, in characters.
const MAX_TEXT_CHARS: usize = 2_000;
/// The longest name of one line, in characters.
const MAX_NAME_CHARS: usize = 200;

/// One value.
pub(super) struct Said<'a> {
    pub(super) label: &'static str,
    /// Its name within the field; empty when it has none.
    pub(super) name: String,
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
    let pointer = found.at.clone();
    let items: Vec<Located<'_>> = match found.value {
        Value::Array(_) => found.items("").collect(),
        _ => vec![found],
    };
    let wanted = items.iter().filter(|item| wanted(number, label, text(item.value, "/name")));
    let mut lines = Vec::new();
    wanted.for_each(|item| tell(item, 0, &mut lines));
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    values.extend(lines.into_iter().map(|line| {
        let by = sources.of(&line.at);
        let (name, text) = (clip(&line.name, MAX_NAME_CHARS), clip(&line.text, MAX_TEXT_CHARS));
        Said { label, name, text, pointer: line.at, by }
    }));
    if more > 0 {
        let text = format!("and {more} more in the AIBoM");
        values.push(Said { label, name: String::new(), text, pointer, by: None });
    }
}
