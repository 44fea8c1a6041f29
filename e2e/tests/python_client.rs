//! Other people's clients: the example in Python from beginning to end, and `buf curl`, which knows
//! nothing of the mesh but what reflection tells it.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, ensure};
use e2e::{Mesh, place, python, run};
use ids::Role;

/// Writes the gRPC client from proto/ into `folder`, as the example's README says.
fn generate(python: &PathBuf, folder: &std::path::Path) -> anyhow::Result<()> {
    let proto = place::repository()?.join("proto");
    let mut generate = Command::new(python);
    generate.args(["-m", "grpc_tools.protoc", "-I"]).arg(&proto);
    for kind in ["--python_out", "--grpc_python_out"] {
        generate.arg(format!("{kind}={}", folder.display()));
    }
    for entry in std::fs::read_dir(proto.join("aibom"))? {
        let noun = entry?.file_name().to_string_lossy().into_owned();
        generate.arg(format!("aibom/{noun}/v1/{noun}.proto"));
    }
    run::output(&mut generate)?.expect(0).map(drop)
}

#[test]
fn the_python_example_submits_watches_fetches_and_verifies() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let example = place::repository()?.join("examples/python-client");
    let python = python::environment(&example.join("requirements.txt"))?;
    let folder = tempfile::tempdir()?;
    let generated = folder.path().join("generated");
    std::fs::create_dir(&generated)?;
    generate(&python, &generated)?;
    let job = e2e::probe::Probe::new("ok").write(&folder.path().join("job"))?;
    let out = folder.path().join("out");
    let mut client = Command::new(&python);
    client.arg(example.join("client.py")).arg(job).arg("--mesh").arg(mesh.profile());
    client.arg("--generated").arg(&generated).arg("--out").arg(&out);
    let said = run::output(&mut client)?.expect(0)?.stdout;
    for word in ["queued", "training", "scanning", "signing", "completed", "VERIFIED"] {
        ensure!(said.contains(word), "{word} is missing: {said}");
    }
    // What it fetched is what everybody gets.
    mesh.verify(&out.join("bundle.aibom.json"))?.expect(0)?;
    ensure!(out.join("model.keras").is_file(), "no model was fetched");

    // And it says no to a bad end.
    let job = e2e::probe::Probe::new("raise").write(&folder.path().join("bad"))?;
    let mut client = Command::new(&python);
    client.arg(example.join("client.py")).arg(job).arg("--mesh").arg(mesh.profile());
    client.arg("--generated").arg(&generated).arg("--out").arg(folder.path().join("none"));
    let said = run::output(&mut client)?.expect(1)?.stdout;
    ensure!(said.contains("failed TRAINING_FAILED"), "{said}");
    Ok(())
}

/// `buf curl` as the mesh's user, by reflection.
fn buf(mesh: &Mesh, role: Role, method: &str, body: &str) -> anyhow::Result<run::Output> {
    let buf = python::tools()?.with_file_name("buf");
    let files = mesh.identity(Role::User)?;
    let url = mesh.service(role)?.url.replace("127.0.0.1", "localhost");
    let mut curl = Command::new(buf);
    curl.args(["curl", "--protocol", "grpc", "--cacert"]).arg(files.ca);
    curl.arg("--cert").arg(files.certificate).arg("--key").arg(files.key);
    curl.args(["--data", body]).arg(format!("{url}/{method}"));
    run::output(&mut curl)
}

#[test]
fn buf_curl_finds_its_way_by_reflection_over_mutual_tls() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    for role in
        [Role::Scheduler, Role::Executor, Role::Scanner, Role::Signer, Role::Ledger, Role::Verifier]
    {
        let health = buf(mesh, role, "grpc.health.v1.Health/Check", "{}")?.expect(0)?.json()?;
        ensure!(health["status"] == "SERVING", "{role}: {health}");
    }
    let trainers = buf(mesh, Role::Scheduler, "aibom.job.v1.JobService/ListTrainers", "{}")?;
    let trainers = trainers.expect(0)?.json()?;
    let names = trainers["trainers"].as_array().context("trainers")?.iter();
    let names: Vec<_> = names.filter_map(|trainer| trainer["name"].as_str()).collect();
    ensure!(names == ["keras", "outdated", "probe", "updated"], "{names:?}");
    let log = buf(mesh, Role::Ledger, "aibom.ledger.v1.LedgerService/GetCheckpoint", "{}")?;
    ensure!(log.expect(0)?.stdout.contains("mesh.local"), "no checkpoint");
    let refused = buf(mesh, Role::Ledger, "aibom.ledger.v1.LedgerService/Append", "{}")?;
    ensure!(!refused.is(0), "a user wrote to the ledger");
    ensure!(refused.stderr.contains("permission_denied"), "{}", refused.stderr);
    Ok(())
}
