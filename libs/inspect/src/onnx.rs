//! ONNX models: where external weights are read from, and operators that need a library.

use std::{io, ops::Range};

use crate::{
    Scan, Severity,
    protobuf::{self, Wire},
    rule::Rule,
    source::Source,
    zip::path,
};

/// What a message is; the tree of an ONNX model as far as it leads to tensors.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    Function,
    Pair,
}

/// Field numbers of `onnx.proto3` that lead on.
const fn children(kind: Kind) -> &'static [(u64, Kind)] {
    match kind {
        Kind::Model => &[(7, Kind::Graph), (25, Kind::Function)],
        Kind::Graph => &[(1, Kind::Node), (5, Kind::Tensor), (15, Kind::Sparse)],
        Kind::Node => &[(5, Kind::Attribute)],
        Kind::Function => &[(7, Kind::Node), (11, Kind::Attribute)],
        Kind::Attribute => &[
            (5, Kind::Tensor),
            (6, Kind::Graph),
            (10, Kind::Tensor),
            (11, Kind::Graph),
            (22, Kind::Sparse),
            (23, Kind::Sparse),
        ],
        Kind::Sparse => &[(1, Kind::Tensor), (2, Kind::Tensor)],
        Kind::Tensor => &[(13, Kind::Pair)],
        Kind::Pair => &[],
    }
}

impl Scan<'_> {
    /// False when it is something else.
    pub(crate) fn onnx(&mut self, source: &mut Source<'_>, name: &str) -> io::Result<bool> {
        let named = name.ends_with(".onnx");
        if source.array::<1>(0)? != Some([8]) && !named {
            return Ok(false);
        }
        let whole = 0..source.length();
        let Some(model) = protobuf::fields(source, &whole, 4096)? else { return Ok(false) };
        let has = |number| model.iter().any(|field| field.number == number);
        if !(has(7) && (has(8) || named)) {
            return Ok(false);
        }
        let mut pending = vec![(Kind::Model, whole, 0_u32)];
        let mut left = self.limits.max_entries.saturating_mul(10);
        while let Some((kind, range, depth)) = pending.pop() {
            left = left.saturating_sub(1);
            if left == 0 || depth > 64 {
                self.findings.unread("the graph has too many parts");
                break;
            }
            let Some(fields) = protobuf::fields(source, &range, self.limits.max_entries)? else {
                self.findings.unread(format!("a part at byte {} cannot be read", range.start));
                continue;
            };
            match kind {
                Kind::Node => self.operator(source, &fields)?,
                Kind::Pair => self.external(source, &fields)?,
                _ => {}
            }
            for field in fields.iter().rev() {
                for (number, child) in children(kind) {
                    if let Some(range) = field.bytes(*number) {
                        pending.push((*child, range, depth + 1));
                    }
                }
            }
        }
        Ok(true)
    }

    /// A key and value of a tensor's external data.
    fn external(&mut self, source: &mut Source<'_>, pair: &[protobuf::Field]) -> io::Result<()> {
        let range = |number| pair.iter().find_map(|field| field.bytes(number));
        let (Some(key), Some(value)) = (range(1), range(2)) else { return Ok(()) };
        if protobuf::text(source, &key)? != "location" {
            return Ok(());
        }
        let location = protobuf::text(source, &value)?;
        let place = format!("byte {}", value.start);
        let shown: String = location.chars().take(120).collect();
        match path::leaves(&location) {
            Some(why) => {
                let detail = format!("weights are read from {shown:?}, a name that {why}");
                self.findings.add(Severity::High, Rule::OnnxExternal, &place, &detail);
            }
            None => {
                let detail = format!("weights are read from {shown:?}, which is not in this file");
                self.findings.add(Severity::Low, Rule::OnnxSidecar, &place, &detail);
            }
        }
        Ok(())
    }

    fn operator(&mut self, source: &mut Source<'_>, node: &[protobuf::Field]) -> io::Result<()> {
        let named = |number| node.iter().rev().find_map(|field| field.bytes(number));
        let Some(Range { start, end }) = named(7) else { return Ok(()) };
        let domain = protobuf::text(source, &(start..end))?;
        if matches!(domain.as_str(), "" | "ai.onnx" | "ai.onnx.ml" | "ai.onnx.preview.training") {
            return Ok(());
        }
        let (severity, why) = match domain.as_str() {
            "ai.onnx.contrib" => (Severity::Medium, "that are Python functions or string tools"),
            _ => (Severity::Low, "that are not ONNX's own"),
        };
        let detail = format!("operators of the domain {domain:?} are needed, {why}");
        self.findings.add(severity, Rule::OnnxCustomOp, "the graph", &detail);
        Ok(())
    }
}

/// Whether the message's first field is this number.
pub(crate) fn first_number(fields: &[protobuf::Field], number: u64) -> Option<u64> {
    fields.iter().find(|field| field.number == number).and_then(|field| match field.value {
        Wire::Number(value) => Some(value),
        Wire::Bytes(_) => None,
    })
}
