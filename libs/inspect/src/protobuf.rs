//! Protocol buffers on the wire: field after field, without a schema.

use std::{io, ops::Range};

use crate::source::Source;

/// One field.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) number: u64,
    pub(crate) value: Wire,
}

/// Its value.
#[derive(Debug, Clone)]
pub(crate) enum Wire {
    Number(u64),
    /// Where bytes, a text or a message lie.
    Bytes(Range<u64>),
}

impl Field {
    pub(crate) fn bytes(&self, number: u64) -> Option<Range<u64>> {
        match &self.value {
            Wire::Bytes(range) if self.number == number => Some(range.clone()),
            Wire::Bytes(_) | Wire::Number(_) => None,
        }
    }
}

/// The fields of the message at `range`, at most `bound`; `None` when it is no message.
pub(crate) fn fields(
    source: &mut Source<'_>,
    range: &Range<u64>,
    bound: u32,
) -> io::Result<Option<Vec<Field>>> {
    let mut part = source.part(range);
    let mut stream = part.stream(0);
    let mut fields = Vec::new();
    while stream.left() > 0 {
        let Some(tag) = varint(&mut stream)? else { return Ok(None) };
        let value = match tag & 7 {
            0 => varint(&mut stream)?.map(Wire::Number),
            1 => stream.array::<8>()?.map(|bytes| Wire::Number(u64::from_le_bytes(bytes))),
            5 => stream.array::<4>()?.map(|bytes| Wire::Number(u32::from_le_bytes(bytes).into())),
            2 => {
                let Some(length) = varint(&mut stream)? else { return Ok(None) };
                let start = range.start.saturating_add(stream.at());
                stream.skip(length).then(|| Wire::Bytes(start..start.saturating_add(length)))
            }
            _ => None,
        };
        let Some(value) = value.filter(|_| tag >> 3 != 0 && fields.len() < bound as usize) else {
            return Ok(None);
        };
        fields.push(Field { number: tag >> 3, value });
    }
    Ok(Some(fields))
}

fn varint(stream: &mut crate::source::Stream<'_, '_>) -> io::Result<Option<u64>> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let Some(byte) = stream.u8()? else { return Ok(None) };
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// A text of at most 4 KiB.
pub(crate) fn text(source: &mut Source<'_>, range: &Range<u64>) -> io::Result<String> {
    let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let bytes = source.peek(range.start, length.min(4096))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
