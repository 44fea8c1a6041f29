//! JSON from the trainer made safe for canonical JSON: bounded, clean, and without numbers that
//! readers round.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::MAX_NAME_BYTES;
use crate::failure::clean;

/// The largest integer that every JSON reader holds exactly: 2^53 - 1 (RFC 8785 section 3.2.2.3).
pub const MAX_SAFE_INTEGER: u64 = 9_007_199_254_740_991;
/// How deep values may nest.
const MAX_DEPTH: usize = 8;
/// The longest text in a value, in bytes.
const MAX_TEXT_BYTES: usize = 4096;

fn number(number: &Number) -> Value {
    let exact = number.as_i64().is_some_and(|n| n.unsigned_abs() <= MAX_SAFE_INTEGER)
        || number.as_u64().is_some_and(|n| n <= MAX_SAFE_INTEGER);
    #[expect(clippy::cast_precision_loss, reason = "the bound itself is exact")]
    let limit = MAX_SAFE_INTEGER as f64;
    // A float without a fraction is written like an integer, so it has the integers' bound.
    let fits = number.is_f64()
        && number.as_f64().is_some_and(|f| f.is_finite() && (f.fract() != 0.0 || f.abs() <= limit));
    if exact || fits { Value::Number(number.clone()) } else { Value::String(number.to_string()) }
}

fn safe(value: Value, depth: usize) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value,
        Value::Number(n) => number(&n),
        Value::String(text) => Value::String(clean(&text, MAX_TEXT_BYTES)),
        _ if depth == 0 => Value::String("nested too deeply".to_owned()),
        Value::Array(items) => items.into_iter().map(|item| safe(item, depth - 1)).collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(name, item)| (clean(&name, MAX_NAME_BYTES), safe(item, depth - 1)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// The entries of `facts`, safe for canonical JSON, in the order of their names, as long as they
/// fit into `budget` bytes; an entry that does not fit is left out.
#[must_use]
pub fn bounded(facts: Map<String, Value>, budget: usize) -> BTreeMap<String, Value> {
    let mut left = budget;
    let mut kept = BTreeMap::new();
    for (name, value) in facts {
        let (name, value) = (clean(&name, MAX_NAME_BYTES), safe(value, MAX_DEPTH));
        let size = name.len() + value.to_string().len() + 4;
        if size <= left {
            left -= size;
            kept.insert(name, value);
        }
    }
    kept
}
