//! What a published log is read as: paths of tiles and bundles, and bundles of entries.

use merkle::tile::{EntryBundle, MAX_ENTRY_BUNDLE_BYTES, Tile, decode_entries, encode_entries};

/// The path of a tile or an entry bundle: what reads is the one spelling of its place.
pub fn tile_path(data: &[u8]) -> bool {
    let Ok(path) = std::str::from_utf8(data) else {
        return false;
    };
    let (tile, bundle) = (path.parse::<Tile>(), path.parse::<EntryBundle>());
    assert!(tile.is_err() || bundle.is_err(), "a path of two things");
    if let Ok(tile) = tile {
        assert_eq!(tile.to_string(), path, "a tile has one path");
        assert!(tile.byte_len() <= 8192, "a tile is at most 8 KiB");
    }
    if let Ok(bundle) = bundle {
        assert_eq!(bundle.to_string(), path, "a bundle has one path");
        let last = bundle.first_entry().checked_add(u64::from(bundle.width()) - 1);
        assert!(last.is_some(), "the index of each entry fits");
    }
    tile.is_ok() || bundle.is_ok()
}

/// How many entries, less one, and the file: what reads is written back byte for byte.
pub fn entry_bundle(data: &[u8]) -> bool {
    let Some((width, bytes)) = data.split_first() else {
        return false;
    };
    let width = u16::from(*width) + 1;
    let Ok(entries) = decode_entries(bytes, width) else {
        return false;
    };
    assert!(bytes.len() <= MAX_ENTRY_BUNDLE_BYTES, "a bundle is bounded");
    assert_eq!(entries.len(), usize::from(width), "exactly as many entries as asked for");
    let written = encode_entries(entries).expect("each length fits");
    assert!(written == bytes, "a bundle has one spelling");
    true
}
