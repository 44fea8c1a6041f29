//! Tests of the proof checks: nothing that was changed by one bit passes.

use ids::Sha256Digest;
use proptest::prelude::*;

use super::*;
use crate::{Tree, leaf_hash};

fn tree(size: u64) -> Tree {
    (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

fn flip(digest: &Sha256Digest, bit: usize) -> Sha256Digest {
    let mut bytes = *digest.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Sha256Digest::from_bytes(bytes)
}

fn flip_one(proof: &[Sha256Digest], hash: usize, bit: usize) -> Vec<Sha256Digest> {
    let mut proof = proof.to_vec();
    proof[hash] = flip(&proof[hash], bit);
    proof
}

#[test]
fn every_one_bit_change_to_an_inclusion_is_refused() {
    for size in 1..=40 {
        let tree = tree(size);
        let root = tree.root();
        for index in 0..size {
            let leaf = tree.leaf(index).unwrap();
            let proof = tree.inclusion(index, size).unwrap();
            for bit in 0..256 {
                assert!(verify_inclusion(&flip(&leaf, bit), index, size, &proof, &root).is_err());
                assert!(verify_inclusion(&leaf, index, size, &proof, &flip(&root, bit)).is_err());
            }
            for hash in 0..proof.len() {
                for bit in 0..256 {
                    let proof = flip_one(&proof, hash, bit);
                    assert!(verify_inclusion(&leaf, index, size, &proof, &root).is_err());
                }
            }
            for bit in 0..64 {
                assert!(verify_inclusion(&leaf, index ^ 1 << bit, size, &proof, &root).is_err());
            }
        }
    }
}

/// The sizes under which leaf `index` has a path of the same turns: a proof cannot tell them apart.
fn turns(index: u64, size: u64) -> Vec<bool> {
    let (mut index, mut length, mut turns) = (index, size, Vec::new());
    while length > 1 {
        let left = 1 << (length - 1).ilog2();
        turns.push(index >= left);
        (index, length) = if index < left { (index, left) } else { (index - left, length - left) };
    }
    turns
}

#[test]
fn a_changed_size_passes_only_where_the_path_is_the_same() {
    let mut told_apart = 0;
    for size in 1..=40 {
        let tree = tree(size);
        for index in 0..size {
            let leaf = tree.leaf(index).unwrap();
            let proof = tree.inclusion(index, size).unwrap();
            for other in (0..64).map(|bit| size ^ 1 << bit) {
                let passes = verify_inclusion(&leaf, index, other, &proof, &tree.root()).is_ok();
                let same = index < other && turns(index, other) == turns(index, size);
                assert_eq!(passes, same, "leaf {index} of {size}, read as of {other}");
                told_apart += u32::from(!passes);
            }
        }
    }
    assert!(told_apart > 40_000);
}

#[test]
fn every_one_bit_change_to_a_consistency_is_refused() {
    for new in 1..=24 {
        let tree = tree(new);
        let new_root = tree.root();
        for old in 1..=new {
            let old_root = tree.root_at(old).unwrap();
            let proof = tree.consistency(old, new).unwrap();
            for bit in 0..256 {
                let (bad_old, bad_new) = (flip(&old_root, bit), flip(&new_root, bit));
                assert!(verify_consistency(old, &bad_old, new, &new_root, &proof).is_err());
                assert!(verify_consistency(old, &old_root, new, &bad_new, &proof).is_err());
                for hash in 0..proof.len() {
                    let bad = flip_one(&proof, hash, bit);
                    assert!(verify_consistency(old, &old_root, new, &new_root, &bad).is_err());
                }
            }
            for extra in [proof.iter().copied().chain([new_root]).collect(), Vec::new()] {
                if extra != proof {
                    assert!(verify_consistency(old, &old_root, new, &new_root, &extra).is_err());
                }
            }
        }
    }
}

#[test]
fn roots_of_empty_and_equal_trees_are_checked() {
    let (empty, one) = (empty_root(), tree(1).root());
    assert_eq!(verify_consistency(0, &empty, 0, &empty, &[]), Ok(()));
    assert_eq!(verify_consistency(0, &empty, 1, &one, &[]), Ok(()));
    assert_eq!(verify_consistency(1, &one, 1, &one, &[]), Ok(()));
    assert!(verify_consistency(0, &one, 1, &one, &[]).is_err());
    assert!(verify_consistency(0, &empty, 0, &one, &[]).is_err());
    assert!(verify_consistency(1, &one, 1, &empty, &[]).is_err());
    assert!(verify_consistency(1, &one, 1, &one, &[one]).is_err());
    assert!(verify_consistency(0, &empty, 1, &one, &[one]).is_err());
    assert_eq!(
        verify_consistency(2, &one, 1, &one, &[]),
        Err(ConsistencyError::Shrank { old: 2, new: 1 })
    );
}

#[test]
fn proofs_are_bounded_and_huge_sizes_do_not_overflow() {
    let hash = leaf_hash(b"");
    let long = vec![hash; MAX_PROOF_HASHES + 1];
    let refused = verify_inclusion(&hash, 0, u64::MAX, &long, &hash);
    assert!(matches!(refused, Err(InclusionError::Length { got: 65, .. })));
    let refused = verify_consistency(1, &hash, u64::MAX, &hash, &long);
    assert!(matches!(refused, Err(ConsistencyError::Length { got: 65, .. })));
    // The longest there is: an old tree that ends within each subtree of a tree of 64 levels.
    let refused = verify_consistency(3, &hash, u64::MAX, &hash, &long);
    assert!(matches!(refused, Err(ConsistencyError::OldRoot { .. })));
    let longer = vec![hash; MAX_PROOF_HASHES + 2];
    let refused = verify_consistency(3, &hash, u64::MAX, &hash, &longer);
    assert!(matches!(refused, Err(ConsistencyError::Length { got: 66, .. })));
    for size in [u64::MAX, 1 << 63, (1 << 63) + 1] {
        for index in [0, size / 2, size - 1] {
            assert!(verify_inclusion(&hash, index, size, &long[..64], &hash).is_err());
            assert!(verify_consistency(index, &hash, size, &hash, &long[..64]).is_err());
        }
    }
}

proptest! {
    #[test]
    fn proofs_of_any_tree_verify_and_of_another_do_not(
        size in 1_u64..2_000, a in any::<u64>(), b in any::<u64>()
    ) {
        let tree = tree(size);
        let (index, old) = (a % size, b % size + 1);
        let (root, leaf) = (tree.root(), tree.leaf(index).unwrap());
        let proof = tree.inclusion(index, size).unwrap();
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
        let old_root = tree.root_at(old).unwrap();
        let steps = tree.consistency(old, size).unwrap();
        prop_assert_eq!(verify_consistency(old, &old_root, size, &root, &steps), Ok(()));
        let mut forked: Tree = (0..old - 1).map(|i| tree.leaf(i).unwrap()).collect();
        forked.append(leaf_hash(b"rewritten"));
        let refused = verify_consistency(old, &forked.root(), size, &root, &steps);
        prop_assert!(refused.is_err());
    }

    #[test]
    fn arbitrary_proofs_never_panic(
        index in any::<u64>(), size in any::<u64>(),
        proof in proptest::collection::vec(any::<[u8; 32]>(), 0..70)
    ) {
        let proof: Vec<_> = proof.into_iter().map(Sha256Digest::from_bytes).collect();
        let root = leaf_hash(b"root");
        prop_assert!(verify_inclusion(&root, index, size, &proof, &empty_root()).is_err());
        let _ = verify_consistency(index, &root, size, &root, &proof);
    }
}
