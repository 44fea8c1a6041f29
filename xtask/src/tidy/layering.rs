//! Who may depend on whom.

use super::{
    Finding,
    crates::{Crate, Kind},
};

/// Libraries that know no clock, randomness, files, sockets, environment or async.
const PURE: [&str; 16] = [
    "ids", "job", "schedule", "evidence", "policy", "oms", "bom", "report", "merkle", "bundle",
    "verify", "dataset", "model", "inspect", "witness", "monitor",
];
/// What a pure library may take of ours beside other pure ones. `keys` reads key files, which the
/// pure ones never ask it to; its public half is what they use.
const PURE_MAY_TAKE: [&str; 2] = ["envelope", "keys"];
/// What no pure library may name, with what it would bring in.
const IMPURE: [&str; 26] = [
    "anyhow",
    "bollard",
    "clap",
    "cryptoki",
    "futures",
    "getrandom",
    "hyper",
    "hyper-util",
    "landlock",
    "libc",
    "metrics",
    "object_store",
    "prost",
    "rand",
    "redb",
    "reqwest",
    "rpc",
    "rustix",
    "rustls",
    "seccompiler",
    "sled",
    "tempfile",
    "tokio",
    "tokio-stream",
    "tonic",
    "tracing",
];

fn kind_of(crates: &[Crate], name: &str) -> Option<Kind> {
    crates.iter().find(|part| part.name == name).map(|part| part.kind)
}

/// Every dependency that points the wrong way.
pub(super) fn check(crates: &[Crate]) -> Vec<Finding> {
    let mut found = Vec::new();
    for part in crates {
        let mut complain = |what: String| found.push(Finding::new(&part.manifest, 0, what));
        for (name, optional) in &part.dependencies {
            let kind = kind_of(crates, name);
            match (part.kind, kind) {
                (Kind::Service, Some(Kind::Service)) => {
                    complain(format!("a service never depends on a service: remove {name}"));
                }
                (Kind::Library | Kind::Contracts, Some(Kind::Service | Kind::Program)) => {
                    complain(format!("a library never depends on a service or program: {name}"));
                }
                (Kind::Program, Some(Kind::Service)) if part.name == "cli" => {
                    complain(format!("the command never depends on a service: remove {name}"));
                }
                _ => {}
            }
            if name == "testkit" && !matches!(&*part.name, "e2e" | "loadtest") {
                complain("testkit is for tests: move it to [dev-dependencies]".to_owned());
            }
            if is_pure(&part.name) && !pure_may_take(name, kind, *optional) {
                complain(format!("{} is a pure library: it never depends on {name}", part.name));
            }
        }
        for name in &part.dev_dependencies {
            if part.kind != Kind::Program && kind_of(crates, name) == Some(Kind::Service) {
                complain(format!("tests of a crate never start a service: {name} belongs in e2e"));
            }
        }
    }
    found
}

fn is_pure(name: &str) -> bool {
    PURE.contains(&name) || name == "envelope"
}

fn pure_may_take(name: &str, kind: Option<Kind>, optional: bool) -> bool {
    match kind {
        // The wire's messages, behind a feature: the domain owns their conversion.
        Some(Kind::Contracts) => optional,
        Some(Kind::Library) => PURE.contains(&name) || PURE_MAY_TAKE.contains(&name),
        Some(Kind::Service | Kind::Program) => false,
        None => !IMPURE.contains(&name),
    }
}
