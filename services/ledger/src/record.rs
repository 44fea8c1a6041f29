//! A group on disk: the entries of one commit in one record, under the place of the first.
//!
//! The value is what tlog-tiles calls an entry bundle, of any number of entries: each after its
//! length in two bytes. One record for a commit costs the fewest pages.

use ids::Sha256Digest;
use merkle::tile::{EntriesError, encode_entries};
use store::{ReadError, Snapshot, Span};

/// Place of the first entry (8 bytes, big-endian) to the entries of one commit.
pub(crate) const GROUPS: &str = "groups";
/// [`COMMITTED`] and [`SHOWN`] to signed notes.
pub(crate) const HEAD: &str = "head";
/// The newest checkpoint: what the entries are held against at start.
pub(crate) const COMMITTED: &[u8] = b"committed";
/// The newest checkpoint that was shown to anybody: witnessed, where there are witnesses.
pub(crate) const SHOWN: &[u8] = b"shown";
/// The tables of the store.
pub const TABLES: &[&str] = &[GROUPS, HEAD];

/// The most entries that share one record.
pub(crate) const GROUP_ENTRIES_MAX: usize = 1024;

pub(crate) fn key(base: u64) -> [u8; 8] {
    base.to_be_bytes()
}

/// The place of the first entry of the record under `key`.
pub(crate) fn base(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.try_into().ok()?))
}

/// The record of these entries.
pub(crate) fn encode<'a>(
    entries: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, EntriesError> {
    encode_entries(entries)
}

/// The entries of a record, in order; a last `None` where the bytes end within one.
pub(crate) fn entries(mut value: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        if value.is_empty() {
            return None;
        }
        let split = value.split_first_chunk().and_then(|(length, rest)| {
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        });
        let (entry, rest) = split.map_or((None, &[][..]), |(entry, rest)| (Some(entry), rest));
        value = rest;
        Some(entry)
    })
}

/// The entries `from..from + count`, as many of them as are stored one after the other.
pub(crate) fn read(
    snapshot: &Snapshot,
    from: u64,
    count: usize,
) -> Result<Vec<Vec<u8>>, ReadError> {
    let mut found = Vec::new();
    let mut next = from;
    let up_to = Span::between(key(0), key(from.saturating_add(1)));
    let mut record = snapshot.last(GROUPS, &up_to)?;
    while let Some((first, value)) = record {
        let Some(base) = base(&first) else { break };
        let skip = usize::try_from(next.saturating_sub(base)).unwrap_or(usize::MAX);
        let before = found.len();
        let wanted = entries(&value).skip(skip).take(count.saturating_sub(found.len()));
        found.extend(wanted.map_while(|entry| entry.map(<[u8]>::to_vec)));
        next = from.saturating_add(found.len() as u64);
        if found.len() >= count || found.len() == before {
            break;
        }
        record = snapshot.get(GROUPS, &key(next))?.map(|value| (key(next).to_vec(), value));
    }
    Ok(found)
}

/// What the entry at `place` commits to, read from the store; `None` when there is none.
pub(crate) fn commitment_at(
    snapshot: &Snapshot,
    place: u64,
) -> Result<Option<Sha256Digest>, ReadError> {
    let found = read(snapshot, place, 1)?;
    let entry = found.first().and_then(|entry| bundle::LedgerEntry::parse(entry).ok());
    Ok(entry.map(|entry| entry.commitment))
}
