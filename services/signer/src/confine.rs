//! What each process of the signer may still do.

use std::path::{Path, PathBuf};

use confine::{Code, Files, Network, Policy};
use signer::Config;

/// Where the key agent keeps what must outlive it (a PIN that was refused).
#[must_use]
pub fn agent_dir(config: &Config) -> PathBuf {
    config.state_dir.join("key-agent")
}

/// Where libraries are, and what they open: nothing there is secret.
const LIBRARIES: [&str; 8] = [
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/dev/urandom",
    "/dev/null",
];

/// The port of an endpoint `http://host:port`.
fn dialled(endpoint: &str) -> Option<u16> {
    let authority = endpoint.strip_prefix("http://")?.split('/').next()?;
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    port.map_or(Some(80), |port| port.parse().ok())
}

/// The directory of a file that may be replaced by another one of its name.
fn directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The process that faces the network: its own files and ports, and a collector of spans. Of the
/// keys only those in files, below `key_paths`.
#[must_use]
pub fn server(config: &Config, key_paths: &[PathBuf]) -> Policy {
    let identity = &config.identity;
    let replaced =
        [&config.trust_root, &config.policy, &identity.certificate, &identity.key, &identity.ca];
    let read = replaced.map(|file| directory(file)).into_iter().chain(key_paths.iter().cloned());
    let telemetry = &config.telemetry;
    let listen = [
        Some(config.server.listen),
        config.public.as_ref().map(|public| public.listen),
        telemetry.metrics_listen,
    ];
    Policy {
        files: Some(Files {
            read: read.collect(),
            write: vec![config.state_dir.clone()],
            ..Files::default()
        }),
        network: Network::Tcp {
            listen: listen.iter().flatten().map(std::net::SocketAddr::port).collect(),
            dial: telemetry.otlp_endpoint.as_deref().and_then(dialled).into_iter().collect(),
        },
        code: Code::Own,
        require: config.confine.require,
    }
}

/// The process with the PKCS#11 module.
#[must_use]
pub fn agent(config: &Config) -> Policy {
    let module = &config.confine.module;
    let narrow = !module.read.is_empty() || !module.write.is_empty();
    let files = narrow.then(|| {
        let libraries = LIBRARIES.map(PathBuf::from).into_iter().filter(|path| path.exists());
        let own = std::iter::once(agent_dir(config));
        Files {
            read: libraries.chain(module.read.iter().cloned()).collect(),
            write: own.chain(module.write.iter().cloned()).collect(),
            ..Files::default()
        }
    });
    let network = if module.network { Network::Any } else { Network::None };
    Policy { files, network, code: Code::Foreign, require: config.confine.require }
}

#[cfg(test)]
mod tests;
