//! What a document says of itself in `declarations`: which requirements it meets.

use serde_json::Value;

use crate::{
    Aibom,
    aibom::{list, text},
};

/// One requirement that is judged.
#[derive(Debug, Clone)]
pub(crate) struct Judgement<'a> {
    /// JSON pointer to its score.
    pub pointer: String,
    /// The score, where there is one.
    pub score: Option<&'a Value>,
    /// The bom-ref of the requirement.
    pub requirement: &'a str,
    claims: &'a [Value],
    counter_claims: &'a [Value],
}

/// How well a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Not at all, or there is a counter claim.
    Not,
    /// More than nothing.
    InPart,
    /// Wholly.
    Wholly,
}

impl<'a> Judgement<'a> {
    /// What its score and its claims come to; none when nobody judged it.
    pub(crate) fn standing(&self) -> Option<Standing> {
        let score = self.score.and_then(Value::as_f64)?;
        Some(match score {
            _ if !self.counter_claims.is_empty() && self.claims.is_empty() => Standing::Not,
            score if score >= 1.0 && self.counter_claims.is_empty() => Standing::Wholly,
            score if score > 0.0 => Standing::InPart,
            _ => Standing::Not,
        })
    }

    /// The bom-refs of its claims and counter claims.
    pub(crate) fn all_claims(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.claims.iter().chain(self.counter_claims).filter_map(Value::as_str)
    }
}

/// Everything that is judged.
pub(crate) fn judgements(aibom: &Aibom) -> impl Iterator<Item = Judgement<'_>> {
    let attestations = aibom.list("/declarations/attestations").iter().enumerate();
    attestations.flat_map(|(attestation, value)| {
        list(value, "/map").iter().enumerate().map(move |(index, mapping)| Judgement {
            pointer: format!(
                "/declarations/attestations/{attestation}/map/{index}/conformance/score"
            ),
            score: mapping.pointer("/conformance/score"),
            requirement: text(mapping, "/requirement"),
            claims: list(mapping, "/claims"),
            counter_claims: list(mapping, "/counterClaims"),
        })
    })
}
