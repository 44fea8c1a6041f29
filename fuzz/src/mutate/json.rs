//! Changes to one node of a JSON document; documents inside of base64 texts are changed as well.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ids::canonical;
use serde_json::{Map, Number, Value, json};

use super::Random;

/// Texts that rules get wrong.
const TEXTS: &[&str] = &[
    "",
    "0",
    "*",
    "..",
    "../x",
    "/",
    "a\u{0}b",
    "\u{feff}",
    "\u{202e}",
    "\u{1f980}",
    "none",
    "root",
    "host",
    "ALL",
    "DISALLOW",
    "unknown",
    "MATCH",
    "sha256",
    "sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "1970-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "2026-11-20T10:00:00.000Z",
    "2026-02-30T10:00:00.000Z",
    "spiffe://mesh.test/executor/one",
    "spiffe://mesh.test/user/alice",
    "pkg:pypi/x@1",
];

/// Changes one node of `document`; `donors` give nodes of their own.
pub(super) fn change(document: &mut Value, donors: &[Value], random: &mut Random) {
    let mut at = random.below(count(document));
    let Some(node) = nth_mut(document, &mut at) else { return };
    if random.below(10) == 0 {
        *node = donor(donors, random);
        return;
    }
    match node {
        Value::Null => *node = donor(donors, random),
        Value::Bool(value) => *value = !*value,
        Value::Number(number) => *node = another_number(number, random),
        Value::String(text) => change_text(text, donors, random),
        Value::Array(items) => change_list(items, donors, random),
        Value::Object(members) => change_members(members, donors, random),
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

fn nth<'a>(value: &'a Value, at: &mut usize) -> Option<&'a Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter().find_map(|item| nth(item, at)),
        Value::Object(members) => members.values().find_map(|member| nth(member, at)),
        _ => None,
    }
}

fn nth_mut<'a>(value: &'a mut Value, at: &mut usize) -> Option<&'a mut Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth_mut(item, at)),
        Value::Object(members) => members.values_mut().find_map(|member| nth_mut(member, at)),
        _ => None,
    }
}

/// A node of another document, or of this one.
fn donor(donors: &[Value], random: &mut Random) -> Value {
    let from = random.pick(donors).unwrap_or(&Value::Null);
    let mut at = random.below(count(from));
    nth(from, &mut at).cloned().unwrap_or_default()
}

fn another_number(number: &Number, random: &mut Random) -> Value {
    let whole = number.as_i64().unwrap_or(0);
    match random.below(12) {
        0 => json!(0),
        1 => json!(1),
        2 => json!(-1),
        3 => json!(whole.wrapping_add(1)),
        4 => json!(whole.wrapping_sub(1)),
        5 => json!(whole.wrapping_mul(2)),
        6 => json!(9_007_199_254_740_993_u64),
        7 => json!(u64::MAX),
        8 => json!(i64::MIN),
        9 => json!(0.5),
        10 => json!(1e300),
        _ => json!(random.next() % 100_000),
    }
}

fn change_text(text: &mut String, donors: &[Value], random: &mut Random) {
    if change_inside(text, donors, random).is_some() {
        return;
    }
    let at = text.char_indices().nth(random.below(text.chars().count())).map_or(0, |(at, _)| at);
    match random.below(6) {
        0 => *text = (*random.pick(TEXTS).unwrap_or(&"")).to_owned(),
        1 => text.insert_str(at, random.pick(TEXTS).unwrap_or(&"")),
        2 if !text.is_empty() => drop(text.remove(at)),
        3 => *text = text.repeat(2 + random.below(80)),
        4 => {
            if let Value::String(other) = donor(donors, random) {
                *text = other;
            }
        }
        _ => {
            let new = char::from(b" 09afAFgz.:/-_T\"\\\n\x7f"[random.below(19)]);
            if !text.is_empty() {
                text.remove(at);
            }
            text.insert(at, new);
        }
    }
}

/// Changes what base64 holds; nothing when the text is none.
fn change_inside(text: &mut String, donors: &[Value], random: &mut Random) -> Option<()> {
    if text.len() < 16 || random.below(8) == 0 {
        return None;
    }
    let mut bytes = STANDARD.decode(&*text).ok()?;
    if let Ok(mut document @ Value::Object(_)) = serde_json::from_slice(&bytes) {
        change(&mut document, donors, random);
        bytes = canonical::rewrite(&document).ok()?;
    } else {
        let at = random.below(bytes.len());
        match random.below(3) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, 0),
            _ => *bytes.get_mut(at)? ^= 1 << random.below(8),
        }
    }
    *text = STANDARD.encode(bytes);
    Some(())
}

fn change_list(items: &mut Vec<Value>, donors: &[Value], random: &mut Random) {
    let (at, other) = (random.below(items.len()), random.below(items.len()));
    match random.below(6) {
        0 if !items.is_empty() => drop(items.remove(at)),
        1 if !items.is_empty() => items.swap(at, other),
        2 => items.reverse(),
        3 => items.push(donor(donors, random)),
        4 => {
            let again = items.get(at).cloned();
            let times = if random.below(16) == 0 { 300 } else { 1 };
            items.extend(std::iter::repeat_n(again, times).flatten());
        }
        _ => items.clear(),
    }
}

fn change_members(members: &mut Map<String, Value>, donors: &[Value], random: &mut Random) {
    let names: Vec<String> = members.keys().cloned().collect();
    let (name, other) = (random.pick(&names).cloned(), random.pick(&names).cloned());
    let (name, other) = (name.unwrap_or_default(), other.unwrap_or_default());
    match random.below(5) {
        0 => drop(members.remove(&name)),
        1 => drop(members.insert(another_name(donors, random), donor(donors, random))),
        2 => {
            let value = members.remove(&name).unwrap_or_default();
            members.insert(another_name(donors, random), value);
        }
        3 => {
            let (one, two) = (members.get(&name).cloned(), members.get(&other).cloned());
            members.extend(two.map(|two| (name, two)));
            members.extend(one.map(|one| (other, one)));
        }
        _ => drop(members.insert(name, donor(donors, random))),
    }
}

/// A name of a member elsewhere, or any text.
fn another_name(donors: &[Value], random: &mut Random) -> String {
    if let Value::Object(members) = donor(donors, random) {
        let names: Vec<String> = members.keys().cloned().collect();
        return random.pick(&names).cloned().unwrap_or_default();
    }
    (*random.pick(TEXTS).unwrap_or(&"")).to_owned()
}
