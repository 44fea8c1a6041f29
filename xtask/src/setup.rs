//! Everything that jobs need on a machine that has cargo and nothing else. Safe to run again.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, bail};

use crate::{
    root::Root,
    run::Step,
    say::{say, seconds},
};

/// Where the scan tool is.
pub(crate) const TRIVY: &str = ".tools/bin/trivy";
/// The command, as the release build makes it.
pub(crate) const AIBOM: &str = "target/release/aibom";
/// Where its small database is.
pub(crate) const TRIVY_DB: &str = ".tools/trivy-db";

const WHAT: &str = "\
This puts in place, where it is missing:
  a container engine     trainings run in locked-down containers   (Debian package docker.io)
  the Keras trainer      the image that the examples train in      (about 600 MB of Python packages)
  the probe trainer      a small image that the tests run          (no packages)
  the planted trainers   the same with an old and a new h11        (two Python wheels)
  SoftHSM                the tests keep signing keys in it         (Debian package softhsm2)
  Go                     the tests have its log reader read ours   (Debian packages golang-go,
                                                                    golang-golang-x-mod-dev)
  Trivy                  the scanner looks for known flaws with it (51 MB)
  cargo-auditable        release builds list their dependencies    (compiled, about a minute)
  a small Trivy database real advisories for the trainer's packages, from this repository
Nothing is done for what is there already.";

/// Runs `cargo xtask setup`.
pub(crate) fn setup(root: &Root) -> anyhow::Result<()> {
    for_demo(root)?;
    build_release(root)?;
    database(root)
}

/// What a release build and a mesh of it need, but for the database, which that build writes.
pub(crate) fn for_demo(root: &Root) -> anyhow::Result<()> {
    for_tests(root)?;
    Step::new(root, "setup: cargo-auditable", root.join("deploy/setup/cargo-auditable.sh")).run()
}

/// The release build, with the list of its dependencies in each program: the scanner reads it.
pub(crate) fn build_release(root: &Root) -> anyhow::Result<()> {
    let tools = root.join(".tools/bin");
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(tools).chain(std::env::split_paths(&inherited));
    let path = std::env::join_paths(path).context("PATH cannot be extended")?;
    Step::new(root, "build (release)", "cargo")
        .args(["auditable", "build", "--release"])
        .env("PATH", path)
        .run()
}

/// What the tests need: they write a database of their own, and make no release build.
pub(crate) fn for_tests(root: &Root) -> anyhow::Result<()> {
    let begun = Instant::now();
    say(WHAT);
    if cfg!(not(target_os = "linux")) {
        bail!("trainings need Linux containers: run this on Linux");
    }
    let script = |name: &str, path: &str| Step::new(root, name, root.join(path)).run();
    script("setup: container engine", "deploy/setup/engine.sh")?;
    script("setup: Keras trainer", "trainers/keras/build.sh")?;
    script("setup: probe trainer", "e2e/trainers/probe/build.sh")?;
    script("setup: planted trainers", "e2e/trainers/planted/build.sh")?;
    script("setup: SoftHSM", "deploy/setup/softhsm.sh")?;
    script("setup: Go", "deploy/setup/go.sh")?;
    script("setup: Trivy", "deploy/setup/trivy.sh")?;
    say(format_args!("setup: everything is in place ({})", seconds(begun.elapsed())));
    Ok(())
}

/// The small database, written by the release build.
pub(crate) fn database(root: &Root) -> anyhow::Result<()> {
    let advisories = PathBuf::from("deploy/trivy-db/advisories.json");
    let made = root.join(TRIVY_DB).join("db/trivy.db");
    let time = |path: PathBuf| path.metadata().and_then(|metadata| metadata.modified());
    let fresh = match (time(made), time(root.join(&advisories))) {
        (Ok(made), Ok(source)) => made >= source,
        _ => false,
    };
    if fresh {
        say("── setup: Trivy database: nothing to do");
        return Ok(());
    }
    Step::new(root, "setup: Trivy database", root.join(AIBOM))
        .args(["scanner", "db", "build"])
        .args([advisories.as_os_str(), "--out".as_ref(), TRIVY_DB.as_ref()])
        .run()
}

/// Installs SoftHSM where it is missing; gives the path of its PKCS#11 module.
pub(crate) fn softhsm(root: &Root) -> anyhow::Result<PathBuf> {
    say("── setup: SoftHSM");
    let output = Command::new(root.join("deploy/setup/softhsm.sh"))
        .current_dir(root.path())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("deploy/setup/softhsm.sh cannot be started")?;
    if !output.status.success() {
        bail!("deploy/setup/softhsm.sh failed ({})", output.status);
    }
    // The module's path is the only line that it prints.
    let path = String::from_utf8(output.stdout).context("the module's path is not UTF-8")?;
    Ok(PathBuf::from(path.trim_end()))
}
