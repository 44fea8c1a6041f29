//! Bounded reads at places of a file: no read passes the end of the part, and every byte is counted.

use std::{
    error, fmt,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use crate::budget::Budget;

/// A reader that can be passed on without a type parameter, since archives nest.
pub(crate) trait File: Read + Seek {}
impl<T: Read + Seek> File for T {}

/// A part of a file, addressed from 0.
pub(crate) struct Source<'a> {
    file: &'a mut dyn File,
    start: u64,
    length: u64,
    budget: Budget,
}

/// The read budget is spent.
#[derive(Debug)]
struct Spent;

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the file makes its reader read the same bytes again and again, or is too large",
        )
    }
}

impl error::Error for Spent {}

/// Whether this error only says that the read budget is spent.
pub(crate) fn is_spent(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Spent>())
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a mut dyn File, length: u64, budget: Budget) -> Self {
        Self { file, start: 0, length, budget }
    }

    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// The part at `range`, cut to what there is.
    pub(crate) fn part(&mut self, range: &Range<u64>) -> Source<'_> {
        let start = range.start.min(self.length);
        let length = range.end.min(self.length).saturating_sub(start);
        let start = self.start.saturating_add(start);
        Source { file: &mut *self.file, start, length, budget: self.budget.clone() }
    }

    /// Up to `count` bytes from `offset`: fewer at the end. `count` is a bound of ours.
    pub(crate) fn peek(&mut self, offset: u64, count: usize) -> io::Result<Vec<u8>> {
        let left = self.length.saturating_sub(offset);
        let count = usize::try_from(left).map_or(count, |left| left.min(count));
        if !self.budget.read(count as u64) {
            return Err(io::Error::other(Spent));
        }
        let mut bytes = vec![0; count];
        self.file.seek(SeekFrom::Start(self.start.saturating_add(offset)))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// `count` bytes from `offset`; `None` when the part ends before or they are more than `bound`.
    pub(crate) fn exact(
        &mut self,
        offset: u64,
        count: u64,
        bound: u64,
    ) -> io::Result<Option<Vec<u8>>> {
        let inside = offset.checked_add(count).is_some_and(|end| end <= self.length);
        match usize::try_from(count) {
            Ok(size) if inside && count <= bound => self.peek(offset, size).map(Some),
            _ => Ok(None),
        }
    }

    /// `N` bytes from `offset`; `None` when the part ends before.
    pub(crate) fn array<const N: usize>(&mut self, offset: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.peek(offset, N)?.try_into().ok())
    }

    /// A sequential reader from `at`.
    pub(crate) fn stream(&mut self, at: u64) -> Stream<'_, 'a> {
        Stream { source: self, next: at, buffer: Vec::new(), used: 0 }
    }
}

/// A line without its end.
pub(crate) struct Line {
    pub(crate) kept: Vec<u8>,
    /// Whether more stands in the file than was kept.
    pub(crate) cut: bool,
}

/// Reads a part from one place to its end through a buffer.
pub(crate) struct Stream<'s, 'a> {
    source: &'s mut Source<'a>,
    /// Where the byte behind the buffer is.
    next: u64,
    buffer: Vec<u8>,
    used: usize,
}

const STEP: usize = 64 * 1024;

impl Stream<'_, '_> {
    /// Where the next byte is.
    pub(crate) fn at(&self) -> u64 {
        self.next.saturating_sub((self.buffer.len() - self.used) as u64)
    }

    /// Bytes from here to the end.
    pub(crate) fn left(&self) -> u64 {
        self.source.length().saturating_sub(self.at())
    }

    /// What is in the buffer; empty only at the end.
    fn fill(&mut self) -> io::Result<&[u8]> {
        if self.used >= self.buffer.len() {
            self.buffer = self.source.peek(self.next, STEP)?;
            self.next = self.next.saturating_add(self.buffer.len() as u64);
            self.used = 0;
        }
        Ok(self.buffer.get(self.used..).unwrap_or_default())
    }

    pub(crate) fn u8(&mut self) -> io::Result<Option<u8>> {
        let byte = self.fill()?.first().copied();
        self.used += usize::from(byte.is_some());
        Ok(byte)
    }

    /// Goes to a place in front of or behind this one.
    pub(crate) fn seek(&mut self, at: u64) {
        let start = self.next.saturating_sub(self.buffer.len() as u64);
        match at.checked_sub(start).and_then(|used| usize::try_from(used).ok()) {
            Some(used) if used <= self.buffer.len() => self.used = used,
            _ => {
                self.next = at;
                self.buffer.clear();
                self.used = 0;
            }
        }
    }

    /// Passes over `count` bytes; false when there are not as many.
    pub(crate) fn skip(&mut self, count: u64) -> bool {
        let buffered = (self.buffer.len() - self.used) as u64;
        match usize::try_from(count) {
            Ok(small) if count <= buffered => self.used += small,
            _ if count <= self.left() => {
                self.next = self.at().saturating_add(count);
                self.buffer.clear();
                self.used = 0;
            }
            _ => return false,
        }
        true
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let mut array = [0; N];
        for slot in &mut array {
            let Some(byte) = self.u8()? else { return Ok(None) };
            *slot = byte;
        }
        Ok(Some(array))
    }

    /// The first `keep` of the next `count` bytes, with the rest passed over.
    pub(crate) fn take(&mut self, count: u64, keep: usize) -> io::Result<Option<Vec<u8>>> {
        if count > self.left() {
            return Ok(None);
        }
        let kept = usize::try_from(count).map_or(keep, |count| count.min(keep));
        let mut bytes = Vec::with_capacity(kept);
        while bytes.len() < kept {
            let rest = self.fill()?;
            let step = rest.get(..(kept - bytes.len()).min(rest.len())).unwrap_or_default();
            let length = step.len();
            if length == 0 {
                return Ok(None);
            }
            bytes.extend_from_slice(step);
            self.used += length;
        }
        Ok(self.skip(count - kept as u64).then_some(bytes))
    }

    /// The bytes up to the next line feed, of which at most `keep` are kept; `None` without one.
    pub(crate) fn line(&mut self, keep: usize) -> io::Result<Option<Line>> {
        let mut line = Line { kept: Vec::new(), cut: false };
        loop {
            let rest = self.fill()?;
            if rest.is_empty() {
                return Ok(None);
            }
            let end = rest.iter().position(|byte| *byte == b'\n');
            let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let length = part.len();
            let kept =
                part.get(..length.min(keep.saturating_sub(line.kept.len()))).unwrap_or_default();
            line.cut |= kept.len() < length;
            line.kept.extend_from_slice(kept);
            self.used += length + usize::from(end.is_some());
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }
}

impl Read for Stream<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.fill()?;
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        self.used += count;
        Ok(count)
    }
}
