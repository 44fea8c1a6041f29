//! What a file is and what is dangerous in it, said without running anything.
//!
//! A file is known by its bytes, never by its name; the name is only compared with what was found.
//! Archives are walked, pickles are followed opcode by opcode with a simulated stack and memo, and
//! headers of models and arrays are read for what would make their loader run code, open another
//! file or fill the memory. Where a format is not understood, or a bound was met, the inspection
//! says so (`unread`): no hazard found in half a file is not a clean file.
//!
//! Pure: bytes come in through a reader, and nothing is unpacked to disk. Bounds: bytes read, bytes
//! inflated, depth, entries and hazards (`Limits`); no allocation takes its size from the file.
//! Not searched for: secrets in texts, and malware by its bytes.

mod budget;
mod compressed;
mod findings;
mod format;
mod gguf;
mod hdf5;
mod keras;
mod npy;
mod onnx;
mod pickle;
mod protobuf;
mod route;
mod rule;
mod safetensors;
mod saved_model;
mod source;
mod tar;
mod text;
mod zip;

use std::io::{self, Read, Seek};

pub use findings::{Hazard, MAX_HAZARDS, Severity};
pub use format::Format;
pub use rule::{RULES_VERSION, Rule};

use budget::Budget;
use findings::Findings;
use source::Source;

/// How much of a file is read, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes read of the file, counting a byte again each time that it is read.
    pub max_read_bytes: u64,
    /// Bytes inflated from one compressed entry and kept in memory; the rest is only counted.
    pub max_entry_bytes: u64,
    /// Bytes inflated in the whole inspection.
    pub max_inflated_bytes: u64,
    /// How many archives may stand around a file that is looked at.
    pub max_depth: u32,
    /// Entries of one archive, objects of one HDF5 file, nodes of one graph.
    pub max_entries: u32,
    /// Bytes that one pickle's stack and memo may take in memory.
    pub max_pickle_bytes: usize,
    /// Bytes of a JSON document or header that is parsed as a whole.
    pub max_json_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_read_bytes: 16 << 30,
            max_entry_bytes: 64 << 20,
            max_inflated_bytes: 1 << 30,
            max_depth: 4,
            max_entries: 100_000,
            max_pickle_bytes: 64 << 20,
            max_json_bytes: 8 << 20,
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// What the file is.
    pub format: Format,
    /// What is dangerous in it, most severe first; at most [`MAX_HAZARDS`].
    pub hazards: Vec<Hazard>,
    /// Why the file was not looked at to its end, or is not understood; the scan is incomplete then.
    pub unread: Option<String>,
}

impl Inspection {
    /// The hazards of at least this severity.
    pub fn at_least(&self, severity: Severity) -> impl Iterator<Item = &Hazard> {
        self.hazards.iter().filter(move |hazard| hazard.severity <= severity)
    }

    /// Why the file must not be used for a job, in one text: every hazard of severity high or
    /// critical. `None` when there is none.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let reasons: Vec<String> = self.at_least(Severity::High).map(Hazard::to_string).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

/// Only reading failed.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The reader failed.
    #[error("cannot read the file")]
    Read(#[source] io::Error),
}

/// The state of one inspection.
struct Scan<'l> {
    limits: &'l Limits,
    budget: Budget,
    findings: Findings,
    depth: u32,
}

/// Says what the file is and what is dangerous in it; `name` is what it is called, as its last path
/// component.
///
/// # Errors
/// Only if the reader fails. Whatever the bytes are, the answer is an [`Inspection`].
pub fn inspect(
    name: &str,
    mut file: impl Read + Seek,
    limits: &Limits,
) -> Result<Inspection, InspectError> {
    let length = file.seek(io::SeekFrom::End(0)).map_err(InspectError::Read)?;
    // Each pass over a file is linear; what needs more passes than this was made to.
    let reads = length.saturating_mul(8).saturating_add(64 << 20).min(limits.max_read_bytes);
    let budget = Budget::new(reads, limits.max_inflated_bytes);
    let mut scan = Scan { limits, budget: budget.clone(), findings: Findings::default(), depth: 0 };
    let mut source = Source::new(&mut file, length, budget);
    let format = match scan.file(name, &mut source) {
        Ok(format) => format,
        Err(error) if source::is_spent(&error) => {
            scan.findings.unread(format!("reading stopped after {reads} bytes: {error}"));
            Format::Unknown
        }
        Err(error) => return Err(InspectError::Read(error)),
    };
    let (hazards, unread) = scan.findings.finish();
    Ok(Inspection { format, hazards, unread })
}
