//! Verification with no mesh and, where the system lets us, no network at all.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, bail};

use super::{AIBOM, OUT, table::Table};
use crate::{root::Root, run::is_there, say::say};

/// `aibom verify` on `directory`, in an empty network namespace when that can be had.
pub(super) fn command(root: &Root, directory: &Path, trust_root: &Path) -> (Command, bool) {
    let shut_in: Option<&[&str]> = if is_there("unshare", &["-n", "true"]) {
        Some(&["-n"])
    } else if is_there("unshare", &["-r", "-n", "true"]) {
        Some(&["-r", "-n"])
    } else {
        None
    };
    let program = root.join(AIBOM);
    let mut command = match shut_in {
        Some(arguments) => {
            let mut command = Command::new("unshare");
            command.args(arguments).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.current_dir(root.path());
    command.arg("verify").arg(directory).arg("--trust-root").arg(trust_root);
    (command, shut_in.is_some())
}

/// Verifies what was fetched.
pub(super) fn verify(root: &Root, trust_root: &Path, table: &mut Table) -> anyhow::Result<()> {
    let (mut command, shut_in) = command(root, Path::new(OUT), trust_root);
    let how = if shut_in { "without any network" } else { "the mesh is stopped" };
    say(format_args!("── verify offline ({how})"));
    let begun = Instant::now();
    let status = command.stdin(Stdio::null()).status().context("cannot run the verification")?;
    let took = begun.elapsed();
    if !status.success() {
        bail!("the fetched directory is not verified ({status})");
    }
    table.row(&format!("verify offline, {how}"), took);
    let size = std::fs::metadata(root.join(OUT).join("bundle.aibom.json"));
    table.bytes("bundle", size.context("the bundle is missing")?.len());
    Ok(())
}
