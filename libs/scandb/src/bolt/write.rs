//! Writes a bbolt database file: fixed page size, every bucket one leaf, same input same bytes.

use std::collections::BTreeMap;

use super::{
    ELEMENT_BYTES, ELEMENT_IS_BUCKET, FLAG_FREELIST, FLAG_LEAF, FLAG_META, MAGIC,
    PAGE_HEADER_BYTES, VERSION, fnv64a,
};

/// The size of a page in bytes; bbolt reads it from the meta page.
const PAGE_BYTES: usize = 4096;
/// Meta, meta, freelist: data begins after them.
const FIRST_DATA_PAGE: u64 = 3;

/// More in one bucket than this writer's single leaf can hold.
#[derive(Debug, thiserror::Error)]
#[error("a bucket of {0} entries or {1} bytes does not fit one leaf")]
pub struct TooLarge(usize, usize);

/// Keys with bytes, and keys with a bucket of their own.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    buckets: BTreeMap<Vec<u8>, Self>,
}

impl Bucket {
    /// Puts `value` under `key`.
    pub(crate) fn put(&mut self, key: &str, value: Vec<u8>) {
        self.values.insert(key.as_bytes().to_vec(), value);
    }

    /// The bucket under `key`, made when there is none.
    pub(crate) fn bucket(&mut self, key: &str) -> &mut Self {
        self.buckets.entry(key.as_bytes().to_vec()).or_default()
    }
}

struct Pages {
    bytes: Vec<u8>,
    next: u64,
}

/// The whole file for this root bucket.
pub(crate) fn file(root: &Bucket) -> Result<Vec<u8>, TooLarge> {
    let mut pages = Pages { bytes: Vec::new(), next: FIRST_DATA_PAGE };
    let root_page = pages.leaf(root)?;
    let mut file = Vec::with_capacity(pages.bytes.len() + PAGE_BYTES * 3);
    for transaction in 0..2_u64 {
        file.extend(meta_page(transaction, root_page, pages.next));
    }
    let mut freelist = header(2, FLAG_FREELIST, 0, 0);
    freelist.resize(PAGE_BYTES, 0);
    file.extend(freelist);
    file.extend(pages.bytes);
    Ok(file)
}

impl Pages {
    /// Writes a bucket's children first, then its own leaf; gives the leaf's page number.
    fn leaf(&mut self, bucket: &Bucket) -> Result<u64, TooLarge> {
        let mut entries = Vec::with_capacity(bucket.values.len() + bucket.buckets.len());
        entries.extend(bucket.values.iter().map(|(key, value)| (key, 0, value.clone())));
        for (key, child) in &bucket.buckets {
            // A bucket's value: its root page and its sequence number.
            let mut value = self.leaf(child)?.to_le_bytes().to_vec();
            value.extend(0_u64.to_le_bytes());
            entries.push((key, ELEMENT_IS_BUCKET, value));
        }
        // bbolt finds keys by bisection.
        entries.sort_unstable_by_key(|(key, ..)| *key);
        let data: usize = entries.iter().map(|(key, _, value)| key.len() + value.len()).sum();
        let length = PAGE_HEADER_BYTES + entries.len() * ELEMENT_BYTES + data;
        let too_large = || TooLarge(entries.len(), length);
        let count = u16::try_from(entries.len()).map_err(|_| too_large())?;
        let overflow = u32::try_from(length.div_ceil(PAGE_BYTES) - 1).map_err(|_| too_large())?;
        let id = self.next;
        let mut page = header(id, FLAG_LEAF, count, overflow);
        // Positions count from the start of their own element.
        let mut position = entries.len() * ELEMENT_BYTES;
        for (key, flags, value) in &entries {
            for field in [*flags as usize, position, key.len(), value.len()] {
                page.extend(u32::try_from(field).map_err(|_| too_large())?.to_le_bytes());
            }
            position = position + key.len() + value.len() - ELEMENT_BYTES;
        }
        for (key, _, value) in &entries {
            page.extend_from_slice(key);
            page.extend_from_slice(value);
        }
        page.resize(length.div_ceil(PAGE_BYTES) * PAGE_BYTES, 0);
        self.bytes.extend(page);
        self.next = id + 1 + u64::from(overflow);
        Ok(id)
    }
}

fn header(id: u64, flags: u16, count: u16, overflow: u32) -> Vec<u8> {
    let mut page = id.to_le_bytes().to_vec();
    page.extend(flags.to_le_bytes());
    page.extend(count.to_le_bytes());
    page.extend(overflow.to_le_bytes());
    page
}

fn meta_page(transaction: u64, root_page: u64, high_water: u64) -> Vec<u8> {
    let mut meta = Vec::new();
    for field in [MAGIC, VERSION, u32::try_from(PAGE_BYTES).unwrap_or(0), 0] {
        meta.extend(field.to_le_bytes());
    }
    // Root page, root sequence, freelist page, high-water mark, transaction.
    for field in [root_page, 0, 2, high_water, transaction] {
        meta.extend(field.to_le_bytes());
    }
    meta.extend(fnv64a(&meta).to_le_bytes());
    let mut page = header(transaction, FLAG_META, 0, 0);
    page.extend(meta);
    page.resize(PAGE_BYTES, 0);
    page
}
