//! Every fuzz target has its entry, its binary and a corpus, and nothing is left of one that is gone.
//! The workspace of the targets is not built by `cargo xtask test`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use toml::{Table, Value};

use super::{Finding, Source};

const TARGETS: &str = "fuzz/src/lib.rs";
const MANIFEST: &str = "fuzz/Cargo.toml";
/// An input that is accepted, and one that is refused: the smoke runner asks for both.
const INPUTS_MIN: usize = 2;

/// The names in the list of targets.
fn targets(text: &str) -> BTreeSet<&str> {
    let list = text.split_once("const TARGETS").and_then(|(_, rest)| rest.split_once("];"));
    list.map_or("", |(list, _)| list).split('"').skip(1).step_by(2).collect()
}

/// The binaries that are built from a file of their own name.
fn binaries(manifest: &str) -> anyhow::Result<BTreeSet<String>> {
    let table: Table = manifest.parse().with_context(|| format!("cannot read {MANIFEST}"))?;
    let bins = table.get("bin").and_then(Value::as_array).into_iter().flatten();
    let named = bins.filter_map(|bin| {
        let name = bin.get("name")?.as_str()?;
        let path = bin.get("path")?.as_str()?;
        (path == format!("fuzz_targets/{name}.rs")).then(|| name.to_owned())
    });
    Ok(named.collect())
}

/// What lies in `folder`: the name of each file or folder there, and how many files that is.
fn lying_in(files: &[PathBuf], folder: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for below in files.iter().filter_map(|file| file.strip_prefix(folder).ok()) {
        let first = below.iter().next().unwrap_or_default().to_string_lossy();
        *found.entry(first.trim_end_matches(".rs").to_owned()).or_default() += 1;
    }
    found
}

pub(super) fn check(files: &[PathBuf], sources: &[Source]) -> anyhow::Result<Vec<Finding>> {
    let text = |path| {
        let mut sources = sources.iter();
        sources.find(|source| source.path == Path::new(path)).map(|source| source.text.as_str())
    };
    let (Some(list), Some(manifest)) = (text(TARGETS), text(MANIFEST)) else {
        return Ok(Vec::new());
    };
    let (targets, binaries) = (targets(list), binaries(manifest)?);
    let entries = lying_in(files, "fuzz/fuzz_targets");
    let corpora = lying_in(files, "fuzz/corpus");
    let mut found = Vec::new();
    for name in &targets {
        let mut report = |file: &str, what: String| {
            found.push(Finding::new(Path::new(file), 0, what));
        };
        if !entries.contains_key(*name) {
            report(TARGETS, format!("the target {name} has no fuzz/fuzz_targets/{name}.rs"));
        }
        if !binaries.contains(*name) {
            report(MANIFEST, format!("add a [[bin]] {name} of fuzz_targets/{name}.rs"));
        }
        if corpora.get(*name).copied().unwrap_or(0) < INPUTS_MIN {
            let what = format!(
                "fuzz/corpus/{name} lacks an accepted and a refused input: see fuzz/README.md"
            );
            report(TARGETS, what);
        }
    }
    for name in entries.keys().chain(&binaries).chain(corpora.keys()) {
        if !targets.contains(name.as_str()) {
            let what = format!("no target is called {name}: list it, or remove what is left of it");
            found.push(Finding::new(Path::new(TARGETS), 0, what));
        }
    }
    Ok(found)
}
