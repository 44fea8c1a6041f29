//! Where two documents part: the byte, and the JSON pointer (RFC 6901) when both parse.

use serde_json::Value;

/// Says for people where `got` first differs from `expected`.
pub(crate) fn first_difference(got: &[u8], expected: &[u8]) -> String {
    let same = got.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let at = if same == got.len() && same == expected.len() {
        return "no difference".to_owned();
    } else if same == got.len() {
        format!("it ends at byte {same} of {}", expected.len())
    } else {
        format!("first difference at byte {same}")
    };
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    match (parse(got), parse(expected)) {
        (Some(got), Some(expected)) => match pointer(&got, &expected) {
            Some(pointer) => format!("{at}, at {pointer:?}"),
            None => format!("{at}, in the spelling only"),
        },
        (None, _) => format!("{at}, and it is not JSON"),
        (_, None) => at,
    }
}

/// The pointer to the first place in document order where the values differ.
fn pointer(got: &Value, expected: &Value) -> Option<String> {
    let step = |key: &str, rest: String| {
        let key = key.replace('~', "~0").replace('/', "~1");
        let key: String = key.chars().take(128).collect();
        format!("/{key}{rest}")
    };
    match (got, expected) {
        (Value::Object(a), Value::Object(b)) => {
            let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().find_map(|name| match (a.get(name), b.get(name)) {
                (Some(a), Some(b)) => pointer(a, b).map(|rest| step(name, rest)),
                _ => Some(step(name, String::new())),
            })
        }
        (Value::Array(a), Value::Array(b)) => {
            let inner = a.iter().zip(b).enumerate().find_map(|(index, (a, b))| {
                pointer(a, b).map(|rest| step(&index.to_string(), rest))
            });
            let shorter = a.len().min(b.len()).to_string();
            inner.or_else(|| (a.len() != b.len()).then(|| step(&shorter, String::new())))
        }
        _ => (got != expected).then(String::new),
    }
}
