//! Plain YAML as an ordered tree: no anchors, aliases, tags or repeated keys; depth bounded.

use std::{collections::HashSet, fmt};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::DefinitionError;

/// What repeated keys are told apart by in the YAML reader's error text.
const REPEATED: &str = "repeated key: ";

/// A YAML value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// Parses one document.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, DefinitionError> {
    let text = std::str::from_utf8(bytes).map_err(|e| DefinitionError::Yaml(e.to_string()))?;
    if let Some(line) = first_indirection(text) {
        return Err(DefinitionError::Indirection { line });
    }
    serde_norway::from_str(text).map_err(|error| {
        let text = error.to_string();
        match text.split_once(REPEATED).and_then(|(_, rest)| rest.split_once('\0')) {
            Some((key, _)) => DefinitionError::Repeated(key.to_owned()),
            None => DefinitionError::Yaml(text),
        }
    })
}

/// The line of the first token that starts with `&`, `*` or `!`, which plain text cannot.
///
/// Errs on the side of finding one: `a, *b` as an unquoted name counts.
fn first_indirection(text: &str) -> Option<usize> {
    text.lines().enumerate().find(|(_, line)| has_indirection(line)).map(|(i, _)| i + 1)
}

/// One line; quoted text is skipped up to its end or, when it goes on, to the end of the line.
fn has_indirection(line: &str) -> bool {
    let mut token_start = true;
    let mut before = ' ';
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '&' | '*' | '!' if token_start => return true,
            '#' if before.is_whitespace() => return false,
            '"' if token_start => {
                let mut escaped = false;
                let _ = chars.find(|c| {
                    let end = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    end
                });
                token_start = false;
            }
            '\'' if token_start => {
                // A doubled quote inside closes and reopens; the reopened part starts no token.
                let _ = chars.find(|c| *c == '\'');
                token_start = chars.as_str().starts_with('\'');
            }
            ' ' | '\t' => token_start |= matches!(before, ':' | '-' | '?'),
            '[' | '{' | ',' => token_start = true,
            _ => token_start = false,
        }
        before = c;
    }
    false
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("plain YAML")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    /// The empty document.
    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Node, E> {
        i64::try_from(value).map(Node::Integer).map_err(|_| E::custom("a number above 2^63 - 1"))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let (mut entries, mut seen) = (Vec::new(), HashSet::new());
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format_args!("{REPEATED}{key}\0")));
            }
            entries.push((key, map.next_value()?));
        }
        Ok(Node::Map(entries))
    }
}
