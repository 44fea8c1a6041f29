//! GGUF: the key-value part of the header, for chat templates, which are Jinja programs.

use std::io;

use crate::{
    Scan, Severity,
    rule::Rule,
    source::{Source, Stream},
};

const MAX_TEMPLATE_BYTES: usize = 1 << 20;
const MAX_PAIRS: u64 = 1_000_000;

impl Scan<'_> {
    pub(crate) fn gguf(&mut self, source: &mut Source<'_>) -> io::Result<()> {
        let length = source.length();
        let mut stream = source.stream(4);
        let read = match (stream.array::<4>()?, u64le(&mut stream)?, u64le(&mut stream)?) {
            (Some([1..=3, 0, 0, 0]), Some(tensors), Some(pairs))
                if tensors <= length && pairs <= length.min(MAX_PAIRS) =>
            {
                let mut read = Some(());
                for _ in 0..pairs {
                    read = self.pair(&mut stream)?;
                    if read.is_none() {
                        break;
                    }
                }
                read
            }
            _ => None,
        };
        if read.is_none() {
            let detail = "counts or lengths in the header do not fit into the file";
            self.findings.add(Severity::Medium, Rule::GgufHeader, "the header", detail);
            self.findings.unread("the header cannot be read to its end");
        }
        Ok(())
    }

    /// One key and value; `None` when they do not fit.
    fn pair(&mut self, stream: &mut Stream<'_, '_>) -> io::Result<Option<()>> {
        let Some(key) = string(stream, 256)? else { return Ok(None) };
        let Some(kind) = stream.array::<4>()?.map(u32::from_le_bytes) else { return Ok(None) };
        if kind != 8 || !key.starts_with(b"tokenizer.chat_template") {
            return value(stream, kind, 0);
        }
        let at = stream.at();
        let Some(template) = string(stream, MAX_TEMPLATE_BYTES)? else { return Ok(None) };
        let template = String::from_utf8_lossy(&template);
        let place = format!("byte {at}");
        const INTERNALS: &[&str] = &[
            "__class__",
            "__globals__",
            "__subclasses__",
            "__mro__",
            "__base",
            "__init__",
            "__builtins__",
            "__import__",
            "attr(",
            "popen",
            "os.system",
            "\\x5f",
            "\\u005f",
            "__getattribute__",
            "cycler.",
            "joiner.",
            "namespace.__",
            "lipsum",
        ];
        if let Some(found) = INTERNALS.iter().find(|mark| template.contains(**mark)) {
            let detail =
                format!("the chat template says {found:?}, with which it leaves its sandbox");
            self.findings.add(Severity::High, Rule::GgufTemplateCode, &place, &detail);
        } else if template.contains("{%") || template.contains("{{") {
            let detail = "the file carries a chat template, which the loader runs as a program";
            self.findings.add(Severity::Low, Rule::GgufTemplate, &place, detail);
        }
        Ok(Some(()))
    }
}

fn u64le(stream: &mut Stream<'_, '_>) -> io::Result<Option<u64>> {
    Ok(stream.array::<8>()?.map(u64::from_le_bytes))
}

/// The first bytes of a string.
fn string(stream: &mut Stream<'_, '_>, keep: usize) -> io::Result<Option<Vec<u8>>> {
    match u64le(stream)? {
        Some(length) => stream.take(length, keep),
        None => Ok(None),
    }
}

/// Passes over a value of this type.
fn value(stream: &mut Stream<'_, '_>, kind: u32, depth: u32) -> io::Result<Option<()>> {
    let width = match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        8 => return Ok(string(stream, 0)?.map(|_| ())),
        9 if depth < 4 => {
            let (Some(kind), Some(count)) =
                (stream.array::<4>()?.map(u32::from_le_bytes), u64le(stream)?)
            else {
                return Ok(None);
            };
            if count > stream.left() {
                return Ok(None);
            }
            for _ in 0..count {
                if value(stream, kind, depth + 1)?.is_none() {
                    return Ok(None);
                }
            }
            return Ok(Some(()));
        }
        _ => return Ok(None),
    };
    Ok(stream.skip(width).then_some(()))
}
