//! Who is let in: every service refuses a foreign CA, no certificate, a wrong role, and an RPC that
//! the table does not list; and answers health and reflection to every identity of the mesh.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, ensure};
use e2e::{Mesh, grpc::Caller, mesh::issue, place};
use ids::Role;
use rpc::IdentityFiles;

const SERVICES: [Role; 6] =
    [Role::Scheduler, Role::Executor, Role::Scanner, Role::Signer, Role::Ledger, Role::Verifier];

/// Method to the peers that may call it, as `docs/topology.toml` says.
fn table() -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let text = std::fs::read_to_string(place::repository()?.join("docs/topology.toml"))?;
    let table: toml::Table = text.parse()?;
    let lines = table["rpc"].as_array().context("rpc")?;
    let line = |line: &toml::Value| {
        let peers = line["peers"].as_array()?.iter().filter_map(toml::Value::as_str);
        Some((line["method"].as_str()?.to_owned(), peers.map(str::to_owned).collect()))
    };
    let table: BTreeMap<_, Vec<_>> = lines.iter().filter_map(line).collect();
    ensure!(table.len() >= 25, "only {} RPCs", table.len());
    Ok(table)
}

/// Somebody of that role whom the mesh's CA certified, and whom no service knows.
fn stranger(mesh: &Mesh, role: Role) -> anyhow::Result<IdentityFiles> {
    mesh.issue(role, "stranger")
}

#[tokio::test]
async fn a_wrong_role_is_refused_on_every_rpc_of_every_service() -> anyhow::Result<()> {
    let (mesh, table) = (Mesh::shared()?, table()?);
    let mut refused = 0;
    for role in Role::ALL {
        let files = stranger(mesh, role)?;
        for service in SERVICES {
            let caller = Caller::new(&mesh.service(service)?, &files)?;
            for (method, peers) in &table {
                if peers.iter().any(|peer| peer == "anybody" || peer == role.as_str()) {
                    continue;
                }
                let answer = caller.call(method).await;
                let got = answer.err().with_context(|| format!("{role} called {method}"))?;
                let kind = (got.code, got.reason.as_str());
                let what = format!("{role} called {method} on the {service}: {got:?}");
                ensure!(kind == ("PERMISSION_DENIED", "ROLE_NOT_ALLOWED"), "{what}");
                refused += 1;
            }
        }
    }
    ensure!(refused > 500, "only {refused} calls were tried");
    Ok(())
}

#[tokio::test]
async fn an_rpc_that_the_table_does_not_list_is_refused_to_everybody() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let unlisted = [
        "aibom.job.v1.JobService/Delete",
        "aibom.signer.v1.SignerService/Sign",
        "aibom.ledger.v1.LedgerService/Truncate",
        "grpc.channelz.v1.Channelz/GetServers",
        "no.such.Service/Method",
    ];
    for role in Role::ALL {
        let files = stranger(mesh, role)?;
        for service in SERVICES {
            let caller = Caller::new(&mesh.service(service)?, &files)?;
            for method in unlisted {
                let got = caller.call(method).await.err().context(method)?;
                let kind = (got.code, got.reason.as_str());
                let what = format!("{role} called {method} on the {service}: {got:?}");
                ensure!(kind == ("PERMISSION_DENIED", "RPC_NOT_LISTED"), "{what}");
            }
        }
    }
    Ok(())
}

/// A user certified by a CA of the same trust domain that is not the mesh's, who trusts both.
fn impostor(mesh: &Mesh, folder: &Path) -> anyhow::Result<IdentityFiles> {
    let certs = folder.join("other-ca");
    mesh.run(&["certs", "init", "--dir", &certs.to_string_lossy()])?.expect(0)?;
    let files = issue(&certs, Role::User, "local", &folder.join("impostor"))?;
    let own = std::fs::read_to_string(&files.ca)?;
    let real = std::fs::read_to_string(mesh.identity(Role::User)?.ca)?;
    std::fs::write(&files.ca, own + &real)?;
    Ok(files)
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_refused_by_every_service() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let folder = tempfile::tempdir()?;
    let files = impostor(mesh, folder.path())?;
    for service in SERVICES {
        let caller = Caller::new(&mesh.service(service)?, &files)?;
        let got = caller.call("grpc.health.v1.Health/Check").await;
        let got = got.err().with_context(|| format!("the {service} took a foreign CA"))?;
        ensure!(got.code == "UNAVAILABLE", "{service}: {got:?}");
        ensure!(got.reason == "CERTIFICATE_REFUSED", "{service}: {got:?}");
    }
    Ok(())
}

#[tokio::test]
async fn no_certificate_is_refused_by_every_service() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let roots = rpc::MeshIdentity::load(&mesh.identity(Role::User)?)?.roots_der();
    for service in SERVICES {
        let caller = Caller::without_certificate(&mesh.service(service)?, roots.clone())?;
        let got = caller.call("grpc.health.v1.Health/Check").await;
        let got = got.err().with_context(|| format!("the {service} asked for no certificate"))?;
        ensure!(got.code == "UNAVAILABLE", "{service}: {got:?}");
        ensure!(got.message.to_lowercase().contains("certificate"), "{service}: {got:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_somebody_else_is_refused_by_its_client() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let mut config = mesh.service(Role::Ledger)?;
    config.spiffe_id = mesh.id(Role::Signer)?;
    let caller = Caller::new(&config, &mesh.identity(Role::User)?)?;
    let got = caller.call("grpc.health.v1.Health/Check").await.err().context("the wrong server")?;
    ensure!((got.code, got.reason.as_str()) == ("UNAVAILABLE", "WRONG_SERVER"), "{got:?}");
    Ok(())
}

#[tokio::test]
async fn health_and_reflection_answer_every_identity_on_every_service() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    for role in Role::ALL {
        let files = stranger(mesh, role)?;
        for service in SERVICES {
            let caller = Caller::new(&mesh.service(service)?, &files)?;
            let serving = client::is_serving(caller.channel()).await;
            ensure!(serving.is_ok_and(|serving| serving), "the {service} is not well for {role}");
            let answer = caller.reflect().await;
            ensure!(answer.is_ok(), "reflection on the {service} for {role}: {answer:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn another_users_jobs_and_artifacts_are_not_there() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let out = mesh.completed_probe("bundle-a")?;
    let parts = e2e::forge::Parts::of(&out)?;
    let job = parts.grant["job"].as_str().context("a job")?;
    let bytes = std::fs::read(out.join("bundle.aibom.json"))?;
    let digest = ids::Sha256Digest::of(&bytes).to_hex();
    let service = mesh.service(Role::Scheduler)?;
    let own = Caller::new(&service, &mesh.identity(Role::User)?)?;
    ensure!(own.download(&digest, None).await.is_ok_and(|got| got == bytes), "the owner's bundle");

    let files = mesh.issue(Role::User, "mallory")?;
    let mallory = Caller::new(&service, &files)?;
    let got = mallory.download(&digest, None).await.err().context("another's bundle")?;
    ensure!(got.code == "NOT_FOUND", "{got:?}");
    let jobs = client::Jobs::new(mallory.channel());
    let got = jobs.get(job.parse()?).await.err().context("another's job")?;
    ensure!(got.code() == "NOT_FOUND", "{got}");
    let got = jobs.cancel(job.parse()?).await.err().context("another's job")?;
    ensure!(got.code() == "NOT_FOUND", "{got}");
    ensure!(jobs.list(500, None).await?.jobs.is_empty(), "mallory has jobs");
    Ok(())
}
