//! safetensors: a header of JSON, bounded, whose offsets must lie in the file without sharing bytes.

use std::io;

use serde_json::Value;

use crate::{Scan, Severity, rule::Rule, source::Source};

/// As the format's own library allows.
const MAX_HEADER_BYTES: u64 = 100_000_000;

impl Scan<'_> {
    /// False when it is something else.
    pub(crate) fn safetensors(&mut self, source: &mut Source<'_>, name: &str) -> io::Result<bool> {
        let Some(head) = source.array::<9>(0)? else { return Ok(false) };
        let [a, b, c, d, e, f, g, h, brace] = head;
        let length = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let named = name.ends_with(".safetensors");
        if brace != b'{' || (length > source.length() && !named) {
            return Ok(false);
        }
        if length > MAX_HEADER_BYTES || length > source.length().saturating_sub(8) {
            self.bad_header(
                Severity::High,
                "its header is longer than the file, or than is allowed",
            );
            return Ok(true);
        }
        let Some(header) = source.exact(8, length, self.limits.max_json_bytes)? else {
            self.findings.unread("the header is larger than is read");
            return Ok(true);
        };
        let Ok(Value::Object(tensors)) = serde_json::from_slice::<Value>(&header) else {
            if named {
                self.bad_header(Severity::High, "its header is no JSON object");
            }
            return Ok(named);
        };
        let data = source.length() - 8 - length;
        let mut ranges = Vec::new();
        for (name, tensor) in tensors.iter().filter(|(name, _)| *name != "__metadata__") {
            let Some(range) = offsets(tensor) else {
                let detail = format!("{name}: a tensor without a shape, a type and two offsets");
                self.bad_header(Severity::Medium, &detail);
                continue;
            };
            ranges.push(range);
        }
        ranges.sort_unstable();
        let mut end = 0;
        for (start, stop) in ranges {
            if start != end || stop < start {
                self.bad_header(Severity::High, "tensors share bytes, or leave some out");
                break;
            }
            end = stop;
        }
        if end != data {
            self.bad_header(Severity::High, "the tensors end before or behind the file's end");
        }
        Ok(true)
    }

    fn bad_header(&mut self, severity: Severity, detail: &str) {
        self.findings.add(severity, Rule::SafetensorsHeader, "the header", detail);
    }
}

fn offsets(tensor: &Value) -> Option<(u64, u64)> {
    tensor.get("dtype")?.as_str()?;
    let shape = tensor.get("shape")?.as_array()?;
    shape.iter().try_fold(1_u64, |product, size| product.checked_mul(size.as_u64()?))?;
    match tensor.get("data_offsets")?.as_array()?.as_slice() {
        [start, end] => Some((start.as_u64()?, end.as_u64()?)),
        _ => None,
    }
}
