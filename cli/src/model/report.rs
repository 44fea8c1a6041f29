//! What a verification of a model found, for people and for programs.

use oms::Differences;
use serde::Serialize;

use super::walk::{Unusable, Walk};
use crate::{
    failure::{Exit, Failure},
    terminal::{Style, Terminal, clean, size},
};

/// How many names a line for people holds; JSON holds them all.
const SHOWN_NAMES: usize = 10;

/// One check.
#[derive(Debug, Clone, Serialize)]
struct Check {
    name: &'static str,
    passed: bool,
    detail: String,
}

/// Every check, and the files that are not as they were signed.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Whether every check held.
    verified: bool,
    /// The model's name; nothing vouches for it unless `verified`.
    pub(super) model: Option<String>,
    /// The key's id, or the certificate's subject.
    pub(super) signer: Option<String>,
    /// How many signed files were read.
    pub(super) files: usize,
    /// Their length together.
    pub(super) bytes: u64,
    checks: Vec<Check>,
    missing: Vec<String>,
    changed: Vec<String>,
    unknown: Vec<String>,
    ignored: Vec<String>,
    unusable: Vec<Unusable>,
    notes: Vec<String>,
}

impl Report {
    /// Adds a check.
    pub(super) fn record(&mut self, name: &'static str, outcome: Result<String, String>) {
        let passed = outcome.is_ok();
        self.verified = passed && self.checks.iter().all(|check| check.passed);
        let detail = outcome.unwrap_or_else(|detail| detail);
        self.checks.push(Check { name, passed, detail });
    }

    /// Adds what the comparison found. `left_out` was neither signed nor allowed to be left out.
    pub(super) fn compared(
        &mut self,
        differences: Differences,
        found: Walk,
        left_out: Vec<String>,
        allow_unsigned: bool,
    ) {
        let none = |what: &str, names: &[String]| match names.len() {
            0 => Ok("none".to_owned()),
            count => Err(format!("{count} {what}: {}", some_of(names))),
        };
        let Differences { missing, changed, unknown } = differences;
        let unusable: Vec<_> =
            found.unusable.iter().map(|one| format!("{} ({})", one.path, one.why)).collect();
        self.record("files.missing", none("signed and not there", &missing));
        self.record("files.changed", none("not as they were signed", &changed));
        let unsigned = none("not signed", &unknown);
        let ignored = none("that the signer left out (see --allow-ignored)", &left_out);
        if allow_unsigned {
            self.notes.extend(unsigned.err().into_iter().chain(ignored.err()));
        } else {
            self.record("files.unknown", unsigned);
            self.record("files.ignored", ignored);
        }
        self.record("files.unusable", none("that no signature covers", &unusable));
        if !found.ignored.is_empty() {
            self.notes.push(format!("not looked at: {}", some_of(&found.ignored)));
        }
        self.ignored = left_out.into_iter().chain(found.ignored).collect();
        (self.missing, self.changed, self.unknown) = (missing, changed, unknown);
        self.unusable = found.unusable;
    }

    /// The exit code that goes with it.
    pub(super) const fn exit(&self) -> Exit {
        if self.verified { Exit::Done } else { Exit::Refused }
    }

    /// Prints every check with its reason, and the verdict last.
    pub(super) fn print(&self, terminal: &Terminal) -> Result<(), Failure> {
        if terminal.is_json() {
            return terminal.json(self);
        }
        for Check { name, passed, detail } in &self.checks {
            let (style, mark) = if *passed { (Style::Good, "✓") } else { (Style::Bad, "✗") };
            let mark = terminal.paint(style, mark);
            let style = if *passed { Style::Dim } else { Style::Bad };
            let detail = terminal.paint(style, clean(detail));
            terminal.line(format_args!("{mark} {name:16}  {detail}"))?;
        }
        for note in &self.notes {
            let word = terminal.paint(Style::Warn, "warning:");
            terminal.line(format_args!("{word} {}", clean(note)))?;
        }
        let (files, bytes) = (self.files, size(self.bytes));
        let (model, signer) = (self.model.as_deref(), self.signer.as_deref());
        let (model, signer) = (clean(model.unwrap_or("")), clean(signer.unwrap_or("")));
        if self.verified {
            let word = terminal.paint(Style::Good, "VERIFIED");
            return terminal
                .line(format_args!("{word}  {model}, {files} files, {bytes}, signed by {signer}"));
        }
        let failed = self.checks.iter().filter(|check| !check.passed).map(|check| check.name);
        let failed: Vec<_> = failed.collect();
        let word = terminal.paint(Style::Bad, "REFUSED");
        terminal.line(format_args!("{word}  {}", failed.join(", ")))
    }
}

/// The first names of a list, for people.
pub(super) fn some_of(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(SHOWN_NAMES).map(|name| clean(name)).collect();
    let more = names.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
