//! Keras models: the strict reader's refusal as a hazard, and classes by name in any bytes.

mod names;

use std::io;

use crate::{Scan, Severity, rule::Rule, source::Source};

impl Scan<'_> {
    /// Holds a `.keras` file to the rules of `libs/model`.
    pub(crate) fn keras(&mut self, source: &mut Source<'_>) -> io::Result<()> {
        let whole = 0..source.length();
        let reader = Seekable { source: source.part(&whole), at: 0 };
        let refusal = match model::inspect(reader, &model::Limits::default()) {
            Ok(_) => return Ok(()),
            Err(model::Refusal::Read(error)) => return Err(error),
            Err(refusal) => refusal,
        };
        let (severity, rule) = match &refusal {
            model::Refusal::Hazard { hazard, .. } => of(*hazard),
            model::Refusal::Marker { .. }
            | model::Refusal::NotAllowed { .. }
            | model::Refusal::LegacyForm(_) => (Severity::High, Rule::KerasClass),
            model::Refusal::Asset(_) => (Severity::High, Rule::KerasFile),
            model::Refusal::Hdf5Feature { feature, .. } if feature.contains("external") => {
                (Severity::High, Rule::Hdf5External)
            }
            model::Refusal::Shape { .. } | model::Refusal::KerasVersion(_) => {
                (Severity::Medium, Rule::KerasStructure)
            }
            _ => (Severity::High, Rule::KerasStructure),
        };
        self.findings.add(severity, rule, "the model", &refusal.to_string());
        Ok(())
    }
}

/// How bad a class of a configuration is, and by which rule.
const fn of(hazard: model::Hazard) -> (Severity, Rule) {
    match hazard {
        model::Hazard::Code => (Severity::Critical, Rule::KerasCode),
        model::Hazard::Function | model::Hazard::Api | model::Hazard::TypeSpec => {
            (Severity::High, Rule::KerasFunction)
        }
        model::Hazard::VocabularyFile => (Severity::High, Rule::KerasFile),
        model::Hazard::ForeignRuntime => (Severity::High, Rule::KerasRuntime),
        model::Hazard::Hashing | model::Hazard::CustomClass => (Severity::High, Rule::KerasClass),
    }
}

/// A part of a file with `Read` and `Seek`, for the strict reader.
struct Seekable<'a> {
    source: Source<'a>,
    at: u64,
}

impl io::Read for Seekable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.source.peek(self.at, buffer.len())?;
        for (to, from) in buffer.iter_mut().zip(&bytes) {
            *to = *from;
        }
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}

impl io::Seek for Seekable<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let at = match to {
            io::SeekFrom::Start(at) => Some(at),
            io::SeekFrom::End(by) => self.source.length().checked_add_signed(by),
            io::SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
