//! The facts of what a document declares of itself, and whether it holds.

use std::collections::HashMap;

use super::{
    Sense,
    facts::{Facts, join, label},
    sense::better,
};
use crate::{
    Aibom,
    aibom::text,
    conformance::{Standing, judgements},
};

/// How the name of a claim's fact begins.
pub(super) const CLAIM: &str = "claim";

const HOLDS: &str = "holds";
const IN_PART: &str = "holds in part";
const NOT: &str = "does not hold";

/// Adds every claim by the name of what it is about, a counter claim by the same.
pub(super) fn add(facts: &mut Facts, aibom: &Aibom) {
    let mut standings: HashMap<&str, Option<Standing>> = HashMap::new();
    for judgement in judgements(aibom) {
        let before = standings.len();
        standings.extend(judgement.all_claims().map(|claim| (claim, judgement.standing())));
        // A requirement that no claim is about has its own name.
        if let (true, Some(standing)) = (before == standings.len(), judgement.standing()) {
            let name = judgement.requirement.rsplit('/').next().unwrap_or_default();
            facts.add(join(CLAIM, name), word(standing));
        }
    }
    for claim in aibom.list("/declarations/claims") {
        let reference = text(claim, "/bom-ref");
        let label = label(claim);
        let name = ["claim/", "counter-claim/"].iter().find_map(|kind| label.strip_prefix(kind));
        let standing = standings.get(reference).copied().flatten();
        let predicate = text(claim, "/predicate");
        let value = standing.map_or_else(
            || predicate.to_owned(),
            |standing| format!("{}: {predicate}", word(standing)),
        );
        facts.add(join(CLAIM, name.unwrap_or(&label)), &value);
    }
}

const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Wholly => HOLDS,
        Standing::InPart => IN_PART,
        Standing::Not => NOT,
    }
}

/// A claim that holds is better than none, and none is better than one that does not.
pub(super) fn sense(from: Option<&str>, to: Option<&str>) -> Option<Sense> {
    let level = |value: Option<&str>| match value {
        None => 0,
        Some(value) if value.starts_with(NOT) => 0,
        Some(value) if value.starts_with(IN_PART) => 1,
        Some(_) => 2,
    };
    better(level(to).cmp(&level(from)))
}
