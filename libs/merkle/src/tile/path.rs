//! Paths of tiles and entry bundles: `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`.
//!
//! What is read is exactly what is written: one spelling for each place.

use std::{fmt, str::FromStr};

use super::{EntryBundle, TILE_WIDTH, Tile};

/// The longest path, in bytes: seven elements of an index, a level and a width.
const MAX_PATH_BYTES: usize = 64;

/// Why a text is not the path of a tile or of an entry bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with `tile/` and a level, or with `tile/entries/`.
    #[error("not tile/<level>/<index> or tile/entries/<index>")]
    Form,
    /// The level is not a plain number up to 63.
    #[error("the level is not a plain number from 0 to 63")]
    Level,
    /// The index is not in elements of three digits, all but the last after an `x`, or too large.
    #[error("the index is not in elements of three digits, all but the last with an x")]
    Index,
    /// The width is not a plain number from 1 to 255.
    #[error("the width is not a plain number from 1 to 255")]
    Width,
}

/// The index in elements of three digits (tlog-tiles, "Merkle Tree").
fn write_place(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    let digits = format!("{index:03}");
    let first = match digits.len() % 3 {
        0 => 3,
        partial => partial,
    };
    let (mut element, mut rest) = digits.split_at_checked(first).ok_or(fmt::Error)?;
    while !rest.is_empty() {
        write!(f, "x{element:0>3}/")?;
        (element, rest) = rest.split_at_checked(3).ok_or(fmt::Error)?;
    }
    write!(f, "{element:0>3}")?;
    if width == TILE_WIDTH { Ok(()) } else { write!(f, ".p/{width}") }
}

fn read_place(text: &str) -> Result<(u64, u16), PathError> {
    let (index, width) = match text.split_once(".p/") {
        None => (text, TILE_WIDTH),
        Some((index, width)) => {
            let width = plain(width).ok_or(PathError::Width)?;
            (index, u16::try_from(width).map_err(|_| PathError::Width)?)
        }
    };
    if width == 0 || (width == TILE_WIDTH && index.len() != text.len()) || width > TILE_WIDTH {
        return Err(PathError::Width);
    }
    let mut number = 0_u64;
    let mut elements = index.split('/').peekable();
    let leading_zeroes = index.starts_with("x000");
    while let Some(element) = elements.next() {
        let last = elements.peek().is_none();
        let digits = if last { Some(element) } else { element.strip_prefix('x') };
        let digits = digits.filter(|d| d.len() == 3 && d.bytes().all(|b| b.is_ascii_digit()));
        let value: u64 = digits.and_then(|d| d.parse().ok()).ok_or(PathError::Index)?;
        let shifted = number.checked_mul(1000).and_then(|n| n.checked_add(value));
        number = shifted.ok_or(PathError::Index)?;
    }
    if leading_zeroes { Err(PathError::Index) } else { Ok((number, width)) }
}

/// A decimal number without leading zeroes or a sign.
fn plain(text: &str) -> Option<u64> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

impl fmt::Display for Tile {
    /// The path below the log's prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        write_place(f, self.index, self.width)
    }
}

impl FromStr for Tile {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        let rest = path.strip_prefix("tile/").filter(|_| path.len() <= MAX_PATH_BYTES);
        let (level, place) = rest.and_then(|rest| rest.split_once('/')).ok_or(PathError::Form)?;
        let level = plain(level).and_then(|level| u8::try_from(level).ok());
        let level = level.ok_or(PathError::Level)?;
        let (index, width) = read_place(place)?;
        Self::new(level, index, width).ok_or(PathError::Level)
    }
}

impl fmt::Display for EntryBundle {
    /// The path below the log's prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        write_place(f, self.index, self.width)
    }
}

impl FromStr for EntryBundle {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        let place = path.strip_prefix("tile/entries/").filter(|_| path.len() <= MAX_PATH_BYTES);
        let (index, width) = read_place(place.ok_or(PathError::Form)?)?;
        Self::new(index, width).ok_or(PathError::Index)
    }
}
