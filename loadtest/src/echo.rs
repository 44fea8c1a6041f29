//! The echo server: the mesh's own transport and policy layer around a constant answer.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use rpc::{CancellationToken, IdentityFiles, MeshIdentity, Server, ServerConfig};
use serde::Deserialize;
use telemetry::TelemetryConfig;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    server: ServerConfig,
    identity: IdentityFiles,
}

/// Serves until the process is ended.
pub(crate) async fn serve(config: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(config)
        .with_context(|| format!("cannot read {}", config.display()))?;
    let config: Config = toml::from_str(&text)?;
    // As every service: a call without a subscriber would be cheaper than the scheduler's.
    let _telemetry = telemetry::init(&TelemetryConfig::default())?;
    let identity = MeshIdentity::load(&config.identity)?;
    let bound = Server::bind(config.server, Arc::clone(&identity)).await?;
    bound.health().set_ready();
    Ok(bound.serve(crate::grpc::echo_services(), CancellationToken::new()).await?)
}
