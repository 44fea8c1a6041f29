//! The root of the repository, and the crates in it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// The root of the repository.
#[derive(Debug, Clone)]
pub(crate) struct Root(PathBuf);

impl Root {
    /// Finds it: cargo says where this crate is.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").context("run it as 'cargo xtask'")?;
        let root = Path::new(&own).parent().context("xtask lies in the repository")?;
        Ok(Self(root.to_owned()))
    }

    /// A repository somewhere else, for tests.
    #[cfg(test)]
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A path below it.
    pub(crate) fn join(&self, below: impl AsRef<Path>) -> PathBuf {
        self.0.join(below)
    }

    /// Every file that belongs to the project, relative, sorted.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        let mut waiting = vec![PathBuf::new()];
        while let Some(folder) = waiting.pop() {
            let path = self.0.join(&folder);
            let entries =
                fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?;
            for entry in entries {
                let entry = entry?;
                let (name, kind) = (entry.file_name(), entry.file_type()?);
                let below = folder.join(&name);
                if kind.is_dir() {
                    if !is_ours(&name.to_string_lossy()) {
                        continue;
                    }
                    waiting.push(below);
                } else if kind.is_file() {
                    files.push(below);
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// The text of a file below the root; `None` when it is not UTF-8.
    pub(crate) fn text(&self, below: &Path) -> anyhow::Result<Option<String>> {
        let path = self.0.join(below);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(String::from_utf8(bytes).ok())
    }
}

/// Whether a directory of that name is part of the project and not something made.
fn is_ours(name: &str) -> bool {
    const MADE: [&str; 6] = ["target", ".git", ".aibom", ".tools", "demo-out", "__pycache__"];
    !MADE.contains(&name)
}
