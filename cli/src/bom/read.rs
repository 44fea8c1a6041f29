//! The AIBoM behind a path: in a bundle, in a fetched directory, or in a file of its own.

use std::path::Path;

use envelope::{Envelope, MAX_ENVELOPE_BYTES, Statement};
use ids::Sha256Digest;
use report::Aibom;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::{
    failure::Failure,
    fetch::layout::AIBOM_FILE,
    profile::read_bounded,
    terminal::{Style, Terminal, clean},
    verify::BUNDLE_FILE,
};

/// An AIBoM, and whether a signature stands beside it.
#[derive(Debug)]
pub(crate) struct Read {
    /// The exact bytes.
    pub(crate) aibom: Vec<u8>,
    /// Whether it came in a bundle with a statement about these bytes; nobody verified it.
    pub(crate) signed: bool,
    /// The bundle that it came in, as it was read; none when the AIBoM stood alone.
    pub(crate) bundle: Option<Vec<u8>>,
}

impl Read {
    /// The AIBoM as a reader of CycloneDX finds it.
    pub(crate) fn document(&self, path: &Path) -> Result<Aibom, Failure> {
        Aibom::parse(&self.aibom).map_err(|error| {
            Failure::cannot(format_args!("the AIBoM of {} cannot be read", path.display()))
                .caused_by(&error)
                .remedy("name a CycloneDX document of version 1.6 or 1.7, in JSON")
        })
    }
}

/// Tells people that what they read is only what somebody says.
pub(crate) fn tell_unverified(terminal: &Terminal, paths: &[&Path]) {
    for path in paths {
        let shown = clean(&path.display().to_string());
        let note = format!("not verified here: aibom verify {shown} --trust-root FILE");
        terminal.say(terminal.paint(Style::Dim, note));
    }
}

/// Whether an envelope holds a statement whose subject is these bytes.
fn is_about(attestation: &[u8], aibom: &[u8]) -> bool {
    let Ok(envelope) = Envelope::parse(attestation, MAX_ENVELOPE_BYTES) else { return false };
    let statement = serde_json::from_slice::<Statement<IgnoredAny>>(envelope.unverified_payload());
    let digest = Some(Sha256Digest::of(aibom));
    statement.is_ok_and(|statement| statement.subject.iter().any(|s| s.sha256_digest() == digest))
}

/// Reads it.
pub(crate) fn read(path: &Path) -> Result<Read, Failure> {
    let file = if path.is_dir() { path.join(BUNDLE_FILE) } else { path.to_owned() };
    let bytes = read_bounded(&file, bundle::MAX_BUNDLE_BYTES as u64 + 1)?;
    match bundle::Bundle::parse(&bytes) {
        Ok(bundle) => {
            let signed = is_about(&bundle.attestation, &bundle.aibom);
            Ok(Read { aibom: bundle.aibom, signed, bundle: Some(bytes) })
        }
        Err(error) => {
            let is_aibom = serde_json::from_slice::<Value>(&bytes)
                .is_ok_and(|value| value.get("bomFormat").is_some());
            if is_aibom {
                return Ok(Read { aibom: bytes, signed: false, bundle: None });
            }
            Err(Failure::cannot(format_args!("{} is no bundle", file.display()))
                .caused_by(&error)
                .remedy(format_args!(
                    "name a {BUNDLE_FILE}, a fetched directory, or an {AIBOM_FILE}"
                )))
        }
    }
}
