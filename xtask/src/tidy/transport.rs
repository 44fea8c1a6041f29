//! Only the border of a crate speaks gRPC: `grpc.rs`, `proto.rs`, `libs/rpc`, `libs/client`, tests.

use std::path::Path;

use super::{Finding, Source, crates::Crate};

/// Crates that are the border themselves.
const BORDER: [&str; 4] = ["proto", "libs/rpc", "libs/client", "xtask"];

/// Whether a file may name the transport.
fn may_name(path: &Path) -> bool {
    let in_border = BORDER.iter().any(|border| path.starts_with(border));
    let named = |part: &std::ffi::OsStr| {
        matches!(&*part.to_string_lossy(), "grpc.rs" | "proto.rs" | "grpc" | "proto" | "build.rs")
    };
    in_border || path.iter().any(named)
}

/// Whether `code` names one of the crates as the beginning of a path.
fn names_transport(code: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices("::").any(|(at, _)| {
        let head = code.get(..at).unwrap_or_default();
        let word = head.rsplit(|c| !is_word(c)).next().unwrap_or_default();
        let before = head.strip_suffix(word).unwrap_or_default();
        !before.ends_with("::")
            && (word == "tonic"
                || word == "prost"
                || word.starts_with("tonic_")
                || word.starts_with("prost_"))
    })
}

/// The part of a line that is no comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

/// Every file that names the transport and may not.
pub(super) fn check(sources: &[Source], crates: &[Crate]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|s| s.is_rust() && !s.is_test() && !may_name(&s.path)) {
        for (number, line) in source.text.lines().enumerate() {
            if names_transport(code(line)) {
                let what = "only grpc.rs and proto.rs name tonic or prost: move it there";
                found.push(Finding::new(&source.path, number + 1, what));
            }
        }
    }
    for part in crates.iter().filter(|part| part.name == "cli") {
        for name in ["tonic", "prost"].iter().filter(|name| part.dependencies.contains_key(**name))
        {
            let what =
                format!("the command speaks to services through client alone: remove {name}");
            found.push(Finding::new(&part.manifest, 0, what));
        }
    }
    found
}
