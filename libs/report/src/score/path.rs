//! Paths of the table: JSON pointers whose tokens can ask for several items of a list.
//!
//! In an object a token is a name, or several with `|` between them: the first that leads on. In
//! a list it is `*` (every item), `+` (at least one item), `<name>=<value>|…` (every item with one
//! of these values), `<name>^<beginning>` (… with a value that begins so), or `<name>%<part>|…`
//! (… with a part of these, in any case). `~1` stands for `/`.

use serde_json::Value;

/// The most items of a list that are shown.
const MAX_ITEMS: usize = 8;

/// A value that a path leads to.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// Where it is in the document.
    pub pointer: String,
    /// It; not empty.
    pub value: &'a Value,
}

/// All that a path asks of `root`, which is at `pointer`; none when any of it is missing.
pub(super) fn find<'a>(pointer: &str, root: &'a Value, path: &str) -> Option<Vec<Found<'a>>> {
    let mut walk = Walk { pointer: pointer.to_owned(), found: Vec::new() };
    walk.all(root, Some(path)).then_some(walk.found)
}

struct Walk<'a> {
    pointer: String,
    found: Vec<Found<'a>>,
}

impl<'a> Walk<'a> {
    /// Whether everything that `path` asks of `value` is there. As deep as the path is long.
    fn all(&mut self, value: &'a Value, path: Option<&str>) -> bool {
        let Some(path) = path else {
            let filled = is_filled(value);
            if filled {
                self.found.push(Found { pointer: self.pointer.clone(), value });
            }
            return filled;
        };
        let (token, rest) = match path.split_once('/') {
            Some((token, rest)) => (token, Some(rest)),
            None => (path, None),
        };
        match value {
            Value::Object(members) => token.split('|').any(|name| {
                let member = members.get(name);
                member.is_some_and(|member| self.below(name, member, rest))
            }),
            Value::Array(items) => self.items(items, token, rest),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }

    fn items(&mut self, items: &'a [Value], token: &str, rest: Option<&str>) -> bool {
        let mut items = items.iter().enumerate();
        if token == "+" {
            return items.any(|(index, item)| self.below(&index.to_string(), item, rest));
        }
        let before = self.found.len();
        let mut asked = items.filter(|(_, item)| token == "*" || is_chosen(item, token));
        let complete = asked.all(|(index, item)| self.below(&index.to_string(), item, rest));
        if !complete {
            self.found.truncate(before);
        }
        complete && self.found.len() > before
    }

    fn below(&mut self, name: &str, value: &'a Value, rest: Option<&str>) -> bool {
        let (length, before) = (self.pointer.len(), self.found.len());
        self.pointer.push('/');
        self.pointer.push_str(name);
        let all = self.all(value, rest);
        self.pointer.truncate(length);
        if !all {
            self.found.truncate(before);
        }
        all
    }
}

fn is_chosen(item: &Value, token: &str) -> bool {
    let Some((name, wanted)) = token.split_once(['=', '^', '%']) else { return false };
    let has = item.get(name).and_then(Value::as_str).unwrap_or_default();
    let operator = token.get(name.len()..=name.len());
    let wanted = wanted.replace("~1", "/");
    wanted.split('|').any(|wanted| match operator {
        Some("=") => has == wanted,
        Some("^") => has.starts_with(wanted),
        _ => has.to_lowercase().contains(wanted),
    })
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !matches!(text.trim(), "" | "NOASSERTION"),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// What is shown of a value: text, or the member that names it.
pub(super) fn shown(value: &Value) -> String {
    const NAMES: [&str; 8] =
        ["license", "expression", "id", "name", "ref", "content", "url", "description"];
    let mut value = value;
    for _ in 0..4 {
        let named = NAMES.iter().find_map(|name| value.get(name));
        match (value, named) {
            (Value::String(text), _) => return text.clone(),
            (_, Some(member)) => value = member,
            (_, None) => break,
        }
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let texts = items.iter().take(MAX_ITEMS).filter_map(Value::as_str);
            texts.collect::<Vec<_>>().join(", ")
        }
        Value::Object(members) => format!("{} members", members.len()),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain.to_string(),
    }
}
