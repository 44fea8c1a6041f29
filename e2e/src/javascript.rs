//! Node.js with pinned packages: other people's implementations as judges. Node.js itself comes as a
//! Python package, so that nothing but Python need be there.

use std::{fs::File, path::PathBuf, process::Command};

use ids::Sha256Digest;

use crate::{place, python, run};

/// A Node.js with the packages of a lock file.
#[derive(Debug, Clone)]
pub struct Environment {
    node: PathBuf,
    folder: PathBuf,
}

/// The environment of the scripts in `e2e/interop`; made once.
///
/// # Errors
/// When Python, Node.js or a package cannot be had.
pub fn interop() -> anyhow::Result<Environment> {
    let source = place::repository()?.join("e2e/interop");
    let node = python::environment(&source.join("requirements.txt"))?.with_file_name("node");
    let lock_file = source.join("package-lock.json");
    let digest = Sha256Digest::of(&std::fs::read(&lock_file)?).to_hex();
    let folder = place::work()?.join(format!("node-{}", digest.get(..16).unwrap_or(&digest)));
    let done = folder.join("done");
    let lock = File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    if !done.is_file() {
        std::fs::create_dir_all(&folder)?;
        std::fs::copy(source.join("package.json"), folder.join("package.json"))?;
        std::fs::copy(&lock_file, folder.join("package-lock.json"))?;
        // `ci` takes exactly what the lock file names, by digest.
        let mut install = Command::new(node.with_file_name("npm"));
        install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
        run::output(&mut install)?.expect(0)?;
        File::create(done)?;
    }
    Ok(Environment { node, folder })
}

impl Environment {
    /// A script, run where the packages are.
    #[must_use]
    pub fn script(&self, script: &std::path::Path) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(script).current_dir(&self.folder);
        command
    }
}
