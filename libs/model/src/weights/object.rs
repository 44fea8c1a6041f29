//! Version 1 object headers: a group's tree, or an array's shape, type and place
//! (specification sections IV.A.1.a and IV.A.2).

use std::io::{Read, Seek};

use super::{UNDEFINED, Walk, broken, feature};
use crate::{Refusal, fields::Fields};

/// The most messages and the most bytes of messages that one header may have.
const MAX_MESSAGES: u16 = 256;
const MAX_BLOCK_BYTES: u64 = 1 << 20;
const MAX_RANK: u8 = 32;

/// What a header describes.
pub(super) enum Object {
    Group { tree: u64, heap: u64 },
    Array { elements: u64, bytes: u64 },
}

/// The messages that matter, as they are met.
#[derive(Default)]
struct Found {
    group: Option<(u64, u64)>,
    elements: Option<u64>,
    width: Option<u64>,
    stored: Option<u64>,
}

impl<R: Read + Seek> Walk<R> {
    /// Reads the header at `address`, and refuses every message that Keras does not write.
    pub(super) fn object(&mut self, address: u64, path: &str) -> Result<Object, Refusal> {
        let head: [u8; 16] = self.get(address, "an object outside of the file")?;
        let mut fields = Fields(&head);
        if fields.u8() != Some(1) {
            return Err(broken("not an object header of version 1", address));
        }
        let _reserved = fields.u8();
        let count = fields.u16().unwrap_or_default();
        let _references = fields.u32();
        let size = fields.u32().unwrap_or_default();
        if count > MAX_MESSAGES {
            return Err(feature(path, "an object of this many messages"));
        }
        let mut blocks = vec![(address.saturating_add(16), u64::from(size))];
        let mut found = Found::default();
        let mut left = count;
        while let Some((start, size)) = blocks.pop() {
            let end = start.checked_add(size).filter(|end| *end <= self.file.length());
            let Some(end) = end.filter(|_| size <= MAX_BLOCK_BYTES) else {
                return Err(broken("messages outside of the file", start));
            };
            let block = self.file.bytes(&(start..end))?;
            let mut rest = Fields(&block);
            while left > 0 && !rest.0.is_empty() {
                left -= 1;
                let message = message(&mut rest).ok_or_else(|| broken("a cut message", start))?;
                if message.flags & 2 != 0 {
                    return Err(feature(path, "a shared message"));
                }
                if message.kind == 0x10 {
                    let mut body = Fields(message.body);
                    let next = body.u64().zip(body.u64());
                    let next = next.ok_or_else(|| broken("a cut message", start))?;
                    self.visit(next.0)?;
                    blocks.push(next);
                } else {
                    self.message(&message, &mut found, path)?;
                }
            }
        }
        if left > 0 {
            return Err(broken("fewer messages than the header says", address));
        }
        found.object(path)
    }

    fn message(&self, message: &Message<'_>, found: &mut Found, path: &str) -> Result<(), Refusal> {
        let refuse = |what| Err(feature(path, what));
        let twice = match message.kind {
            // Nothing, fill values, attributes and modification times say nothing about places.
            0x00 | 0x04 | 0x05 | 0x0C | 0x0E | 0x12 => false,
            0x01 => {
                let elements = elements(message.body);
                let elements = elements.ok_or_else(|| feature(path, "a shape of this kind"))?;
                found.elements.replace(elements).is_some()
            }
            0x03 => {
                let width = number_width(message.body);
                let width = width.ok_or_else(|| feature(path, "data other than plain numbers"))?;
                found.width.replace(width).is_some()
            }
            0x08 => {
                let stored = self.layout(message.body, path)?;
                found.stored.replace(stored).is_some()
            }
            0x11 => {
                let mut body = Fields(message.body);
                let group = body.u64().zip(body.u64());
                let group = group.ok_or_else(|| feature(path, "a broken group"))?;
                found.group.replace(group).is_some()
            }
            0x06 | 0x02 => return refuse("a link message (external or soft links)"),
            0x07 => return refuse("external data storage (CVE-2026-1669)"),
            0x0B => return refuse("a filter pipeline"),
            _ => return refuse("a message that Keras does not write"),
        };
        if twice { refuse("a message that stands twice") } else { Ok(()) }
    }

    /// The bytes that an array's data takes in this file.
    fn layout(&self, body: &[u8], path: &str) -> Result<u64, Refusal> {
        let refuse = |what| feature(path, what);
        let mut fields = Fields(body);
        match (fields.u8(), fields.u8()) {
            (Some(3), Some(0)) => {
                let size = fields.u16().map(u64::from);
                size.filter(|size| fields.0.len() as u64 >= *size)
                    .ok_or_else(|| refuse("a broken layout"))
            }
            (Some(3), Some(1)) => {
                let (address, size) =
                    fields.u64().zip(fields.u64()).ok_or_else(|| refuse("a broken layout"))?;
                let end = address.checked_add(size).filter(|end| *end <= self.file.length());
                match end {
                    Some(_) => Ok(size),
                    None if address == UNDEFINED && size == 0 => Ok(0),
                    None => Err(refuse("data that is not in the file")),
                }
            }
            (Some(3), Some(2)) => Err(refuse("a chunked layout")),
            (Some(4), _) => Err(refuse("a virtual or newer layout")),
            _ => Err(refuse("a layout that Keras does not write")),
        }
    }
}

impl Found {
    fn object(self, path: &str) -> Result<Object, Refusal> {
        match self {
            Self { group: Some((tree, heap)), elements: None, width: None, stored: None } => {
                Ok(Object::Group { tree, heap })
            }
            Self {
                group: None,
                elements: Some(elements),
                width: Some(width),
                stored: Some(bytes),
            } => {
                if elements.checked_mul(width) == Some(bytes) {
                    Ok(Object::Array { elements, bytes })
                } else {
                    Err(feature(path, "an array that claims more or less than it stores"))
                }
            }
            _ => Err(feature(path, "an object that is neither group nor array")),
        }
    }
}

struct Message<'a> {
    kind: u16,
    flags: u8,
    body: &'a [u8],
}

fn message<'a>(rest: &mut Fields<'a>) -> Option<Message<'a>> {
    let (kind, size, flags) = (rest.u16()?, rest.u16()?, rest.u8()?);
    let _reserved = rest.take(3)?;
    Some(Message { kind, flags, body: rest.take(usize::from(size))? })
}

/// How many numbers a dataspace message describes (section IV.A.2.b).
fn elements(body: &[u8]) -> Option<u64> {
    let mut fields = Fields(body);
    let (version, rank, flags) = (fields.u8()?, fields.u8()?, fields.u8()?);
    let kind = fields.u8()?;
    match version {
        1 => {
            fields.take(4)?;
        }
        2 if kind <= 1 => {}
        _ => return None,
    }
    if rank > MAX_RANK || flags > 1 {
        return None;
    }
    (0..rank).try_fold(1_u64, |product, _| product.checked_mul(fields.u64()?))
}

/// The bytes of one number: integers, floats, bfloat16 (opaque) and booleans (an enumeration).
fn number_width(body: &[u8]) -> Option<u64> {
    let mut fields = Fields(body);
    let class = fields.u8()? & 0x0F;
    fields.take(3)?;
    let size = fields.u32()?;
    let plain = matches!(class, 0 | 1 | 5 | 8) && matches!(size, 1 | 2 | 4 | 8);
    plain.then_some(u64::from(size))
}
