//! Tests of proofs that are made from tiles alone, and of what is never believed.

mod places;

use std::collections::{BTreeMap, BTreeSet};

use ids::Sha256Digest;
use proptest::prelude::*;

use super::*;
use crate::{Tree, empty_root, leaf_hash, verify_consistency, verify_inclusion};

fn tree(size: u64) -> Tree {
    (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

/// The hashes of a tile, from the tree.
fn hashes(tree: &Tree, tile: Tile) -> Vec<Sha256Digest> {
    tile.nodes().map(|(level, index)| tree.node(level, index).unwrap()).collect()
}

fn given(tree: &Tree, tiles: BTreeSet<Tile>) -> BTreeMap<Tile, Vec<Sha256Digest>> {
    tiles.into_iter().map(|tile| (tile, hashes(tree, tile))).collect()
}

/// The verified tiles of a tree, at its edge alone.
fn edge(tree: &Tree) -> VerifiedTiles {
    let (size, root) = (tree.len(), tree.root());
    VerifiedTiles::new(size, root, given(tree, VerifiedTiles::edge(size))).unwrap()
}

/// Fetches what a question takes, and answers it.
fn ask(tree: &Tree, tiles: &mut VerifiedTiles, question: &Question) -> Vec<Sha256Digest> {
    let wanted = tiles.wanted(question.tiles(tiles.size()));
    tiles.admit(given(tree, wanted)).unwrap();
    tiles.answer(question).unwrap()
}

/// Every proof of some leaves and old sizes from tiles is the tree's own.
fn compare(tree: &Tree, size: u64, indexes: &[u64]) {
    let all = tree.len();
    let mut tiles = edge(tree);
    let root = ask(tree, &mut tiles, &Question::root(size));
    assert_eq!(root, [tree.root_at(size).unwrap()]);
    for &index in indexes {
        let question = Question::inclusion(index, size).unwrap();
        let proof = ask(tree, &mut tiles, &question);
        assert_eq!(Ok(&proof), tree.inclusion(index, size).as_ref(), "{index} of {size} of {all}");
        let leaf = tree.leaf(index).unwrap();
        assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root[0]), Ok(()));
        let old = index + 1;
        let question = Question::consistency(old, size).unwrap();
        let proof = ask(tree, &mut tiles, &question);
        assert_eq!(Ok(&proof), tree.consistency(old, size).as_ref(), "{old} to {size} of {all}");
        let old_root = tree.root_at(old).unwrap();
        assert_eq!(verify_consistency(old, &old_root, size, &root[0], &proof), Ok(()));
    }
}

#[test]
fn proofs_from_tiles_are_the_trees_at_every_small_size() {
    for all in 1..=66 {
        let tree = tree(all);
        for size in 1..=all {
            compare(&tree, size, &(0..size).collect::<Vec<_>>());
        }
    }
}

#[test]
fn proofs_from_tiles_are_the_trees_where_tiles_become_full() {
    let tree = tree(66_000);
    for all in [255, 256, 257, 511, 512, 513, 65_279, 65_280, 65_535, 65_536, 65_537, 66_000] {
        let tree: Tree = (0..all).filter_map(|index| tree.leaf(index)).collect();
        for size in [1, 2, 255, 256, 257, 512, 65_280, 65_536, all - 1, all] {
            if (1..=all).contains(&size) {
                let mut indexes = vec![0, size / 2, size - 1, 254, 255, 256, 65_279, 65_535];
                indexes.retain(|index| *index < size);
                compare(&tree, size, &indexes);
            }
        }
    }
}

#[test]
fn the_empty_tree_has_no_tiles() {
    let tiles = edge(&Tree::new());
    assert_eq!(tiles.answer(&Question::root(0)), Ok(vec![empty_root()]));
    let refused = VerifiedTiles::new(0, leaf_hash(b""), BTreeMap::new());
    assert!(matches!(refused, Err(TileError::Root { .. })));
    assert!(Question::inclusion(0, 0).is_err() && Question::consistency(1, 0).is_err());
}

