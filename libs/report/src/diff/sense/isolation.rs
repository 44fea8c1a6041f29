//! Whether a training was shut in better or worse.

use std::{cmp::Ordering, collections::BTreeSet};

use super::{super::Sense, better};

/// Which way a setting of the container went. What is not known to be looser or tighter has none.
pub(super) fn sense(name: &str, from: &str, to: &str) -> Option<Sense> {
    match name {
        "networkMode" => better((from != "none").cmp(&(to != "none"))),
        "privileged" => looser_when("true", from, to),
        "readonlyRootfs" => looser_when("false", from, to),
        "user" => better(is_root(from).cmp(&is_root(to))),
        "capAdd" | "devices" => better(growth(from, to)?),
        "capDrop" => better(growth(to, from)?),
        _ => None,
    }
}

/// Of two words one is looser; others say nothing.
fn looser_when(loose: &str, from: &str, to: &str) -> Option<Sense> {
    let known = [from, to].iter().all(|value| matches!(*value, "true" | "false"));
    if known { better((from == loose).cmp(&(to == loose))) } else { None }
}

/// The engine's default user is root.
fn is_root(user: &str) -> bool {
    matches!(user.split(':').next(), Some("" | "0" | "root"))
}

/// Whether the second of two JSON lists holds the first, and more.
fn growth(from: &str, to: &str) -> Option<Ordering> {
    let [from, to] = [from, to].map(|text| serde_json::from_str::<BTreeSet<String>>(text).ok());
    let (from, to) = (from?, to?);
    if from == to {
        Some(Ordering::Equal)
    } else if from.is_subset(&to) {
        Some(Ordering::Less)
    } else if from.is_superset(&to) {
        Some(Ordering::Greater)
    } else {
        None
    }
}
