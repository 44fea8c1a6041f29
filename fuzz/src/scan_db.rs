//! The scanner's database: what it travels in, and the file itself.

use std::io::Cursor;

use ids::Sha256Digest;

const MAGIC: [u8; 4] = 0xED0C_DAED_u32.to_le_bytes();
const PAGE: usize = 4096;

/// An archive with a database, a `metadata.json`, or a database file: whichever it begins like.
pub fn scan_db(data: &[u8]) -> bool {
    if data.first() == Some(&b'{') {
        return scandb::Metadata::parse(data).is_ok();
    }
    if data.get(16..20) == Some(&MAGIC) {
        return database(data.to_vec());
    }
    let mut file = Vec::new();
    let Ok(unpacked) = scandb::unpack(Cursor::new(data), &mut file) else { return false };
    assert_eq!(unpacked.bytes, file.len() as u64, "all of it was written");
    assert_eq!(unpacked.sha256, Sha256Digest::of(&file), "and that is what was hashed");
    assert!(unpacked.metadata.len() as u64 <= scandb::METADATA_BYTES_MAX, "within the bound");
    true
}

/// Checksums are made to hold, so that they do not end every run.
fn database(mut bytes: Vec<u8>) -> bool {
    for page in [0, PAGE] {
        if let Some(meta) = bytes.get_mut(page + 16..page + 80) {
            let (body, sum) = meta.split_at_mut(56);
            sum.copy_from_slice(&fnv64a(body).to_le_bytes());
        }
    }
    let length = bytes.len() as u64;
    let mut file = Cursor::new(bytes);
    let Ok(Ok(shape)) = scandb::check(&mut file) else { return false };
    assert!(shape.pages * u64::from(shape.page_bytes) <= length, "every page is there");
    let Ok(sources) = scandb::sources(&mut file, shape) else { return false };
    let counted: u64 = sources.iter().map(|source| source.advisories).sum();
    assert!(counted <= length / 16, "no more than there is room for");
    true
}

fn fnv64a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
