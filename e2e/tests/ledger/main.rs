//! The log of a real mesh: static files that hold, a monitor and witnesses that notice what should not
//! be, and an older state that serves nobody.

mod forged;
mod second;
mod watched;

use std::path::Path;

use anyhow::{Context as _, ensure};
use e2e::{Mesh, place, probe::Probe, run, wait};
use ids::{JobId, Role};

/// Where the mesh's ledger publishes.
pub(crate) fn tiles(mesh: &Mesh) -> String {
    mesh.directory().join("data/ledger/tiles").to_string_lossy().into_owned()
}

pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    run::output(std::process::Command::new("cp").arg("-a").arg(from).arg(to))?.expect(0)?;
    Ok(())
}

#[test]
fn the_log_of_a_mesh_is_static_files_that_hold_and_prove_its_jobs() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let fetched = mesh.completed_probe("bundle-a")?;
    let bundle = fetched.join("bundle.aibom.json").to_string_lossy().into_owned();
    let root = mesh.trust_root().to_string_lossy().into_owned();
    let tiles = tiles(mesh);
    // The checkpoint is published last: from then on the job's entry can be proved.
    wait::until("the job's entry to be published", 60, || {
        let proved =
            mesh.run(&["ledger", "prove", &tiles, "--trust-root", &root, "--bundle", &bundle]);
        Ok((proved?.code == Some(0)).then_some(()))
    })?;
    mesh.run(&["ledger", "fsck", &tiles, "--trust-root", &root])?.expect(0)?;
    let shown = mesh.run(&["ledger", "tail", &tiles, "--trust-root", &root])?.expect(0)?;
    ensure!(!shown.stdout.is_empty(), "the log has entries");

    // A changed byte of a copy is found, and named.
    let folder = tempfile::tempdir()?;
    let spoilt = folder.path().join("tiles");
    copy(Path::new(&tiles), &spoilt)?;
    let entries = find(&spoilt.join("tile/entries"))?;
    let mut bytes = std::fs::read(&entries)?;
    *bytes.last_mut().context("an entry")? ^= 1;
    std::fs::write(&entries, bytes)?;
    let spoilt = spoilt.to_string_lossy();
    let refused = mesh.run(&["ledger", "fsck", &spoilt, "--trust-root", &root])?.expect(1)?;
    let said = format!("{}{}", refused.stdout, refused.stderr);
    ensure!(said.contains("tile/entries/"), "the file is not named: {said}");
    Ok(())
}

/// The largest file below `folder`: the newest partial bundle, or a full one.
fn find(folder: &Path) -> anyhow::Result<std::path::PathBuf> {
    let mut largest = None;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                largest = largest.max(Some((entry.metadata()?.len(), entry.path())));
            }
        }
    }
    Ok(largest.context("a bundle of entries")?.1)
}

/// A mesh of its own with one completed job; stopped, with a backup of the state it had before.
fn stopped_with_backup(name: &str) -> anyhow::Result<(std::path::PathBuf, tempfile::TempDir)> {
    let mesh = Mesh::private(name)?;
    let backup = tempfile::tempdir()?;
    let done = |job: JobId| -> anyhow::Result<()> {
        let ended = mesh.finished(job)?;
        ensure!(ended["state"] == "completed", "{ended}");
        Ok(())
    };
    done(mesh.submit(&Probe::new("ok"))?)?;
    mesh.freeze(Role::Ledger)?;
    copy(&mesh.directory().join("data/ledger"), &backup.path().join("ledger"))?;
    mesh.thaw(Role::Ledger)?;
    done(mesh.submit(&Probe::new("ok"))?)?;
    // What is published is what fences a state that is older.
    let tiles = tiles(&mesh);
    wait::until("the second job's entry to be published", 60, || {
        let note = std::fs::read_to_string(Path::new(&tiles).join("checkpoint"))?;
        let before = std::fs::read_to_string(backup.path().join("ledger/tiles/checkpoint"))?;
        Ok((note != before).then_some(()))
    })?;
    let directory = mesh.directory().to_owned();
    mesh.stop()?;
    Ok((directory, backup))
}

#[test]
fn a_ledger_whose_state_was_restored_from_a_backup_serves_nobody() -> anyhow::Result<()> {
    let (directory, backup) = stopped_with_backup("ledger-restored")?;
    let state = directory.join("data/ledger");
    std::fs::copy(backup.path().join("ledger/ledger.redb"), state.join("ledger.redb"))?;
    let config = directory.join("config/ledger.toml");
    let mut ledger = std::process::Command::new(place::program("aibom-ledger")?);
    let refused = run::output(ledger.arg("--config").arg(&config))?.expect(1)?;
    ensure!(refused.stderr.contains("backup"), "it does not say why: {}", refused.stderr);
    Ok(())
}