#[test]
fn a_tile_with_one_changed_bit_is_never_believed() {
    let tree = tree(70_000);
    let tiles = edge(&tree);
    let question = Question::inclusion(300, 70_000).unwrap();
    let wanted = tiles.wanted(question.tiles(70_000));
    let paths: Vec<String> = wanted.iter().map(Tile::to_string).collect();
    assert_eq!(paths, ["tile/0/001", "tile/1/000"]);
    let good = given(&tree, wanted);
    assert_eq!(tiles.clone().admit(good.clone()), Ok(()));
    let spoil = |hashes: &mut Vec<Sha256Digest>, at: usize| {
        let mut bytes = *hashes[at].as_bytes();
        bytes[at % 32] ^= 1;
        hashes[at] = Sha256Digest::from_bytes(bytes);
    };
    for (tile, hashes) in &good {
        for at in 0..hashes.len() {
            let mut bad = good.clone();
            spoil(bad.get_mut(tile).unwrap(), at);
            let mut tiles = tiles.clone();
            let refused = tiles.admit(bad).unwrap_err();
            assert!(matches!(refused, TileError::Parent { tile: named, .. } if named == *tile));
            assert_eq!(tiles.hashes(*tile), None);
            assert!(matches!(tiles.answer(&question), Err(TileError::Missing(_))));
        }
    }
    let right = given(&tree, VerifiedTiles::edge(70_000));
    assert_eq!(right.len(), 3);
    for (tile, hashes) in &right {
        for at in 0..hashes.len() {
            let mut bad = right.clone();
            spoil(bad.get_mut(tile).unwrap(), at);
            let refused = VerifiedTiles::new(70_000, tree.root(), bad);
            assert!(matches!(refused, Err(TileError::Root { .. })), "{tile} {at}");
        }
    }
}

#[test]
fn tiles_that_do_not_lead_to_the_root_are_not_believed() {
    let tree = tree(70_000);
    let mut tiles = edge(&tree);
    let one = |tile: Tile| BTreeMap::from([(tile, hashes(&tree, tile))]);
    let (low, high) = (Tile::new(0, 1, 256).unwrap(), Tile::new(1, 0, 256).unwrap());
    // Not before the tile above it.
    assert_eq!(tiles.admit(one(low)), Err(TileError::Missing(high)));
    // Not a part of a tile, which has no hash above it.
    let part = Tile::new(0, 1, 128).unwrap();
    assert_eq!(tiles.admit(one(part)), Err(TileError::Absent { size: 70_000 }));
    let short = BTreeMap::from([(high, hashes(&tree, part))]);
    assert!(matches!(tiles.admit(short), Err(TileError::Length { .. })));
    assert_eq!(tiles.held(), 0);
    tiles.admit(one(high)).unwrap();
    tiles.admit(one(low)).unwrap();
    assert_eq!(tiles.held(), 2);
    tiles.forget();
    assert_eq!((tiles.held(), tiles.hashes(low)), (0, None));
    // Beside the edge, what is given at the beginning is not verified by the root.
    let mut more = given(&tree, VerifiedTiles::edge(70_000));
    more.insert(low, vec![leaf_hash(b"lie"); 256]);
    let tiles = VerifiedTiles::new(70_000, tree.root(), more).unwrap();
    assert_eq!(tiles.hashes(low), None);
    let missing = BTreeMap::new();
    assert!(matches!(VerifiedTiles::new(5, tree.root(), missing), Err(TileError::Missing(_))));
    // A question about a larger tree has no answer.
    assert_eq!(tiles.answer(&Question::root(70_001)), Err(TileError::Absent { size: 70_000 }));
    let larger = Question::inclusion(0, 70_001).unwrap();
    assert!(tiles.answer(&larger).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn proofs_from_tiles_are_the_trees(all in 1_u64..3_000, seed in any::<[u64; 6]>()) {
        let tree = tree(all);
        let size = seed[0] % all + 1;
        let indexes: Vec<u64> = seed[1..].iter().map(|n| n % size).collect();
        compare(&tree, size, &indexes);
    }
}
