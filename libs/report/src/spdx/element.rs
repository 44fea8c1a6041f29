//! One element under construction: its members, and where each comes from in the AIBoM.

use serde_json::{Map, Value, json};

/// An element, and which of its members were taken from which place of the AIBoM.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) id: String,
    pub(super) members: Map<String, Value>,
    /// Member and JSON pointer.
    pub(super) taken: Vec<(&'static str, String)>,
}

/// A component, and its JSON pointer.
#[derive(Debug, Clone)]
pub(crate) struct Located<'a> {
    pub(crate) value: &'a Value,
    pub(crate) at: String,
}

impl<'a> Located<'a> {
    /// The text at a pointer below it; empty when there is none.
    pub(crate) fn text(&self, below: &str) -> &'a str {
        crate::aibom::text(self.value, below)
    }

    /// The list at a pointer below it; empty when there is none.
    pub(crate) fn list(&self, below: &str) -> &'a [Value] {
        crate::aibom::list(self.value, below)
    }

    /// The texts of the list at a pointer below it.
    pub(crate) fn texts(&self, below: &str) -> Vec<&'a str> {
        self.list(below).iter().filter_map(Value::as_str).collect()
    }

    /// The property `name`, and the pointer of its value.
    pub(crate) fn property(&self, name: &str) -> Option<(&'a str, String)> {
        self.properties(name).into_iter().next().map(|(_, value, at)| (value, at))
    }

    /// Every property whose name begins with `prefix`: the rest of the name, the value, its pointer.
    pub(crate) fn properties(&self, prefix: &str) -> Vec<(&'a str, &'a str, String)> {
        let all = self.list("/properties").iter().enumerate();
        all.filter_map(|(n, property)| {
            let rest = crate::aibom::text(property, "/name").strip_prefix(prefix)?;
            let value = property.get("value")?.as_str()?;
            Some((rest, value, format!("{}/properties/{n}/value", self.at)))
        })
        .collect()
    }

    /// What is below it.
    pub(crate) fn below(&self, pointer: &str) -> Option<Self> {
        let value = self.value.pointer(pointer)?;
        Some(Self { value, at: format!("{}{pointer}", self.at) })
    }

    /// The items of the list at a pointer below it.
    pub(crate) fn items(&self, below: &str) -> impl Iterator<Item = Self> + use<'a> {
        let at = format!("{}{below}", self.at);
        let all = self.list(below).iter().enumerate();
        all.map(move |(n, value)| Self { value, at: format!("{at}/{n}") })
    }
}

impl Element {
    pub(super) fn new(kind: &str, id: String) -> Self {
        let mut members = Map::new();
        members.insert("type".to_owned(), json!(kind));
        members.insert("spdxId".to_owned(), json!(id));
        Self { id, members, taken: Vec::new() }
    }

    /// Sets a member that says nothing of the AIBoM; what is empty is left out.
    pub(super) fn put(&mut self, member: &str, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        if !empty {
            self.members.insert(member.to_owned(), value);
        }
        self
    }

    /// Sets a member from what stands at `at`.
    pub(super) fn take(
        &mut self,
        member: &'static str,
        value: impl Into<Value>,
        at: impl Into<String>,
    ) -> &mut Self {
        self.put(member, value);
        if self.members.contains_key(member) {
            self.taken.push((member, at.into()));
        }
        self
    }

    /// Sets a member from the text at a pointer below a component.
    pub(super) fn copy(&mut self, member: &'static str, of: &Located<'_>, at: &str) -> &mut Self {
        self.take(member, of.text(at), format!("{}{at}", of.at))
    }
}

/// An entry of a dictionary.
pub(super) fn entry(key: impl Into<String>, value: &str) -> Value {
    json!({"type": "DictionaryEntry", "key": key.into(), "value": value})
}

/// The integrity methods that follow from `hashes`.
pub(super) fn hashes(of: &[Value]) -> Vec<Value> {
    let all = of.iter().filter_map(|hash| {
        let algorithm = match crate::aibom::text(hash, "/alg") {
            "SHA-256" => "sha256",
            "SHA-384" => "sha384",
            "SHA-512" => "sha512",
            "SHA3-256" => "sha3_256",
            "SHA3-512" => "sha3_512",
            "BLAKE3" => "blake3",
            _ => return None,
        };
        let value = crate::aibom::text(hash, "/content");
        Some(json!({"type": "Hash", "algorithm": algorithm, "hashValue": value}))
    });
    all.collect()
}

/// The text when it is an address that every RDF reader takes as one.
pub(super) fn uri(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let plain = rest.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&b));
    (named && plain && !rest.is_empty()).then_some(text)
}

/// A text as part of an IRI: everything but letters, digits and `-._~` in percent encoding.
pub(crate) fn escaped(text: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
