//! TensorFlow's `saved_model.pb`: operators that read or write files, or call Python.

use std::io;

use crate::{Scan, Severity, onnx::first_number, protobuf, rule::Rule, source::Source};

/// Message kinds and the fields that lead on: SavedModel, MetaGraphDef, GraphDef, FunctionDefLibrary,
/// FunctionDef; the last are nodes.
const TREE: [&[(u64, usize)]; 6] =
    [&[(2, 1)], &[(2, 2)], &[(1, 5), (2, 3)], &[(1, 4)], &[(3, 5)], &[]];
const NODE: usize = 5;

#[rustfmt::skip]
const OPS: &[(&str, Severity, &str)] = &[
    ("WriteFile", Severity::High, "writes files"),
    ("ReadFile", Severity::High, "reads files"),
    ("MatchingFiles", Severity::Medium, "lists files"),
    ("PyFunc", Severity::Critical, "calls Python"),
    ("PyFuncStateless", Severity::Critical, "calls Python"),
    ("EagerPyFunc", Severity::Critical, "calls Python"),
    ("ShellExecute", Severity::Critical, "runs a program"),
    ("PrintV2", Severity::Medium, "can write to a file"),
    ("WholeFileReader", Severity::Medium, "reads files"),
    ("WholeFileReaderV2", Severity::Medium, "reads files"),
    ("TextLineDataset", Severity::Medium, "reads files"),
    ("TFRecordDataset", Severity::Medium, "reads files"),
    ("FixedLengthRecordDataset", Severity::Medium, "reads files"),
    ("DatasetFromGraph", Severity::Medium, "runs another graph"),
    ("SaveDatasetV2", Severity::High, "writes files"),
    ("ImmutableConst", Severity::Medium, "maps a file"),
    ("DebugNanCount", Severity::Medium, "sends values to an address"),
    ("DebugIdentity", Severity::Medium, "sends values to an address"),
    ("DebugNumericSummary", Severity::Medium, "sends values to an address"),
    ("RpcCall", Severity::High, "opens connections"),
    ("Rpc", Severity::High, "opens connections"),
    ("TryRpc", Severity::High, "opens connections"),
];

impl Scan<'_> {
    /// False when it is something else.
    pub(crate) fn saved_model(&mut self, source: &mut Source<'_>, name: &str) -> io::Result<bool> {
        if source.array::<2>(0)? != Some([8, 1]) {
            return Ok(false);
        }
        let whole = 0..source.length();
        let Some(model) = protobuf::fields(source, &whole, 64)? else { return Ok(false) };
        let mut others = model.iter().filter(|field| field.number != 1);
        let graphs = model.len() > 1 && others.all(|field| field.bytes(2).is_some());
        if first_number(&model, 1) != Some(1) || !(graphs || name.ends_with("saved_model.pb")) {
            return Ok(false);
        }
        let mut pending = vec![(0_usize, whole)];
        let mut left = self.limits.max_entries.saturating_mul(10);
        while let Some((kind, range)) = pending.pop() {
            left = left.saturating_sub(1);
            if left == 0 {
                self.findings.unread("the graph has too many nodes");
                break;
            }
            let Some(fields) = protobuf::fields(source, &range, 1_000_000)? else {
                self.findings.unread(format!("a part at byte {} cannot be read", range.start));
                continue;
            };
            if kind == NODE {
                self.node(source, &fields)?;
            }
            for field in fields.iter().rev() {
                for (number, child) in TREE.get(kind).copied().unwrap_or_default() {
                    if let Some(range) = field.bytes(*number) {
                        pending.push((*child, range));
                    }
                }
            }
        }
        Ok(true)
    }

    fn node(&mut self, source: &mut Source<'_>, node: &[protobuf::Field]) -> io::Result<()> {
        let Some(range) = node.iter().rev().find_map(|field| field.bytes(2)) else { return Ok(()) };
        let op = protobuf::text(source, &range)?;
        if let Some((op, severity, what)) = OPS.iter().find(|(known, ..)| *known == op) {
            let detail = format!("the operator {op} {what}");
            let place = format!("byte {}", range.start);
            self.findings.add(*severity, Rule::SavedModelOp, &place, &detail);
        }
        Ok(())
    }
}
