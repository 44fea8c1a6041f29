//! JSON that every reader reads alike: duplicate keys refused, depth and number of values bounded.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::{Limits, Refusal, refusal::cut};

/// A JSON value; objects keep their order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A whole number that fits, else `None` of use to us.
    Number(Option<u64>),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// Why the seed stopped, told beside serde's text.
enum Stop {
    Depth,
    Values,
    DuplicateKey(String),
}

struct Budget {
    values: Cell<u32>,
    stop: Cell<Option<Stop>>,
}

impl Budget {
    fn stop<E: serde::de::Error>(&self, stop: Stop) -> E {
        self.stop.set(Some(stop));
        E::custom("stopped")
    }
}

/// Parses an entry; `file` names it in errors.
pub(crate) fn parse(bytes: &[u8], file: &'static str, limits: &Limits) -> Result<Json, Refusal> {
    let budget = Budget { values: Cell::new(limits.max_values), stop: Cell::new(None) };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    // serde_json's own bound is 128; ours must be the first to be met.
    let depth = limits.max_depth.min(100);
    let parsed = Seed { depth, budget: &budget }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| match budget.stop.take() {
        Some(Stop::Depth) => Refusal::JsonTooBig { file, problem: "nested too deeply" },
        Some(Stop::Values) => Refusal::JsonTooBig { file, problem: "too many values" },
        Some(Stop::DuplicateKey(key)) => Refusal::DuplicateKey { file, key: cut(&key) },
        None => Refusal::Json { file, problem: error.to_string() },
    })
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    depth: u32,
    budget: &'a Budget,
}

impl Seed<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.budget.stop(Stop::Depth)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        let Some(left) = self.budget.values.get().checked_sub(1) else {
            return Err(self.budget.stop(Stop::Values));
        };
        self.budget.values.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(Some(value)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Number(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Number(None))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let seed = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(seed)? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let seed = self.deeper()?;
        let (mut entries, mut seen) = (Vec::new(), std::collections::HashSet::new());
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(self.budget.stop(Stop::DuplicateKey(key)));
            }
            entries.push((key, map.next_value_seed(seed)?));
        }
        Ok(Json::Object(entries))
    }
}
