//! Files stay small; the few that do not are listed with a reason, and may only shrink.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use super::{Finding, Source};

/// The longest source file, in lines.
const MAX_LINES: usize = 400;
/// Where the exceptions are listed.
const RATCHET: &str = "xtask/ratchet.toml";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ratchet {
    #[serde(default)]
    file: Vec<Exception>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    path: PathBuf,
    lines: usize,
    reason: String,
}

fn ratchet(sources: &[Source]) -> anyhow::Result<Ratchet> {
    match sources.iter().find(|source| source.path == Path::new(RATCHET)) {
        Some(source) => toml::from_str(&source.text).context(RATCHET),
        None => Ok(Ratchet::default()),
    }
}

/// Every file that is too long, and every exception that is none any more.
pub(super) fn check(sources: &[Source]) -> anyhow::Result<Vec<Finding>> {
    let ratchet = ratchet(sources)?;
    let list = Path::new(RATCHET);
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let lines = source.text.lines().count();
        let exception = ratchet.file.iter().find(|exception| exception.path == source.path);
        let limit = exception.map_or(MAX_LINES, |exception| exception.lines);
        if lines > limit {
            let what = format!("{lines} lines, the limit is {limit}: split it by noun");
            found.push(Finding::new(&source.path, 0, what));
        }
        if exception.is_some() && lines <= MAX_LINES {
            let shown = source.path.display();
            let what = format!("{shown} is short enough now: remove it from the list");
            found.push(Finding::new(list, 0, what));
        } else if lines < limit && exception.is_some() {
            let shown = source.path.display();
            let what = format!("{shown} has only {lines} lines now: write that instead of {limit}");
            found.push(Finding::new(list, 0, what));
        }
    }
    for exception in &ratchet.file {
        let shown = exception.path.display();
        if !sources.iter().any(|source| source.path == exception.path) {
            found.push(Finding::new(list, 0, format_args!("{shown} is no file: remove it")));
        }
        if exception.reason.trim().is_empty() {
            found.push(Finding::new(list, 0, format_args!("{shown} is listed without a reason")));
        }
    }
    Ok(found)
}
