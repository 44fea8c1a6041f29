//! Which records two CSV files have in common, by their digests.

use std::io::{self, BufRead, BufReader, Read};

use ids::Sha256Digest;
use serde::Serialize;

/// The most records of one file; each takes 32 bytes while it is compared.
pub const MAX_RECORDS: usize = 20_000_000;
/// The longest record that is read, in bytes, its line end included.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// How two files differ, record by record; their order does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RecordDiff {
    /// Records that only the second file has, counted as often as it has them more.
    pub added: u64,
    /// Records that only the first file has, counted likewise.
    pub removed: u64,
    /// Records that both have.
    pub common: u64,
    /// Whether the header lines are the same, byte for byte.
    pub same_header: bool,
}

/// Why two files cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// Reading failed.
    #[error("cannot read the records")]
    Read(#[from] io::Error),
    /// A record is too long.
    #[error("a record is longer than {MAX_RECORD_BYTES} bytes")]
    TooLong,
    /// There are too many.
    #[error("more than {MAX_RECORDS} records")]
    TooMany,
}

/// Compares two CSV files with a header line each. A record is its bytes in the file without its
/// line end; a line end inside quotes belongs to it (RFC 4180).
///
/// # Errors
/// When a file cannot be read, or passes a bound.
pub fn difference(from: impl Read, to: impl Read) -> Result<RecordDiff, RecordsError> {
    let (from_header, from) = digests(from)?;
    let (to_header, to) = digests(to)?;
    let (total_from, total_to) = (from.len() as u64, to.len() as u64);
    let common = in_both(&from, &to);
    Ok(RecordDiff {
        added: total_to - common,
        removed: total_from - common,
        common,
        same_header: from_header == to_header,
    })
}

/// How many digests two sorted lists have in common.
fn in_both(from: &[Sha256Digest], to: &[Sha256Digest]) -> u64 {
    let (mut from, mut to) = (from.iter().peekable(), to.iter().peekable());
    let mut common = 0;
    while let (Some(left), Some(right)) = (from.peek(), to.peek()) {
        let order = left.cmp(right);
        common += u64::from(order.is_eq());
        if order.is_le() {
            from.next();
        }
        if order.is_ge() {
            to.next();
        }
    }
    common
}

/// The header's digest, and those of the records in sorted order.
fn digests(file: impl Read) -> Result<(Option<Sha256Digest>, Vec<Sha256Digest>), RecordsError> {
    const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
    let mut reader = BufReader::new(file);
    let mut record = Vec::new();
    let mut header = None;
    let mut digests = Vec::new();
    while read_record(&mut reader, &mut record)? {
        let plain = record.strip_suffix(b"\n").unwrap_or(&record);
        let plain = plain.strip_suffix(b"\r").unwrap_or(plain);
        if header.is_none() {
            let plain = plain.strip_prefix(BYTE_ORDER_MARK).unwrap_or(plain);
            header = Some(Sha256Digest::of(plain));
        } else if digests.len() == MAX_RECORDS {
            return Err(RecordsError::TooMany);
        } else {
            digests.push(Sha256Digest::of(plain));
        }
    }
    digests.sort_unstable();
    Ok((header, digests))
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    CellStart,
    Bare,
    Quoted,
    QuoteEnd,
}

/// Reads the next record with its line end; false at the end of the file.
fn read_record(reader: &mut impl BufRead, record: &mut Vec<u8>) -> Result<bool, RecordsError> {
    record.clear();
    let mut state = State::CellStart;
    loop {
        let start = record.len();
        let rest = (MAX_RECORD_BYTES - start) as u64;
        if reader.by_ref().take(rest).read_until(b'\n', record)? == 0 {
            return if rest == 0 { Err(RecordsError::TooLong) } else { Ok(!record.is_empty()) };
        }
        for byte in record.get(start..).unwrap_or_default() {
            state = match (state, byte) {
                (State::Quoted, b'"') => State::QuoteEnd,
                (State::Quoted, _) | (State::CellStart | State::QuoteEnd, b'"') => State::Quoted,
                (State::CellStart | State::Bare | State::QuoteEnd, b',' | b'\n') => {
                    State::CellStart
                }
                (State::CellStart | State::Bare | State::QuoteEnd, _) => State::Bare,
            };
        }
        if state != State::Quoted && record.last() == Some(&b'\n') {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests;
