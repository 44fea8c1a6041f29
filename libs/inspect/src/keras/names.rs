//! `"class_name": "Lambda"` in any bytes: JSON files, attributes of HDF5, and what is no valid JSON.
//!
//! Python's parser takes what stricter ones refuse (`NaN`, lone surrogates, keys twice), so nothing
//! is parsed as a whole: each key that matters is found on its own, however its letters are escaped.

use std::io;

use super::of;
use crate::{MAX_HAZARDS, Scan, Severity, rule::Rule, source::Source};

const STEP: usize = 1 << 20;
/// Windows overlap by what a key, the space behind it and its value take.
const OVERLAP: usize = 16 << 10;
const MAX_STRING: usize = 512;
const MAX_SPACE: usize = 8 << 10;
/// Packages whose modules a configuration of Keras names.
const OWN: &[&str] =
    &["keras", "builtins", "tensorflow.keras", "tf_keras", "tensorflow.python.keras"];

impl Scan<'_> {
    /// Looks through all bytes.
    pub(crate) fn keras_names(&mut self, source: &mut Source<'_>) -> io::Result<()> {
        let (mut at, mut names) = (0, Names::default());
        loop {
            let bytes = source.peek(at, STEP)?;
            self.names_in(&bytes, at, &mut names);
            if bytes.len() < STEP {
                return Ok(());
            }
            at += (STEP - OVERLAP) as u64;
        }
    }

    fn names_in(&mut self, bytes: &[u8], base: u64, names: &mut Names) {
        for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'"') {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some((key, rest)) = string(rest) else { continue };
            if !matches!(key.as_str(), "class_name" | "registered_name" | "module") {
                continue;
            }
            let place = format!("byte {}", base + at as u64);
            let value = value(rest);
            if matches!(value, Value::Hidden) {
                let detail = "a class's name stands far behind its key, out of sight";
                self.findings.add(Severity::High, Rule::KerasClass, &place, detail);
            }
            let Value::Text(value) = value else { continue };
            if key == "module" {
                if !own(&value) && names.modules.len() < MAX_HAZARDS {
                    names.modules.push((value, place));
                }
                continue;
            }
            names.classes = true;
            // A name in a package of its own, such as `pkg>Lambda`.
            let last = value.rsplit('>').next().unwrap_or(&value);
            if let Some(hazard) = model::hazard_of(last) {
                let (severity, rule) = of(hazard);
                let detail = format!("{value:?}: {}", hazard.reason());
                self.findings.add(severity, rule, &place, &detail);
            }
        }
        if names.classes {
            for (module, place) in names.modules.drain(..) {
                let detail = format!("a class is looked up in the Python module {module:?}");
                self.findings.add(Severity::High, Rule::KerasFunction, &place, &detail);
            }
        }
    }
}

/// What was met so far: a class may stand any distance away from its module.
#[derive(Default)]
struct Names {
    /// Modules of others, with their places, of which no class was met yet.
    modules: Vec<(String, String)>,
    classes: bool,
}

fn own(module: &str) -> bool {
    OWN.iter().any(|package| {
        module.strip_prefix(*package).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// What stands behind a key.
enum Value {
    Text(String),
    Other,
    /// More space than anybody writes.
    Hidden,
}

fn value(rest: &[u8]) -> Value {
    let trimmed = rest.trim_ascii_start();
    let Some(behind) = trimmed.strip_prefix(b":") else {
        return if rest.len() - trimmed.len() > MAX_SPACE { Value::Hidden } else { Value::Other };
    };
    let text = behind.trim_ascii_start();
    if rest.len() - text.len() > MAX_SPACE {
        return Value::Hidden;
    }
    string(text).map_or(Value::Other, |(text, _)| Value::Text(text))
}

/// A JSON string from its opening quote, with its escapes resolved, and what is behind it.
fn string(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut rest = bytes.strip_prefix(b"\"")?;
    let mut text = Vec::new();
    while text.len() < MAX_STRING {
        let (&byte, tail) = rest.split_first()?;
        rest = tail;
        match byte {
            b'"' => return Some((String::from_utf8_lossy(&text).into_owned(), rest)),
            b'\\' => {
                let (&kind, tail) = rest.split_first()?;
                rest = tail;
                if kind == b'u' {
                    let (digits, tail) = rest.split_at_checked(4)?;
                    rest = tail;
                    let digits = std::str::from_utf8(digits).ok()?;
                    let code = u32::from_str_radix(digits, 16).ok()?;
                    let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                    text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                } else {
                    text.push(kind);
                }
            }
            0..0x20 => return None,
            byte => text.push(byte),
        }
    }
    None
}
