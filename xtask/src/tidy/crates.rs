//! The crates of the workspace, from their manifests.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use toml::{Table, Value};

use super::{Finding, Source};

/// What a crate is, by where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `libs/<name>`.
    Library,
    /// `services/<name>`.
    Service,
    /// `proto`.
    Contracts,
    /// `cli`, `e2e`, `loadtest`, `xtask`.
    Program,
}

/// A crate and what it depends on.
#[derive(Debug, Clone)]
pub(super) struct Crate {
    /// Its manifest.
    pub(super) manifest: PathBuf,
    /// Its directory.
    pub(super) directory: PathBuf,
    /// Its name.
    pub(super) name: String,
    /// What it is.
    pub(super) kind: Kind,
    /// Name of each dependency, and whether it is optional.
    pub(super) dependencies: BTreeMap<String, bool>,
    /// Names of what its tests depend on.
    pub(super) dev_dependencies: Vec<String>,
    lints: bool,
}

/// Every crate of the workspace; `fuzz` is one of its own.
pub(super) fn of(sources: &[Source]) -> anyhow::Result<Vec<Crate>> {
    let manifests = sources.iter().filter(|s| s.path.ends_with("Cargo.toml"));
    let mut found = Vec::new();
    for source in manifests {
        let Some(kind) = kind(&source.path) else { continue };
        let parsed = parse(source, kind);
        found.push(parsed.with_context(|| format!("cannot read {}", source.path.display()))?);
    }
    Ok(found)
}

fn kind(manifest: &Path) -> Option<Kind> {
    let parts: Vec<_> = manifest.iter().map(|part| part.to_string_lossy()).collect();
    let parts: Vec<&str> = parts.iter().map(|part| &**part).collect();
    match parts.as_slice() {
        ["libs", _, _] => Some(Kind::Library),
        ["services", _, _] => Some(Kind::Service),
        ["proto", _] => Some(Kind::Contracts),
        ["cli" | "e2e" | "loadtest" | "xtask", _] => Some(Kind::Program),
        _ => None,
    }
}

fn names(table: &Table, key: &str) -> Vec<String> {
    let section = table.get(key).and_then(Value::as_table);
    section.map(|section| section.keys().cloned().collect()).unwrap_or_default()
}

fn parse(source: &Source, kind: Kind) -> anyhow::Result<Crate> {
    let table: Table = source.text.parse()?;
    let package = table.get("package").and_then(|package| package.get("name"));
    let name = package.and_then(Value::as_str).context("it has no package.name")?;
    let dependencies = table.get("dependencies").and_then(Value::as_table);
    let optional = |value: &Value| value.get("optional").and_then(Value::as_bool) == Some(true);
    let dependencies = dependencies.into_iter().flatten();
    let lints = table.get("lints").and_then(|lints| lints.get("workspace"));
    Ok(Crate {
        manifest: source.path.clone(),
        directory: source.path.parent().unwrap_or_else(|| Path::new("")).to_owned(),
        name: name.to_owned(),
        kind,
        dependencies: dependencies.map(|(name, value)| (name.clone(), optional(value))).collect(),
        dev_dependencies: names(&table, "dev-dependencies"),
        lints: lints.and_then(Value::as_bool) == Some(true),
    })
}

/// A crate is named as its directory, and takes the workspace's lints.
pub(super) fn check(crates: &[Crate]) -> Vec<Finding> {
    let mut found = Vec::new();
    for part in crates {
        let directory = part.directory.file_name().map(|name| name.to_string_lossy());
        if directory.as_deref() != Some(part.name.as_str()) {
            let what = format!("the crate {} lies in a directory of another name", part.name);
            found.push(Finding::new(&part.manifest, 0, what));
        }
        if !part.lints {
            let what = "add '[lints] workspace = true': every crate takes the same lints";
            found.push(Finding::new(&part.manifest, 0, what));
        }
    }
    found
}
