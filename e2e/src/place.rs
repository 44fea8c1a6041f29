//! Where programs, images and tools are. What is missing fails with what to run; nothing is skipped.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail, ensure};
use job::Image;

use crate::run;

/// What puts everything in place that the tests need.
pub const SETUP: &str = "run 'cargo xtask setup'";

/// The root of the repository.
///
/// # Errors
/// When the crate lies nowhere.
pub fn repository() -> anyhow::Result<PathBuf> {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(crate_dir.parent().context("e2e lies in the repository")?.to_owned())
}

/// The directory of the programs of the current build: the test's own, or the one above `deps`.
///
/// # Errors
/// When this program cannot be found.
pub fn programs() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program")?;
    let folder = own.parent().context("a program lies in a directory")?;
    let above = folder.parent().filter(|_| folder.ends_with("deps"));
    Ok(above.unwrap_or(folder).to_owned())
}

/// A program of the current build.
///
/// # Errors
/// When it was not built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let path = programs()?.join(name);
    ensure!(
        path.is_file(),
        "{} is missing: build it with 'cargo build --workspace --bins', or {SETUP}",
        path.display()
    );
    Ok(path)
}

/// Where meshes, fixtures and environments of the tests are kept, within the build directory.
///
/// # Errors
/// When it cannot be made.
pub fn work() -> anyhow::Result<PathBuf> {
    let path = programs()?.join("e2e");
    std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path)
}

/// The id of a trainer's image (`aibom/trainer-<name>:dev`).
///
/// # Errors
/// When no engine answers or it lacks the image.
pub fn trainer(name: &str) -> anyhow::Result<Image> {
    let tag = format!("aibom/trainer-{name}:dev");
    let mut inspect = Command::new("docker");
    inspect.args(["image", "inspect", "--format", "{{.Id}}", &tag]);
    let output =
        run::output(&mut inspect).with_context(|| format!("there is no docker client: {SETUP}"))?;
    if !output.is(0) {
        bail!("no container engine with the image {tag}: {SETUP}\n{}", output.stderr);
    }
    Ok(output.stdout.trim().parse()?)
}

/// The Trivy binary that `deploy/setup/trivy.sh` makes.
///
/// # Errors
/// When it is not there.
pub fn trivy() -> anyhow::Result<PathBuf> {
    let path = repository()?.join(".tools/bin/trivy");
    ensure!(path.is_file(), "{} is missing: {SETUP}", path.display());
    Ok(path)
}

/// The small true vulnerability database, written from `deploy/trivy-db/advisories.json`.
///
/// # Errors
/// When it cannot be written.
pub fn trivy_database() -> anyhow::Result<PathBuf> {
    write_database(&advisories()?, "trivy-db")
}

/// The id of the planted advisory.
pub const PLANTED: &str = "CVE-2099-0001";

/// The same with an advisory for a package that every Debian image has, which a version mends that
/// none has.
///
/// # Errors
/// When it cannot be written.
pub fn planted_database() -> anyhow::Result<PathBuf> {
    let known = std::fs::read(advisories()?)?;
    let mut advisories: serde_json::Value = serde_json::from_slice(&known)?;
    let debian = advisories["debian_12"].as_array_mut().context("the advisories of Debian")?;
    debian.push(serde_json::json!({
        "id": PLANTED, "package": "tar", "title": "planted by a test",
        "severity": {"nvd": "CRITICAL"}, "fixed": "99.0",
    }));
    let path = work()?.join("planted-advisories.json");
    std::fs::write(&path, serde_json::to_vec(&advisories)?)?;
    write_database(&path, "planted-trivy-db")
}

/// The id of the probe's image with the planted finding mended: the package at a later version, as
/// its database of packages tells.
///
/// # Errors
/// When the engine does not build it.
pub fn mended_probe() -> anyhow::Result<Image> {
    let folder = work()?.join("probe-mended");
    std::fs::create_dir_all(&folder)?;
    let dockerfile = "FROM aibom/trainer-probe:dev\nUSER 0\n\
        RUN sed -i '/^Package: tar$/,/^$/ s/^Version: .*/Version: 99.1/' /var/lib/dpkg/status\n\
        USER 65532:65532\n";
    std::fs::write(folder.join("Dockerfile"), dockerfile)?;
    let mut build = Command::new("docker");
    build.args(["build", "--quiet", "--tag", "aibom/trainer-probe-mended:dev"]).arg(&folder);
    run::output(&mut build)?.expect(0)?;
    trainer("probe-mended")
}

fn advisories() -> anyhow::Result<PathBuf> {
    Ok(repository()?.join("deploy/trivy-db/advisories.json"))
}

fn write_database(advisories: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let out = work()?.join(name);
    let mut write = Command::new(program("aibom-trivy-db")?);
    write.arg("--advisories").arg(advisories).arg("--out").arg(&out);
    run::output(&mut write)?.expect(0)?;
    Ok(out)
}
