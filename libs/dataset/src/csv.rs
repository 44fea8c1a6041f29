//! RFC 4180 records from a stream, in bounded memory.
//!
//! Comma-separated, `\n` or `\r\n`, quotes as RFC 4180 has them (a quote inside an unquoted cell is
//! plain text, as in Python's reader), a UTF-8 byte order mark skipped. Blank lines are records.

use std::io::{self, Read};

const BUFFER_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Why no further record can be read.
#[derive(Debug)]
pub(crate) enum Error {
    Read(io::Error),
    /// The record is longer than the limit.
    TooLong,
    /// The record has more cells than the limit.
    TooWide,
    /// A quoted cell that does not end, or goes on after its closing quote.
    Quote,
    /// A carriage return that ends no line.
    CarriageReturn,
}

/// The cells of one record.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The record as it stands in the file, without its line end.
    record: Vec<u8>,
}

impl Cells {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.bytes.get(start..end)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// The record's bytes in the file, without its line end.
    pub(crate) fn record(&self) -> &[u8] {
        &self.record
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.record.clear();
    }

    fn end_cell(&mut self, limit: usize) -> Result<(), Error> {
        if self.ends.len() == limit {
            return Err(Error::TooWide);
        }
        self.ends.push(self.bytes.len());
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    CellStart,
    Bare,
    Quoted,
    QuoteEnd,
    CarriageReturn,
}

/// Reads records one after another.
pub(crate) struct Records<R> {
    reader: R,
    buffer: Vec<u8>,
    next: usize,
    filled: usize,
    /// Bytes taken from the reader so far.
    bytes: u64,
    max_record_bytes: usize,
    max_cells: usize,
}

impl<R: Read> Records<R> {
    /// Reads from `reader`; a record may have that many bytes, line end included, and cells.
    pub(crate) fn new(reader: R, max_record_bytes: usize, max_cells: usize) -> Result<Self, Error> {
        let buffer = vec![0; BUFFER_BYTES];
        let mut records =
            Self { reader, buffer, next: 0, filled: 0, bytes: 0, max_record_bytes, max_cells };
        while records.filled < BYTE_ORDER_MARK.len() && records.fill()? {}
        let start = records.buffer.get(..records.filled).unwrap_or_default();
        if start.starts_with(BYTE_ORDER_MARK) {
            records.next = BYTE_ORDER_MARK.len();
        }
        Ok(records)
    }

    /// Bytes read so far; after the last record, all of them.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads the next record into `cells`; false at the end.
    pub(crate) fn read(&mut self, cells: &mut Cells) -> Result<bool, Error> {
        cells.clear();
        let mut state = State::CellStart;
        let mut length = 0;
        loop {
            let Some(byte) = self.byte()? else {
                return self.finish(state, length, cells);
            };
            length += 1;
            if length > self.max_record_bytes {
                return Err(Error::TooLong);
            }
            state = match (state, byte) {
                (State::CarriageReturn, b'\n') => {
                    cells.record.pop();
                    return Ok(true);
                }
                (State::CarriageReturn, _) => return Err(Error::CarriageReturn),
                (State::Quoted, b'"') => State::QuoteEnd,
                (State::CellStart, b'"') => State::Quoted,
                (State::CellStart | State::Bare | State::QuoteEnd, b',' | b'\n' | b'\r') => {
                    cells.end_cell(self.max_cells)?;
                    match byte {
                        b',' => State::CellStart,
                        b'\r' => State::CarriageReturn,
                        _ => return Ok(true),
                    }
                }
                (State::QuoteEnd, b'"') | (State::Quoted, _) => {
                    cells.bytes.push(byte);
                    State::Quoted
                }
                (State::QuoteEnd, _) => return Err(Error::Quote),
                (State::CellStart | State::Bare, _) => {
                    cells.bytes.push(byte);
                    State::Bare
                }
            };
            cells.record.push(byte);
        }
    }

    fn finish(&self, state: State, length: usize, cells: &mut Cells) -> Result<bool, Error> {
        match state {
            State::Quoted => Err(Error::Quote),
            State::CarriageReturn => Err(Error::CarriageReturn),
            State::CellStart | State::Bare | State::QuoteEnd if length > 0 => {
                cells.end_cell(self.max_cells)?;
                Ok(true)
            }
            State::CellStart | State::Bare | State::QuoteEnd => Ok(false),
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, Error> {
        if self.next == self.filled {
            (self.next, self.filled) = (0, 0);
            self.fill()?;
        }
        let byte = self.buffer.get(self.next..self.filled).and_then(|rest| rest.first()).copied();
        self.next += usize::from(byte.is_some());
        Ok(byte)
    }

    /// Reads once more behind what is there; false at the end of the stream.
    fn fill(&mut self) -> Result<bool, Error> {
        loop {
            let space = self.buffer.get_mut(self.filled..).unwrap_or_default();
            match self.reader.read(space) {
                Ok(count) => {
                    self.filled = (self.filled + count).min(self.buffer.len());
                    self.bytes = self.bytes.saturating_add(count as u64);
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Read(error)),
            }
        }
    }
}
