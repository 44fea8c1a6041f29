//! Whether a file is a whole bbolt database, from its two meta pages and its length.
//!
//! It finds what goes wrong when files are copied and downloaded: another file, a truncated one, a
//! torn first page. It does not read the tree: a changed byte further in is found by its SHA-256.

use std::io::{self, Read, Seek, SeekFrom};

use super::{FLAG_META, MAGIC, PAGE_HEADER_BYTES, VERSION, fnv64a, u16_at, u32_at, u64_at};

/// The smallest and the largest page that bbolt makes (by the machine's memory pages), in bytes.
const PAGE_BYTES: std::ops::RangeInclusive<u32> = 1024..=65_536;
/// The length of the meta data that its checksum covers, and where the checksum is.
const META_BYTES: usize = 56;
/// The meta page's freelist when there is none on disk.
const NO_FREELIST: u64 = u64::MAX;

/// Why a file is no whole bbolt database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Shorter than two meta pages.
    #[error("{0} bytes are too few for a database")]
    TooShort(u64),
    /// A meta page without bbolt's magic number.
    #[error("page {0} is no meta page of a bbolt database")]
    NoMeta(u8),
    /// Another version of the format.
    #[error("the bbolt file has version {0}, expected {VERSION}")]
    Version(u32),
    /// A page size that bbolt never makes, or two of them.
    #[error("a page size of {0} bytes")]
    PageSize(u32),
    /// A meta page whose checksum does not hold.
    #[error("the checksum of meta page {0} does not hold")]
    Checksum(u8),
    /// The tree or the freelist is said to be where no page is.
    #[error("meta page {0} points outside of the file's pages")]
    Outside(u8),
    /// Pages are missing at the end.
    #[error("truncated: {got} of at least {expected} bytes")]
    Truncated {
        /// Its length in bytes.
        got: u64,
        /// What its pages need, in bytes.
        expected: u64,
    },
}

/// Where the tree of a whole database begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The size of a page, in bytes.
    pub page_bytes: u32,
    /// How many pages were ever in use: the high-water mark.
    pub pages: u64,
    /// The page of the root bucket.
    pub root: u64,
}

struct Meta {
    shape: Shape,
    transaction: u64,
}

/// Checks both meta pages, and that the file has all its pages.
///
/// # Errors
/// The outer one when it cannot be read, the inner one when it is damaged.
pub fn check(file: &mut (impl Read + Seek)) -> io::Result<Result<Shape, Damage>> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut head = [0; PAGE_HEADER_BYTES + META_BYTES + 8];
    if length < 2 * u64::from(*PAGE_BYTES.start()) {
        return Ok(Err(Damage::TooShort(length)));
    }
    file.rewind()?;
    file.read_exact(&mut head)?;
    let first = match meta(&head, 0) {
        Ok(first) => first,
        Err(damage) => return Ok(Err(damage)),
    };
    let page_bytes = first.shape.page_bytes;
    if length < 2 * u64::from(page_bytes) {
        return Ok(Err(Damage::TooShort(length)));
    }
    file.seek(SeekFrom::Start(page_bytes.into()))?;
    file.read_exact(&mut head)?;
    Ok(meta(&head, 1).and_then(|second| both(&first, &second, length)))
}

fn both(first: &Meta, second: &Meta, length: u64) -> Result<Shape, Damage> {
    let page_bytes = first.shape.page_bytes;
    if second.shape.page_bytes != page_bytes {
        return Err(Damage::PageSize(second.shape.page_bytes));
    }
    let newer = if second.transaction > first.transaction { second } else { first };
    let pages = first.shape.pages.max(second.shape.pages);
    let expected = pages.saturating_mul(page_bytes.into());
    if length < expected {
        return Err(Damage::Truncated { got: length, expected });
    }
    Ok(Shape { pages, ..newer.shape })
}

fn meta(head: &[u8], page: u8) -> Result<Meta, Damage> {
    let missing = Damage::NoMeta(page);
    let body = head.get(PAGE_HEADER_BYTES..).ok_or(missing)?;
    let word = |at| u32_at(body, at).ok_or(missing);
    let long = |at| u64_at(body, at).ok_or(missing);
    if u16_at(head, 8) != Some(FLAG_META) || word(0)? != MAGIC {
        return Err(missing);
    }
    if word(4)? != VERSION {
        return Err(Damage::Version(word(4)?));
    }
    if fnv64a(body.get(..META_BYTES).ok_or(missing)?) != long(META_BYTES)? {
        return Err(Damage::Checksum(page));
    }
    let page_bytes = word(8)?;
    if !PAGE_BYTES.contains(&page_bytes) || !page_bytes.is_power_of_two() {
        return Err(Damage::PageSize(page_bytes));
    }
    let (root, freelist, pages, transaction) = (long(16)?, long(32)?, long(40)?, long(48)?);
    let within = |id: u64| (2..pages).contains(&id);
    if !within(root) || !(freelist == NO_FREELIST || within(freelist)) {
        return Err(Damage::Outside(page));
    }
    Ok(Meta { shape: Shape { page_bytes, pages, root }, transaction })
}
