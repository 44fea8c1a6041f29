//! What a published log is read as: paths of tiles and bundles, bundles of entries, and proofs that
//! are made from tiles.

use std::collections::{BTreeMap, BTreeSet};

use ids::Sha256Digest;
use merkle::tile::{
    EntryBundle, MAX_ENTRY_BUNDLE_BYTES, Question, TILE_WIDTH, Tile, VerifiedTiles, decode_entries,
    encode_entries, subtree_hash,
};

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

/// The most tiles that one question takes: one on the way down and one at the edge of each level,
/// of each of two sizes.
const MAX_TILES: usize = 32;

type Tiles = BTreeMap<Tile, Vec<Sha256Digest>>;

/// An index or an old size, a size, and which hash of which tile is changed: from tiles that lead to
/// the root every proof verifies, and a changed one is never believed. No size takes many tiles.
pub fn tile_proof(data: &[u8]) -> bool {
    let Some((index, rest)) = data.split_first_chunk::<8>() else { return false };
    let Some((size, change)) = rest.split_first_chunk::<8>() else { return false };
    let (index, size) = (u64::from_le_bytes(*index), u64::from_le_bytes(*size));
    let (Ok(inclusion), Ok(consistency)) =
        (Question::inclusion(index, size), Question::consistency(index, size))
    else {
        assert!(index >= size, "a place in the tree can be asked for");
        return false;
    };
    let leaf = Tile::in_tree(0, index / u64::from(TILE_WIDTH), size).expect("it has a tile");
    let asked = [&inclusion, &consistency, &Question::root(index)];
    let mut tiles = grown(size, asked.into_iter().flat_map(|q| q.tiles(size)).chain([leaf]));
    let at = usize::try_from(index % u64::from(TILE_WIDTH)).expect("below 256");
    let leaf = tiles.get(&leaf).and_then(|hashes| hashes.get(at)).copied().expect("a leaf");
    let given = |question: &Question| {
        question.answer(size, |tile| tiles.get(&tile).map(Vec::as_slice)).expect("it was given")
    };
    let [root] = given(&Question::root(size))[..] else { panic!("a root is one hash") };
    if let [which, place, ..] = *change
        && let Some(hashes) = tiles.values_mut().nth(usize::from(which))
        && let Some(hash) = hashes.get_mut(usize::from(place))
    {
        *hash = Sha256Digest::of(b"another");
        assert!(verified(size, root, tiles).is_none(), "a changed tile is believed");
        return false;
    }
    let tiles = verified(size, root, tiles).expect("each tile leads to the root");
    let answer = |question: &Question| tiles.answer(question).expect("its tiles are verified");
    let proof = answer(&inclusion);
    let holds = merkle::verify_inclusion(&leaf, index, size, &proof, &root);
    assert!(holds.is_ok(), "an inclusion proof from tiles");
    let [old] = answer(&Question::root(index))[..] else { panic!("a root is one hash") };
    let proof = answer(&consistency);
    let holds = merkle::verify_consistency(index, &old, size, &root, &proof);
    assert!(holds.is_ok(), "a consistency proof from tiles");
    true
}

/// Some tiles of a tree of `size` leaves with those above them and at its edge: made-up hashes, but
/// for those over a tile that is there.
fn grown(size: u64, asked: impl Iterator<Item = Tile>) -> Tiles {
    let mut places: BTreeSet<Tile> = VerifiedTiles::edge(size);
    places.extend(asked);
    let mut above: Vec<Tile> = places.iter().copied().collect();
    while let Some(tile) = above.pop() {
        above.extend(parent(tile, size).filter(|parent| places.insert(*parent)));
    }
    assert!(places.len() <= MAX_TILES, "a question takes {} tiles", places.len());
    let made_up = |tile: &Tile| {
        let nodes = tile.nodes().map(|(level, index)| {
            let bytes = [u64::from(level), index, size, 0].map(u64::to_le_bytes);
            Sha256Digest::from_bytes(bytes.concat().try_into().expect("32 bytes"))
        });
        (*tile, nodes.collect())
    };
    let mut tiles: Tiles = places.iter().map(made_up).collect();
    // In the order of their levels: what is over a tile is made after it.
    for tile in places.into_iter().filter(|tile| tile.is_full()) {
        let hash = tiles.get(&tile).map(|hashes| subtree_hash(hashes)).expect("it is there");
        let over = parent(tile, size).and_then(|parent| tiles.get_mut(&parent));
        let place = usize::try_from(tile.index() % u64::from(TILE_WIDTH)).expect("below 256");
        *over.and_then(|hashes| hashes.get_mut(place)).expect("a full tile has one above") = hash;
    }
    tiles
}

fn parent(tile: Tile, size: u64) -> Option<Tile> {
    Tile::in_tree(tile.level().checked_add(1)?, tile.index() / u64::from(TILE_WIDTH), size)
}

fn verified(size: u64, root: Sha256Digest, tiles: Tiles) -> Option<VerifiedTiles> {
    let edge = VerifiedTiles::edge(size);
    let (edge, others) = tiles.into_iter().partition(|(tile, _)| edge.contains(tile));
    let mut verified = VerifiedTiles::new(size, root, edge).ok()?;
    verified.admit(others).ok()?;
    Some(verified)
}
