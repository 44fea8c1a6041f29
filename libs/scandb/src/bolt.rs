//! bbolt database files: written whole, checked by their meta pages, counted by source.
//!
//! The format is etcd-io/bbolt's (`internal/common/page.go`, `meta.go`); that the real Trivy reads
//! what is written here is tested. For this little, a crate is not worth its place among the
//! scanner's dependencies.

mod check;
mod sources;
pub(crate) mod write;

pub use check::{Damage, Shape, check};
pub use sources::{Source, SourcesError, sources};

const PAGE_HEADER_BYTES: usize = 16;
const ELEMENT_BYTES: usize = 16;
const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;
const FLAG_BRANCH: u16 = 0x01;
const FLAG_LEAF: u16 = 0x02;
const FLAG_META: u16 = 0x04;
const FLAG_FREELIST: u16 = 0x10;
const ELEMENT_IS_BUCKET: u32 = 0x01;

/// FNV-1a, 64 bit: the meta page's checksum.
fn fnv64a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// The bytes of a fixed length at `at`.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}
