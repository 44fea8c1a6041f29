//! One changed byte must be refused, wherever it is.

use std::{fs, path::Path, time::Instant};

use anyhow::{Context as _, bail, ensure};

use super::{MESH, OUT, offline, table::Table};
use crate::{root::Root, say::say};

/// Files of the copy in which one byte is changed.
const TARGETS: [&str; 2] = ["bundle.aibom.json", "artifacts/outputs/model.keras"];

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// Flips the lowest bit of the middle byte.
fn flip(path: &Path) -> anyhow::Result<()> {
    let mut bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let middle = bytes.len() / 2;
    let byte = bytes.get_mut(middle).with_context(|| format!("{} is empty", path.display()))?;
    *byte ^= 1;
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Changes one byte in copies of what was fetched, and expects each to be refused.
pub(super) fn refuse(root: &Root, trust_root: &Path, table: &mut Table) -> anyhow::Result<()> {
    for target in TARGETS {
        say(format_args!("── change one byte of {target} in a copy"));
        let place = root.join(MESH).join("tampered");
        if place.exists() {
            fs::remove_dir_all(&place).context("cannot remove the old copy")?;
        }
        copy(&root.join(OUT), &place)?;
        flip(&place.join(target))?;
        let begun = Instant::now();
        let (mut command, _) = offline::command(root, &place, trust_root);
        let output = command.output().context("cannot run the verification")?;
        let took = begun.elapsed();
        let text = String::from_utf8_lossy(&output.stdout);
        let refused = text.lines().filter(|line| line.starts_with('✗') || line.contains("REFUSED"));
        for line in refused {
            say(line);
        }
        match output.status.code() {
            Some(1) => {}
            code => bail!("a changed {target} was not refused: exit code {code:?}\n{text}"),
        }
        ensure!(text.contains("REFUSED"), "the refusal does not say so:\n{text}");
        table.row(&format!("refuse a changed {target}"), took);
    }
    Ok(())
}
