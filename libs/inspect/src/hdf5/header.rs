//! Object headers of both versions, and the messages that reach outside (section IV.A).

use std::io;

use super::Walk;
use model::Fields;

use crate::{Scan, Severity, rule::Rule, source::Source};

const MAX_BLOCK_BYTES: u64 = 4 << 20;
const MAX_BLOCKS: usize = 1_024;

/// What the messages of one object say.
#[derive(Default)]
struct Object {
    group: Option<(u64, u64)>,
    elements: Option<u64>,
    width: Option<u64>,
    blocks: Vec<(u64, u64)>,
}

/// How messages are framed.
#[derive(Clone, Copy)]
enum Frame {
    /// Version 1: type, size, flags and reserved bytes.
    Old,
    /// Version 2, perhaps with a creation order.
    New { ordered: bool },
}

/// A link message.
pub(super) enum Link {
    Hard { name: String, address: u64 },
    Soft { name: String, path: String },
    External { name: String, file: String, object: String },
}

pub(super) fn below(path: &str, name: &str) -> String {
    let name: String = name.chars().take(60).collect();
    if path.len() > 160 {
        format!("…/{name}")
    } else {
        format!("{}/{name}", path.trim_end_matches('/'))
    }
}

impl Scan<'_> {
    /// Reads the object at `address`; false when it cannot be read.
    pub(super) fn hdf5_object(
        &mut self,
        source: &mut Source<'_>,
        address: u64,
        path: &str,
        walk: &mut Walk,
    ) -> io::Result<bool> {
        let at = walk.base.saturating_add(address);
        let head = source.peek(at, 40)?;
        let Some((frame, start, size)) = prefix(&head) else { return Ok(false) };
        let mut object = Object::default();
        object.blocks.push((at.saturating_add(start), size));
        let mut read = 0;
        while let Some((start, size)) = object.blocks.pop() {
            read += 1;
            let Some(block) = source.exact(start, size, MAX_BLOCK_BYTES)? else {
                return Ok(false);
            };
            if read > MAX_BLOCKS {
                return Ok(false);
            }
            let mut fields = Fields(&block);
            // Blocks of version 2 that follow have a signature of their own.
            if matches!(frame, Frame::New { .. }) && read > 1 && fields.take(4) != Some(b"OCHK") {
                return Ok(false);
            }
            while let Some((kind, body)) = message(&mut fields, frame) {
                self.message(kind, body, path, &mut object, walk);
            }
        }
        self.claims(&object, source.length(), path);
        match object.group {
            Some(group) => self.hdf5_group(source, group, path, walk),
            None => Ok(true),
        }
    }

    /// An array that claims far more than is stored.
    fn claims(&mut self, object: &Object, length: u64, path: &str) {
        let (Some(elements), Some(width)) = (object.elements, object.width) else { return };
        let claimed = elements.saturating_mul(width);
        // Fill values and compression make a dataset larger than it is stored, but not by this much.
        if claimed > length.saturating_mul(1_000).max(1 << 32) {
            let detail = format!("a dataset claims {claimed} bytes in a file of {length}");
            self.findings.add(Severity::High, Rule::Hdf5Bomb, path, &detail);
        }
    }

    fn message(
        &mut self,
        kind: u16,
        body: &[u8],
        path: &str,
        object: &mut Object,
        walk: &mut Walk,
    ) {
        let mut fields = Fields(body);
        let mut add =
            |severity, rule, detail: &str| self.findings.add(severity, rule, path, detail);
        match kind {
            0x01 => object.elements = elements(body),
            0x03 => object.width = fields.take(4).and_then(|_| fields.u32()).map(u64::from),
            0x06 => match link(body) {
                Some(Link::Hard { name, address }) => walk.reach(address, below(path, &name)),
                Some(Link::Soft { name, path: to }) => {
                    let detail = format!("the soft link {name:?} leads to {to:?}");
                    add(Severity::Low, Rule::Hdf5Link, &detail);
                }
                Some(Link::External { name, file, object }) => {
                    let detail =
                        format!("the link {name:?} leads to {object:?} of the file {file:?}");
                    add(Severity::High, Rule::Hdf5External, &detail);
                }
                None => {
                    let detail = "a link of a kind that only a plug-in can follow";
                    add(Severity::Medium, Rule::Hdf5Link, detail);
                }
            },
            0x07 => {
                let detail = "a dataset's data is read from other files (CVE-2026-1669)";
                add(Severity::High, Rule::Hdf5External, detail);
            }
            0x08 => {
                if let (Some(4 | 5), Some(3)) = (fields.u8(), fields.u8()) {
                    let detail = "the dataset is put together from datasets of other files";
                    add(Severity::High, Rule::Hdf5Virtual, detail);
                }
            }
            0x0B => {
                for filter in filters(body) {
                    // 1 to 6 are libhdf5's own, and h5py brings 32000.
                    if filter > 6 && filter != 32_000 {
                        let detail =
                            format!("the data needs the filter {filter}, which is a plug-in");
                        add(Severity::Medium, Rule::Hdf5Filter, &detail);
                    }
                }
            }
            0x10 => {
                if let (Some(start), Some(size)) = (fields.u64(), fields.u64()) {
                    object.blocks.push((walk.base.saturating_add(start), size));
                }
            }
            0x11 => object.group = fields.u64().zip(fields.u64()),
            _ => {}
        }
    }
}

