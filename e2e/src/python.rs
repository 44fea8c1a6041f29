//! Python environments with pinned packages: other people's implementations as judges.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
};

use ids::Sha256Digest;

use crate::{place, run};

/// The interpreter of an environment with the packages of a requirements file; made once.
///
/// # Errors
/// When Python or a package cannot be had.
pub fn environment(requirements: &Path) -> anyhow::Result<PathBuf> {
    let digest = Sha256Digest::of(&std::fs::read(requirements)?).to_hex();
    let short = digest.get(..16).unwrap_or(&digest);
    let folder = place::work()?.join(format!("python-{short}"));
    let (python, done) = (folder.join("bin/python"), folder.join("done"));
    let lock = File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    if !done.is_file() {
        let mut make = Command::new("python3");
        make.args(["-m", "venv", "--clear"]).arg(&folder);
        run::output(&mut make)?.expect(0)?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        install.arg("--requirement").arg(requirements);
        run::output(&mut install)?.expect(0)?;
        File::create(done)?;
    }
    Ok(python)
}

/// The environment of the scripts in `e2e/tools`.
///
/// # Errors
/// As [`environment`].
pub fn tools() -> anyhow::Result<PathBuf> {
    environment(&place::repository()?.join("e2e/tools/requirements.txt"))
}

/// Runs a script of `e2e/tools`.
///
/// # Errors
/// When it cannot be started.
pub fn tool(script: &str, arguments: &[&Path]) -> anyhow::Result<run::Output> {
    let mut command = Command::new(tools()?);
    command.arg(place::repository()?.join("e2e/tools").join(script)).args(arguments);
    run::output(&mut command)
}
