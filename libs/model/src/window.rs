//! Bounded reads at places of a file: no read passes the end of the window.

use std::{
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

use crate::Refusal;

/// A part of a file, addressed from 0.
pub(crate) struct Window<R> {
    reader: R,
    start: u64,
    length: u64,
}

impl<R: Read + Seek> Window<R> {
    /// The whole file.
    pub(crate) fn whole(mut reader: R) -> Result<Self, Refusal> {
        let length = reader.seek(SeekFrom::End(0)).map_err(Refusal::Read)?;
        Ok(Self { reader, start: 0, length })
    }

    /// The part of this window at `range`, cut to what there is.
    pub(crate) fn narrow(self, range: &Range<u64>) -> Self {
        let start = range.start.min(self.length);
        let length = range.end.min(self.length).saturating_sub(start);
        Self { reader: self.reader, start: self.start.saturating_add(start), length }
    }

    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Fills `buffer` from `offset`; `None` when the window ends before.
    pub(crate) fn read_at(
        &mut self,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<Option<()>, Refusal> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.length) {
            return Ok(None);
        }
        self.reader
            .seek(SeekFrom::Start(self.start.saturating_add(offset)))
            .and_then(|_| self.reader.read_exact(buffer))
            .map_err(Refusal::Read)?;
        Ok(Some(()))
    }

    /// `N` bytes from `offset`; `None` when the window ends before.
    pub(crate) fn array<const N: usize>(
        &mut self,
        offset: u64,
    ) -> Result<Option<[u8; N]>, Refusal> {
        let mut array = [0; N];
        Ok(self.read_at(offset, &mut array)?.map(|()| array))
    }

    /// The bytes at a range that was checked to be small and inside.
    pub(crate) fn bytes(&mut self, range: &Range<u64>) -> Result<Vec<u8>, Refusal> {
        let inside = range.end <= self.length && range.start <= range.end;
        let length = range.end.saturating_sub(range.start);
        let length = usize::try_from(length).ok().filter(|_| inside);
        let mut bytes = vec![0; length.ok_or(Refusal::Archive("an entry outside of the file"))?];
        self.read_at(range.start, &mut bytes)?.ok_or(Refusal::Archive("cut short"))?;
        Ok(bytes)
    }
}