/// The frame of the messages, and where the first block of them is.
fn prefix(head: &[u8]) -> Option<(Frame, u64, u64)> {
    let mut fields = Fields(head);
    if head.starts_with(b"OHDR") {
        fields.take(4)?;
        let (version, flags) = (fields.u8()?, fields.u8()?);
        if version != 2 {
            return None;
        }
        fields.take(if flags & 0x20 != 0 { 16 } else { 0 })?;
        fields.take(if flags & 0x10 != 0 { 4 } else { 0 })?;
        let size = fields.uint(1 << (flags & 3))?;
        let start = (head.len() - fields.0.len()) as u64;
        return Some((Frame::New { ordered: flags & 4 != 0 }, start, size));
    }
    let (version, _, _count, _references, size) =
        (fields.u8()?, fields.u8()?, fields.u16()?, fields.u32()?, fields.u32()?);
    (version == 1).then_some((Frame::Old, 16, size.into()))
}

fn message<'a>(fields: &mut Fields<'a>, frame: Frame) -> Option<(u16, &'a [u8])> {
    match frame {
        Frame::Old => {
            let (kind, size) = (fields.u16()?, fields.u16()?);
            fields.take(4)?;
            Some((kind, fields.take(size.into())?))
        }
        Frame::New { ordered } => {
            let (kind, size, _flags) = (fields.u8()?, fields.u16()?, fields.u8()?);
            fields.take(if ordered { 2 } else { 0 })?;
            Some((kind.into(), fields.take(size.into())?))
        }
    }
}

/// Reads a link message (section IV.A.2.g).
pub(super) fn link(body: &[u8]) -> Option<Link> {
    let mut fields = Fields(body);
    let (version, flags) = (fields.u8()?, fields.u8()?);
    let kind = if flags & 8 != 0 { fields.u8()? } else { 0 };
    fields.take(if flags & 4 != 0 { 8 } else { 0 })?;
    fields.take(if flags & 0x10 != 0 { 1 } else { 0 })?;
    let length = usize::try_from(fields.uint(1 << (flags & 3))?).ok()?;
    let name = std::str::from_utf8(fields.take(length).filter(|_| length <= 1024)?).ok()?;
    let name = name.to_owned();
    if version != 1 {
        return None;
    }
    match kind {
        0 => Some(Link::Hard { name, address: fields.u64()? }),
        1 => {
            let length = fields.u16()?;
            let path = String::from_utf8_lossy(fields.take(length.into())?).into_owned();
            Some(Link::Soft { name, path })
        }
        64 => {
            let length = fields.u16()?;
            let (file, object) = super::bytes::external_value(fields.take(length.into())?)?;
            Some(Link::External { name, file, object })
        }
        _ => None,
    }
}

/// How many elements a dataspace message describes.
fn elements(body: &[u8]) -> Option<u64> {
    let mut fields = Fields(body);
    let (version, rank, _flags, _kind) = (fields.u8()?, fields.u8()?, fields.u8()?, fields.u8()?);
    fields.take(if version == 1 { 4 } else { 0 })?;
    (0..rank).try_fold(1_u64, |product, _| Some(product.saturating_mul(fields.u64()?)))
}

/// The numbers of the filters in a pipeline message.
fn filters(body: &[u8]) -> Vec<u16> {
    let mut fields = Fields(body);
    let mut found = Vec::new();
    let (Some(version), Some(count)) = (fields.u8(), fields.u8()) else { return found };
    if version == 1 {
        fields.take(6);
    }
    let mut one = || {
        let id = fields.u16()?;
        let name = if version == 1 || id >= 256 { fields.u16()? } else { 0 };
        let (_flags, values) = (fields.u16()?, fields.u16()?);
        let name = if version == 1 { name.next_multiple_of(8) } else { name };
        fields.take(name.into())?;
        let values = usize::from(values);
        let padding = if version == 1 && values % 2 == 1 { 1 } else { 0 };
        fields.take(4 * (values + padding))?;
        Some(id)
    };
    for _ in 0..count {
        match one() {
            Some(id) => found.push(id),
            None => break,
        }
    }
    found
}
