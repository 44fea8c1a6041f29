//! The policy table of `docs/topology.toml`: who may call what, how long, how large.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use ids::Role;
use serde::Deserialize;

const TEXT: &str = include_str!("../../../docs/topology.toml");

/// Who may call one RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peers {
    /// Every identity of the mesh, and callers without one on a public listener.
    Anybody,
    /// Identities with one of these roles.
    Roles(Vec<Role>),
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `package.Service/Method`.
    pub method: String,
    /// Who may call it.
    pub peers: Peers,
    /// The longest a call may take; none for streams that end by their own bounds.
    pub deadline: Option<Duration>,
    /// The largest single request message, in bytes.
    pub max_request_bytes: usize,
    /// Whether a caller may send the same call again after a lost answer.
    pub idempotent: bool,
}

/// Why the table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// Not the TOML that is expected.
    #[error("the policy table does not parse")]
    Parse(#[from] toml::de::Error),
    /// A peer that is neither a role nor "anybody".
    #[error("{method} lists the unknown peer {peer:?}")]
    Peer {
        /// Which RPC.
        method: String,
        /// The text that is no role.
        peer: String,
    },
    /// The same RPC twice.
    #[error("{0} is listed twice")]
    Duplicate(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rpc: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    method: String,
    peers: Vec<String>,
    deadline_ms: u64,
    max_request_bytes: usize,
    idempotent: bool,
}

/// The parsed table; what it does not list is refused.
#[derive(Debug, Default)]
pub struct Topology {
    rules: HashMap<String, Rule>,
}

impl Topology {
    /// Reads a table.
    ///
    /// # Errors
    /// When the text does not parse, names an unknown peer, or lists an RPC twice.
    pub fn parse(text: &str) -> Result<Self, TopologyError> {
        let file: File = toml::from_str(text)?;
        let mut rules = HashMap::with_capacity(file.rpc.len());
        for line in file.rpc {
            let mut roles = Vec::new();
            let mut anybody = false;
            for peer in &line.peers {
                match peer.parse() {
                    Ok(role) => roles.push(role),
                    Err(_) if peer == "anybody" => anybody = true,
                    Err(_) => {
                        let (method, peer) = (line.method, peer.clone());
                        return Err(TopologyError::Peer { method, peer });
                    }
                }
            }
            let rule = Rule {
                method: line.method.clone(),
                peers: if anybody { Peers::Anybody } else { Peers::Roles(roles) },
                deadline: (line.deadline_ms > 0).then(|| Duration::from_millis(line.deadline_ms)),
                max_request_bytes: line.max_request_bytes,
                idempotent: line.idempotent,
            };
            if rules.insert(line.method.clone(), rule).is_some() {
                return Err(TopologyError::Duplicate(line.method));
            }
        }
        Ok(Self { rules })
    }

    /// The line of `package.Service/Method`, if there is one.
    #[must_use]
    pub fn rule(&self, method: &str) -> Option<&Rule> {
        self.rules.get(method)
    }

    /// Every line, in no particular order.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values()
    }
}

/// The table of this mesh. Should it not parse (a test holds that it does), it is empty, and every
/// call is refused.
pub fn topology() -> &'static Topology {
    static TABLE: LazyLock<Topology> = LazyLock::new(|| {
        Topology::parse(TEXT).unwrap_or_else(|error| {
            tracing::error!(%error, "docs/topology.toml is unusable, every call will be refused");
            Topology::default()
        })
    });
    &TABLE
}

/// The largest request message of any RPC of `service` (`package.Service`), in bytes; give it to
/// `max_decoding_message_size` of the generated server. 0 for a service that is not listed.
#[must_use]
pub fn message_limit(service: &str) -> usize {
    topology()
        .rules()
        .filter(|rule| rule.method.split('/').next() == Some(service))
        .map(|rule| rule.max_request_bytes)
        .max()
        .unwrap_or(0)
}
