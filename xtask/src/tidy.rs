//! Style and structure as checks: every rule names the file, what is wrong, and what to do.

mod commands;
mod crates;
mod fuzz;
mod headers;
mod layering;
mod promises;
mod sizes;
mod transport;
mod words;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::bail;

use crate::{
    root::Root,
    say::{say, seconds},
};

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    file: PathBuf,
    line: usize,
    what: String,
}

impl Finding {
    fn new(file: &Path, line: usize, what: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), line, what: what.to_string() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// A file of the project that is text.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "rs")
    }

    /// Whether the file is a test, by where it lies.
    fn is_test(&self) -> bool {
        let mut parts = self.path.components().map(|part| part.as_os_str().to_string_lossy());
        parts.any(|part| matches!(&*part, "tests" | "tests.rs" | "benches" | "e2e" | "loadtest"))
    }
}

fn sources(root: &Root) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in root.files()? {
        if let Some(text) = root.text(&path)? {
            sources.push(Source { path, text });
        }
    }
    Ok(sources)
}

/// Every finding, in the order of files.
fn findings(root: &Root) -> anyhow::Result<Vec<Finding>> {
    let sources = sources(root)?;
    let crates = crates::of(&sources)?;
    let mut found = layering::check(&crates);
    found.extend(crates::check(&crates));
    found.extend(transport::check(&sources, &crates));
    found.extend(fuzz::check(&root.files()?, &sources)?);
    found.extend(headers::check(&sources));
    found.extend(sizes::check(&sources)?);
    found.extend(commands::check(&sources));
    found.extend(promises::check(&sources));
    found.extend(words::check(&sources));
    found.sort();
    found.dedup();
    Ok(found)
}

/// Runs `cargo xtask tidy`.
pub(crate) fn tidy(root: &Root) -> anyhow::Result<()> {
    let begun = Instant::now();
    say("── tidy");
    let found = findings(root)?;
    for finding in &found {
        say(finding);
    }
    match found.len() {
        0 => say(format_args!("── tidy: done in {}", seconds(begun.elapsed()))),
        1 => bail!("step 'tidy' failed: 1 finding"),
        count => bail!("step 'tidy' failed: {count} findings"),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
