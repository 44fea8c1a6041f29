//! What becomes known later: a new database leads to a new scan of an image in use by itself, the
//! user is told what is new, and the published bundle stays as it was.

use std::{path::Path, process::Command};

use anyhow::{Context as _, ensure};
use e2e::{Mesh, place, probe::Probe, run, wait};
use ids::{JobId, Role};
use serde_json::{Value, json};

/// An advisory for a package that every Debian 12 has.
const NEW: &str = "CVE-2099-0001";
/// How long the rescan may take, in seconds.
const RESCAN_S: u64 = 180;

/// Writes the database of the committed advisories, and those of `more`, into `out`.
fn database(more: &[Value], out: &Path) -> anyhow::Result<()> {
    let committed = place::repository()?.join("deploy/trivy-db/advisories.json");
    let mut list: Value = serde_json::from_slice(&std::fs::read(committed)?)?;
    list["debian_12"].as_array_mut().context("debian_12")?.extend_from_slice(more);
    let file = out.with_extension("advisories.json");
    std::fs::write(&file, list.to_string())?;
    let mut write = Command::new(place::program("aibom")?);
    write.args(["scanner", "db", "build", "--out"]).arg(out).arg(&file);
    run::output(&mut write)?.expect(0)?;
    Ok(())
}

/// A mesh of the test's own, with a database of its own, that looks again every second.
fn mesh(database: &Path) -> anyhow::Result<Mesh> {
    let mesh = Mesh::private("advisory")?;
    let config = mesh.directory().join("config");
    let path = config.join("scanner.toml");
    let mut scanner: toml::Table = std::fs::read_to_string(&path)?.parse()?;
    scanner["database"]["directory"] = database.to_string_lossy().into_owned().into();
    std::fs::write(&path, scanner.to_string())?;
    mesh.kill(Role::Scanner)?;
    let path = config.join("scheduler.toml");
    let text = std::fs::read_to_string(&path)?;
    std::fs::write(&path, text + "\n[rescan]\nevery_s = 1\n")?;
    mesh.kill(Role::Scheduler)?;
    Ok(mesh)
}

/// What the newest scan of the job's image says against its AIBoM, once it is as `wanted`.
fn advisory(mesh: &Mesh, job: JobId, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let mut last = String::new();
    let looked = wait::until("the newest scan", RESCAN_S, || {
        let said = mesh.run(&["--format", "json", "advisory", &job.to_string()])?;
        last = format!("{}{}", said.stdout, said.stderr);
        let answer: Option<Value> = serde_json::from_str(&said.stdout).ok();
        Ok(answer.filter(|answer| wanted(answer)))
    });
    looked.with_context(|| last)
}

/// The judge of CycloneDX 1.6.
fn judge() -> anyhow::Result<jsonschema::Validator> {
    let schema = place::repository()?.join("libs/bom/schema");
    let read = |name: &str| -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&std::fs::read(schema.join(name))?)?)
    };
    let (spdx, jsf) = ("spdx.schema.json", "jsf-0.82.schema.json");
    let registry = jsonschema::Registry::new()
        .add(format!("http://cyclonedx.org/schema/{spdx}"), read(spdx)?)?
        .add(format!("http://cyclonedx.org/schema/{jsf}"), read(jsf)?)?
        .prepare()?;
    Ok(jsonschema::options()
        .should_validate_formats(true)
        .with_registry(&registry)
        .build(&read("bom-1.6.schema.json")?)?)
}

#[test]
fn a_new_database_is_told_of_and_the_published_bundle_stays_as_it_was() -> anyhow::Result<()> {
    let files = tempfile::tempdir()?;
    let path = |name: &str| files.path().join(name);
    let text = |name: &str| path(name).to_string_lossy().into_owned();
    database(&[], &path("database"))?;
    let mesh = mesh(&path("database"))?;

    let id = mesh.submit(&Probe::new("ok"))?;
    let ended = mesh.finished(id)?;
    ensure!(ended["state"] == "completed", "{ended}");
    let job = id.to_string();
    mesh.run(&["fetch", &job, "--out", &text("before")])?.expect(0)?;
    let first = advisory(&mesh, id, |answer| answer["verified"] == true)?;
    ensure!(first["new"] == json!([]) && first["worse"] == json!([]), "nothing is new: {first}");
    mesh.run(&["advisory", &job, "--fail-on", "high"])?.expect(0)?;

    let new = json!({
        "id": NEW, "package": "glibc", "title": "glibc: found after the AIBoM was signed",
        "severity": {"nvd": "HIGH"}, "fixed": "9:1",
    });
    database(&[new], &path("database"))?;
    let second = advisory(&mesh, id, |answer| answer["new"] != json!([]))?;
    let found = second["new"].as_array().context("new")?;
    ensure!(
        found.len() == 1 && found[0]["id"] == NEW && found[0]["severity"] == "HIGH",
        "{second}"
    );
    ensure!(found[0]["packages"][0]["fixed"] == "9:1", "{second}");
    ensure!(second["aibomVerified"] == true, "{second}");
    ensure!(second["revision"].as_u64() > first["revision"].as_u64(), "{first} {second}");
    let said = mesh.run(&["advisory", &job, "--fail-on", "high"])?.expect(1)?;
    ensure!(said.stdout.contains(NEW), "{}", said.stdout);
    mesh.run(&["advisory", &job, "--fail-on", "critical"])?.expect(0)?;

    // The published bundle is what it was, byte for byte, and verifies.
    mesh.run(&["fetch", &job, "--out", &text("after")])?.expect(0)?;
    let bundle = |folder: &str| std::fs::read(path(folder).join("bundle.aibom.json"));
    ensure!(bundle("before")? == bundle("after")?, "the published bundle changed");
    mesh.verify(&path("before"))?.expect(0)?;

    // The report is valid, and a saved scan says the same without the mesh.
    mesh.run(&["advisory", &job, "--to", "cyclonedx", "--out", &text("vdr.json")])?.expect(0)?;
    let mut vdr: Value = serde_json::from_slice(&std::fs::read(path("vdr.json"))?)?;
    let judge = judge()?;
    let errors: Vec<_> = judge.iter_errors(&vdr).map(|error| error.to_string()).collect();
    ensure!(errors.is_empty(), "{errors:#?}");
    ensure!(vdr.to_string().contains(NEW), "the report does not name {NEW}");
    vdr["surprise"] = Value::Null;
    ensure!(judge.iter_errors(&vdr).next().is_some(), "the judge lets anything through");
    mesh.run(&["advisory", &job, "--to", "signed", "--out", &text("scan.json")])?.expect(0)?;
    let root = mesh.trust_root();
    mesh.stop()?;
    let mut offline = Command::new("unshare");
    offline.args(["--net", "--"]).arg(place::program("aibom")?).args([
        "advisory",
        "--fail-on",
        "high",
    ]);
    offline.arg(path("before")).arg("--scan").arg(path("scan.json")).arg("--trust-root").arg(root);
    let said = run::output(&mut offline)?.expect(1)?;
    ensure!(said.stdout.contains(NEW), "{}", said.stdout);
    Ok(())
}
