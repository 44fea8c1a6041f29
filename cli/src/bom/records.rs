//! The dataset's file in a fetched directory, used only when it has the digest of the AIBoM.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use ids::Hasher;
use report::{
    Aibom,
    records::{RecordDiff, difference},
};
use serde_json::Value;

use crate::{failure::Failure, fetch::layout::ARTIFACTS, names::is_file_name, terminal::clean};

/// The most files of a directory that are looked at.
const MAX_FILES: usize = 64;
const BUFFER_BYTES: usize = 256 * 1024;

/// What is known of the records of two datasets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Records {
    /// It is one dataset, or there is none.
    Same,
    /// How they differ.
    Compared(RecordDiff),
    /// The datasets differ, and why nothing is said of their records.
    NotCompared(String),
}

/// Compares the records of both datasets, when both files are there and differ.
pub(super) fn compared(sides: [(&Path, &Aibom); 2]) -> Result<Records, Failure> {
    let digests = sides.map(|(_, aibom)| digest(aibom));
    let (from, to) = match digests {
        [Some(from), Some(to)] if from != to => (from, to),
        [Some(_), Some(_)] => return Ok(Records::Same),
        _ if sides.iter().all(|(_, aibom)| aibom.component("input/dataset").is_none()) => {
            return Ok(Records::Same);
        }
        _ => {
            let why = "an AIBoM names no digest of its dataset".to_owned();
            return Ok(Records::NotCompared(why));
        }
    };
    let [(from_path, from_aibom), (to_path, to_aibom)] = sides;
    let Some(from) = file(from_path, from_aibom, from)? else { return Ok(absent(from_path)) };
    let Some(to) = file(to_path, to_aibom, to)? else { return Ok(absent(to_path)) };
    let compared = difference(from, to);
    compared.map(Records::Compared).map_err(|error| {
        Failure::cannot("the datasets' records cannot be compared")
            .caused_by(&error)
            .remedy("leave 'data' out with --only to see the rest")
    })
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The dataset's SHA-256 in hexadecimal.
fn digest(aibom: &Aibom) -> Option<&str> {
    let dataset = aibom.component("input/dataset")?;
    let hash = items(dataset, "hashes").find(|hash| text(hash, "alg") == "SHA-256")?;
    Some(text(hash, "content")).filter(|digest| !digest.is_empty())
}

/// Where `aibom fetch` puts the inputs of the job that an AIBoM is about.
fn inputs(path: &Path) -> PathBuf {
    let directory =
        if path.is_dir() { path } else { path.parent().unwrap_or_else(|| Path::new("")) };
    directory.join(ARTIFACTS).join("inputs")
}

/// Why there is no file of the dataset.
fn absent(path: &Path) -> Records {
    let inputs = inputs(path);
    let place = clean(&inputs.display().to_string());
    Records::NotCompared(if inputs.is_dir() {
        format!("no file in {place} has the digest that the AIBoM names")
    } else {
        format!("the dataset's file is not here: there is no directory {place}")
    })
}

/// The file with that digest beside the AIBoM; first by its name, then among all inputs.
fn file(path: &Path, aibom: &Aibom, digest: &str) -> Result<Option<File>, Failure> {
    for candidate in candidates(&inputs(path), aibom) {
        let cannot = |error: io::Error| {
            Failure::cannot(format_args!("cannot read {}", candidate.display())).because(error)
        };
        let mut file = File::open(&candidate).map_err(cannot)?;
        if file.metadata().map_err(cannot)?.is_file()
            && sha256(&mut file).map_err(cannot)? == digest
        {
            file.rewind().map_err(cannot)?;
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn candidates(inputs: &Path, aibom: &Aibom) -> Vec<PathBuf> {
    let Ok(entries) = inputs.read_dir() else { return Vec::new() };
    let mut files: Vec<_> = entries.take(MAX_FILES).flatten().map(|entry| entry.path()).collect();
    let dataset = aibom.component("input/dataset").unwrap_or(&Value::Null);
    let named = items(dataset, "properties").find(|p| text(p, "name") == "aibom:file:name");
    let named = named.map(|property| text(property, "value")).filter(|name| is_file_name(name));
    // False comes before true.
    files.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()) != named);
    files
}

fn sha256(file: &mut File) -> io::Result<String> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finish().sha256.to_hex());
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}
