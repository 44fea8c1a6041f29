//! The whole path on this machine: set up, build, run a mesh, train, fetch; stop the mesh; verify
//! offline; change one byte in a copy and see it refused.

mod hsm;
mod mesh;
mod offline;
mod table;
mod tamper;

use std::{fs, path::Path, process::Command, time::Instant};

use anyhow::{Context as _, bail, ensure};

use crate::{
    Hsm,
    root::Root,
    say::say,
    setup::{self, AIBOM},
};
use hsm::Token;
use mesh::Mesh;
use table::Table;

/// What the demo leaves for people to look at.
const OUT: &str = "demo-out";
/// The example that is trained.
const JOB: &str = "examples/wine/job.yaml";
/// Where the demo's mesh lives; made anew each time.
const MESH: &str = ".aibom/demo";

/// The command `aibom`, run in the root.
fn aibom(root: &Root) -> Command {
    let mut command = Command::new(root.join(AIBOM));
    command.current_dir(root.path()).env_remove("AIBOM_MESH");
    command
}

/// Removes a directory that an earlier demo made; refuses anything else.
fn clear(path: &Path, mark: &str) -> anyhow::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let shown = path.display();
    ensure!(path.join(mark).exists(), "{shown} was not made by the demo: move it away");
    fs::remove_dir_all(path).with_context(|| format!("cannot remove {shown}"))
}

/// Runs `cargo xtask demo`.
pub(crate) fn demo(root: &Root, hsm: Option<Hsm>) -> anyhow::Result<()> {
    let mut table = Table::default();
    let begun = Instant::now();
    setup::for_demo(root)?;
    let module = hsm.map(|Hsm::Softhsm| setup::softhsm(root)).transpose()?;
    table.row("set-up", begun.elapsed());

    let begun = Instant::now();
    setup::build_release(root)?;
    setup::database(root)?;
    table.row("build", begun.elapsed());

    clear(&root.join(OUT), "bundle.aibom.json")?;
    let (job, trust_root) = {
        let begun = Instant::now();
        let mut mesh = Mesh::clean(root)?;
        let token = module.map(|module| Token::make(root, &module)).transpose()?;
        mesh.start(token.as_ref())?;
        table.row("mesh start", begun.elapsed());
        let begun = Instant::now();
        train(root)?;
        table.row("submit to verified directory", begun.elapsed());
        token.as_ref().map(|token| token.holds_the_keys(root)).transpose()?;
        let job = mesh.stages(&mut table)?;
        // The mesh's own directory goes away with the next demo; the pin must not.
        let trust_root = root.join(MESH).join("pinned-trust-root.json");
        fs::copy(root.join(MESH).join("certs/trust-root.json"), &trust_root)
            .context("cannot pin the trust root")?;
        let begun = Instant::now();
        mesh.stop()?;
        table.row("mesh stop", begun.elapsed());
        (job, trust_root)
    };
    offline::verify(root, &trust_root, &mut table)?;
    tamper::refuse(root, &trust_root, &mut table)?;
    table.print();
    say(format_args!("\nthe job {job} is in {OUT}/; look at it with: {AIBOM} bom show {OUT}"));
    Ok(())
}

fn train(root: &Root) -> anyhow::Result<()> {
    say(format_args!("── train {JOB}"));
    let profile = root.join(MESH).join("mesh.json");
    let status = aibom(root)
        .arg("--mesh")
        .arg(profile)
        .args(["submit", JOB, "--wait", "--out", OUT])
        .status()
        .context("cannot run aibom")?;
    if !status.success() {
        bail!("the job did not end as it should ({status}); the services' logs are in {MESH}/logs");
    }
    Ok(())
}
