//! Real signers, each with its own keys and journal.

use std::path::Path;

use evidence::{KeyUse, TrustRoot};
use testkit::evidence::Fixture;

use super::token::Token;
use crate::{
    cpu,
    site::{Program, Server, Site, free_port},
};

/// Where the keys in files are.
pub(super) const KEYS: &str = "signing-keys";

/// A signer, and the processes that it consists of.
pub(super) struct Running {
    pub(super) server: Server,
    /// The process that serves.
    serving: u32,
    /// The process that has the token.
    agent: Option<u32>,
}

/// Processor seconds so far: of the process that serves, and of the one that has the token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    pub(super) server: f64,
    pub(super) agent: f64,
}

impl Running {
    pub(super) fn spent(&self) -> anyhow::Result<Spent> {
        let agent = self.agent.map_or(Ok(0.0), cpu::seconds)?;
        Ok(Spent { server: cpu::seconds(self.serving)?, agent })
    }
}

/// Writes the mesh's signing keys as files.
pub(super) fn write_keys(site: &Site) -> anyhow::Result<()> {
    let directory = site.path(KEYS);
    std::fs::create_dir_all(&directory)?;
    for (name, pem) in site.mesh.signing_keys_pem() {
        keys::write_secret(&directory.join(format!("{name}.key.pem")), &pem)?;
    }
    Ok(())
}

/// Starts a signer with the mesh's keys in files.
pub(super) async fn with_files(site: &Site, binary: &Path) -> anyhow::Result<Running> {
    write_keys(site)?;
    let keys = format!("directory = {:?}", site.path(KEYS));
    let (server, _) =
        start(site, binary, "files", &keys, Vec::new(), &site.mesh.trust_root()).await?;
    let serving = server.pid()?;
    Ok(Running { server, serving, agent: None })
}

/// Starts a signer with the keys of a token.
pub(super) async fn with_token(
    site: &Site,
    binary: &Path,
    token: &Token,
) -> anyhow::Result<Running> {
    let keys = format!("pkcs11 = {:?}", token.uri);
    let mut root = site.mesh.trust_root();
    for entry in root.signing_keys.iter_mut().filter(|entry| entry.usage != KeyUse::Policy) {
        entry.public_key = token.public_key(entry.usage)?.to_owned();
    }
    let environment = token.environment.clone();
    let (server, name) = start(site, binary, &token.name, &keys, environment, &root).await?;
    let children = cpu::children(server.pid()?)?;
    let child = |role: &str| {
        let found = children.iter().find(|(_, command)| command.contains(role));
        let found = found.map(|(pid, _)| *pid);
        found.ok_or_else(|| anyhow::anyhow!("the signer {name} has no process {role}"))
    };
    Ok(Running { server, serving: child(" serve ")?, agent: Some(child(" key-agent ")?) })
}

async fn start(
    site: &Site,
    binary: &Path,
    name: &str,
    keys: &str,
    environment: Vec<(&'static str, std::path::PathBuf)>,
    root: &TrustRoot,
) -> anyhow::Result<(Server, String)> {
    let home = site.path(&format!("signer-{name}"));
    std::fs::create_dir_all(&home)?;
    let trust_root = home.join("trust-root.json");
    std::fs::write(&trust_root, site.mesh.seal_root(root))?;
    let policy = home.join("policy.dsse.json");
    std::fs::write(&policy, fixture(site).policy_bytes())?;
    let port = free_port()?;
    let (identity, caller) = (&site.mesh.signer, &site.mesh.scheduler);
    let config = format!(
        "state_dir = {:?}\ntrust_root = {trust_root:?}\npolicy = {policy:?}\n[keys]\n{keys}\n{}",
        home.join("state"),
        site.common(identity, port)
    );
    let program = Program { binary, arguments: &["--config"], environment, identity, caller };
    Ok((site.start(&program, &home, &config, port).await?, name.to_owned()))
}

/// Evidence in the site's mesh.
pub(super) fn fixture(site: &Site) -> Fixture {
    let now = ids::Timestamp::from(std::time::SystemTime::now());
    Fixture::of(std::sync::Arc::clone(&site.mesh), now)
}
