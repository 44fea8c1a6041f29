//! One pass over all bytes: object headers by their signature, and external links by their form.

use std::io;

use super::Walk;
use model::Fields;

use crate::{Scan, Severity, rule::Rule, source::Source};

const STEP: usize = 1 << 20;
const OVERLAP: usize = 8 << 10;

impl Scan<'_> {
    pub(super) fn hdf5_bytes(
        &mut self,
        source: &mut Source<'_>,
        walk: &mut Walk,
    ) -> io::Result<()> {
        let mut at = 0;
        loop {
            let bytes = source.peek(at, STEP)?;
            for (index, window) in bytes.windows(4).enumerate() {
                let place = at + index as u64;
                if window == b"OHDR" {
                    if let Some(address) = place.checked_sub(walk.base) {
                        walk.reach(address, format!("object at byte {place}"));
                    }
                } else if let [1, flags, 64, _] = window
                    && flags & 0xE8 == 8
                    && let Some(link) = external(bytes.get(index..).unwrap_or_default())
                {
                    let detail = format!("a link leads to {:?} of the file {:?}", link.1, link.0);
                    let place = format!("byte {place}");
                    self.findings.add(Severity::High, Rule::Hdf5External, &place, &detail);
                }
            }
            if bytes.len() < STEP {
                return Ok(());
            }
            at += (STEP - OVERLAP) as u64;
        }
    }
}

/// File and object of an external link message.
fn external(bytes: &[u8]) -> Option<(String, String)> {
    match super::header::link(bytes)? {
        super::header::Link::External { file, object, .. } => Some((file, object)),
        super::header::Link::Hard { .. } | super::header::Link::Soft { .. } => None,
    }
}

/// File and object of an external link's value.
pub(super) fn external_value(bytes: &[u8]) -> Option<(String, String)> {
    let mut fields = Fields(bytes);
    if fields.u8()? != 0 {
        return None;
    }
    let mut parts = fields.0.split(|byte| *byte == 0);
    let mut text = || {
        let text = std::str::from_utf8(parts.next()?).ok()?;
        (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
    };
    Some((text()?, text()?))
}
