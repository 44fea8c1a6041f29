//! Entry bundles: entries, each after its length in two bytes (tlog-tiles, "Log entries").

/// The longest entry bundle, in bytes: 256 entries of 65,535 bytes.
pub const MAX_ENTRY_BUNDLE_BYTES: usize = super::TILE_WIDTH as usize * (2 + u16::MAX as usize);

/// Why entries are no bundle, or bytes are none of so many entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntriesError {
    /// An entry does not fit the two bytes of its length.
    #[error("entry {position} of the bundle has {bytes} bytes, more than 65535")]
    TooLong {
        /// Which, from 0.
        position: usize,
        /// Its length, in bytes.
        bytes: usize,
    },
    /// The bytes end within an entry.
    #[error("the bundle ends within entry {position}, it should have {width} entries")]
    Ends {
        /// Which, from 0.
        position: u16,
        /// Entries asked for.
        width: u16,
    },
    /// There is something after the last entry.
    #[error("the bundle has {bytes} bytes after its last entry, number {width}")]
    Rest {
        /// How much.
        bytes: usize,
        /// Entries asked for.
        width: u16,
    },
}

/// The file with these entries.
///
/// # Errors
/// [`EntriesError::TooLong`].
pub fn encode_entries<E: AsRef<[u8]>>(
    entries: impl IntoIterator<Item = E>,
) -> Result<Vec<u8>, EntriesError> {
    let mut bytes = Vec::new();
    for (position, entry) in entries.into_iter().enumerate() {
        let entry = entry.as_ref();
        let too_long = EntriesError::TooLong { position, bytes: entry.len() };
        let length = u16::try_from(entry.len()).map_err(|_| too_long)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries in a file of exactly `width` of them.
///
/// # Errors
/// When the bytes end before, or do not end after them.
pub fn decode_entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, EntriesError> {
    let mut rest = bytes;
    // A bundle says nothing that memory is reserved for.
    let mut entries = Vec::new();
    for position in 0..width {
        let ends = EntriesError::Ends { position, width };
        let (length, after) = rest.split_first_chunk().ok_or(ends)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or(ends)?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(EntriesError::Rest { bytes: rest.len(), width }) }
}
