//! HDF5, far enough to see what libhdf5 would follow: external files, links, virtual datasets and
//! filters (HDF5 File Format Specification 3.0).
//!
//! Objects are reached in two ways: from the root through groups of both kinds, and by the signature
//! of newer object headers anywhere in the file, so that dense groups need no reading of their heap.

mod bytes;
mod groups;
mod header;

use std::{collections::HashSet, io};

use model::Fields;

use crate::{Scan, Severity, rule::Rule, source::Source};

const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";
const UNDEFINED: u64 = u64::MAX;

/// The file being walked.
struct Walk {
    /// Where addresses count from.
    base: u64,
    seen: HashSet<u64>,
    pending: Vec<(u64, String)>,
}

impl Walk {
    fn reach(&mut self, address: u64, path: String) {
        if address != UNDEFINED && self.seen.insert(address) {
            self.pending.push((address, path));
        }
    }
}

impl Scan<'_> {
    /// Looks at the HDF5 file that begins at `at`.
    pub(crate) fn hdf5(&mut self, source: &mut Source<'_>, at: u64) -> io::Result<()> {
        let mut walk = Walk { base: at, seen: HashSet::new(), pending: Vec::new() };
        if !self.superblock(source, at, &mut walk)? {
            let detail = "the superblock is not one that libhdf5 writes";
            self.findings.add(Severity::Medium, Rule::Hdf5Broken, &format!("byte {at}"), detail);
            self.findings.unread("the superblock is not understood");
        }
        self.hdf5_bytes(source, &mut walk)?;
        let mut left = self.limits.max_entries;
        while let Some((address, path)) = walk.pending.pop() {
            let Some(rest) = left.checked_sub(1) else {
                self.findings.unread("the file has too many objects");
                break;
            };
            left = rest;
            if !self.hdf5_object(source, address, &path, &mut walk)? {
                let place = format!("byte {}", walk.base.saturating_add(address));
                let detail = "an object cannot be read";
                self.findings.add(Severity::Low, Rule::Hdf5Broken, &place, detail);
                self.findings.unread("an object of the file cannot be read");
            }
        }
        self.keras_names(source)
    }

    /// Finds the root; false when this is no superblock of addresses of 8 bytes.
    fn superblock(
        &mut self,
        source: &mut Source<'_>,
        at: u64,
        walk: &mut Walk,
    ) -> io::Result<bool> {
        let head = source.peek(at, 128)?;
        let mut fields = Fields(&head);
        let root = (|| {
            if fields.take(8)? != SIGNATURE {
                return None;
            }
            match fields.u8()? {
                version @ (0 | 1) => {
                    fields.take(4)?;
                    if (fields.u8()?, fields.u8()?) != (8, 8) {
                        return None;
                    }
                    fields.take(if version == 1 { 13 } else { 9 })?;
                    let (base, _free, _end, driver) =
                        (fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?);
                    let (_name, root) = (fields.u64()?, fields.u64()?);
                    Some((base, driver, root))
                }
                2 | 3 => {
                    if (fields.u8()?, fields.u8()?) != (8, 8) {
                        return None;
                    }
                    fields.u8()?;
                    let (base, extension, _end, root) =
                        (fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?);
                    if extension != UNDEFINED {
                        walk.reach(extension, "/".to_owned());
                    }
                    Some((base, UNDEFINED, root))
                }
                _ => None,
            }
        })();
        let Some((base, driver, root)) = root else { return Ok(false) };
        if driver != UNDEFINED {
            let detail = "a driver block spreads the file over other files";
            self.findings.add(Severity::High, Rule::Hdf5External, &format!("byte {at}"), detail);
        }
        if base != at && base != 0 {
            walk.base = base;
        }
        walk.reach(root, "/".to_owned());
        Ok(true)
    }
}
