//! What the outputs say, read after the run from the very files that are hashed and uploaded.
//! Nothing in them can fail a job any more: what cannot be read is said to be so.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
};

use dataset::{Division, split};
use evidence::Trained;

use crate::{failure::clean, inspect, outputs::MODEL_NAME, outputs::OutputFile};

/// The trainer's record of its split.
const SPLIT_NAME: &str = "split.json";
/// The longest reason why a model cannot be read, in bytes.
const MAX_REASON_BYTES: usize = 256;
/// The most that a trained model may say of itself, in bytes of JSON: with the submitted one it has
/// to fit into one document.
const MAX_MODEL_BYTES: usize = 1024 * 1024;

/// What the outputs say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Results {
    /// The trained model.
    pub(crate) trained: Trained,
    /// Whether the trainer's record of its split is the computed one.
    pub(crate) split_agrees: Option<bool>,
}

fn unreadable(reason: &str) -> Trained {
    Trained::Unreadable(clean(reason, MAX_REASON_BYTES))
}

fn trained(file: &File) -> Trained {
    let facts = match model::inspect(file, &model::Limits::default()) {
        Ok(facts) => facts,
        Err(refusal) => return unreadable(&refusal.to_string()),
    };
    let model = inspect::model_of(&facts);
    match serde_json::to_vec(&model) {
        Ok(text) if text.len() <= MAX_MODEL_BYTES => Trained::Read(model),
        _ => unreadable(&format!("it describes itself in more than {MAX_MODEL_BYTES} bytes")),
    }
}

/// Compares the record in `file` with the computed split.
fn split_agrees(mut file: &File, division: &Division) -> Option<bool> {
    let limit = u64::try_from(split::MAX_RECORD_BYTES).ok()?.checked_add(1)?;
    let mut record = Vec::new();
    file.rewind().ok()?;
    file.take(limit).read_to_end(&mut record).ok()?;
    division.agrees(&record)
}

/// Reads the outputs that say something of the run; blocks. The files' positions move.
pub(crate) fn read(outputs: &[OutputFile], division: Option<&Division>) -> Results {
    let find = |name: &str| {
        let found = outputs.iter().find(|output| output.file.name == name);
        found.map(|output| &output.handle)
    };
    Results {
        trained: find(MODEL_NAME).map_or_else(|| unreadable("it is not there"), trained),
        split_agrees: find(SPLIT_NAME).and_then(|file| split_agrees(file, division?)),
    }
}

#[cfg(test)]
mod tests;
