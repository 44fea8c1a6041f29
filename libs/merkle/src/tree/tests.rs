//! Tests of the tree against published roots and the recursive definition.

use crate::{
    RangeError, Tree, empty_root, leaf_hash, node_hash, verify_consistency, verify_inclusion,
};
use ids::Sha256Digest;

/// The classic inputs of certificate-transparency's reference tests, and the root after each.
const VECTORS: [(&str, &str); 8] = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (
        "606162636465666768696a6b6c6d6e6f",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
];

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn leaves(count: u64) -> Vec<Sha256Digest> {
    (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

/// RFC 9162, section 2.1.1, word for word.
fn naive_root(leaves: &[Sha256Digest]) -> Sha256Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let k = (leaves.len() - 1).ilog2();
            let (left, right) = leaves.split_at(1 << k);
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

/// RFC 9162, section 2.1.3.1, word for word.
fn naive_inclusion(index: usize, leaves: &[Sha256Digest]) -> Vec<Sha256Digest> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = 1 << (leaves.len() - 1).ilog2();
    let (left, right) = leaves.split_at(k);
    let (mut path, other) = if index < k {
        (naive_inclusion(index, left), right)
    } else {
        (naive_inclusion(index - k, right), left)
    };
    path.push(naive_root(other));
    path
}

/// RFC 9162, section 2.1.4.1, word for word.
fn naive_consistency(old: usize, leaves: &[Sha256Digest], whole: bool) -> Vec<Sha256Digest> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let k = 1 << (leaves.len() - 1).ilog2();
    let (left, right) = leaves.split_at(k);
    let (mut path, other) = if old <= k {
        (naive_consistency(old, left, whole), right)
    } else {
        (naive_consistency(old - k, right, false), left)
    };
    path.push(naive_root(other));
    path
}

#[test]
fn published_roots_are_met() {
    let mut tree = Tree::new();
    assert_eq!(
        tree.root().to_hex(),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    for (index, (input, root)) in (0..).zip(VECTORS) {
        assert_eq!(tree.append(leaf_hash(&unhex(input))), index);
        assert_eq!(tree.root().to_hex(), root, "after leaf {index}");
        assert_eq!(tree.root_at(index + 1), Ok(tree.root()));
    }
    let path = tree.inclusion(0, 8).unwrap();
    let path: Vec<String> = path.iter().map(Sha256Digest::to_hex).collect();
    assert_eq!(
        path,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]
    );
    let path = tree.consistency(6, 8).unwrap();
    let path: Vec<String> = path.iter().map(Sha256Digest::to_hex).collect();
    assert_eq!(
        path,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
}

#[test]
fn every_size_to_70_equals_the_recursive_definition() {
    let leaves = leaves(70);
    let tree: Tree = leaves.iter().copied().collect();
    for size in 0..=leaves.len() {
        let now = &leaves[..size];
        let n = size as u64;
        let root = naive_root(now);
        assert_eq!(tree.root_at(n), Ok(root), "size {size}");
        for (index, leaf) in now.iter().enumerate() {
            let i = index as u64;
            let proof = tree.inclusion(i, n).unwrap();
            assert_eq!(proof, naive_inclusion(index, now), "leaf {index} of {size}");
            assert_eq!(verify_inclusion(leaf, i, n, &proof, &root), Ok(()));
        }
        for old in 0..=size {
            let m = old as u64;
            let proof = tree.consistency(m, n).unwrap();
            if old > 0 {
                assert_eq!(proof, naive_consistency(old, now, true), "{old} to {size}");
            }
            let old_root = naive_root(&leaves[..old]);
            assert_eq!(verify_consistency(m, &old_root, n, &root, &proof), Ok(()));
        }
    }
}

#[test]
fn questions_outside_of_the_tree_are_refused() {
    let tree: Tree = leaves(5).into_iter().collect();
    assert_eq!(tree.root_at(6), Err(RangeError::Size { size: 6, limit: 5 }));
    assert_eq!(tree.inclusion(5, 5), Err(RangeError::Index { index: 5, size: 5 }));
    assert_eq!(tree.inclusion(0, 0), Err(RangeError::Index { index: 0, size: 0 }));
    assert_eq!(tree.inclusion(0, u64::MAX), Err(RangeError::Size { size: u64::MAX, limit: 5 }));
    assert_eq!(tree.consistency(4, 3), Err(RangeError::Size { size: 4, limit: 3 }));
    assert_eq!(tree.consistency(4, 6), Err(RangeError::Size { size: 6, limit: 5 }));
    assert_eq!(tree.leaf(5), None);
    assert_eq!(tree.node(2, 0), tree.root_at(4).ok());
    assert_eq!(tree.node(70, 0), None);
}

#[test]
fn a_tree_that_was_cut_is_the_tree_that_it_was() {
    let leaves = leaves(70);
    for size in 0..=leaves.len() {
        let mut tree: Tree = leaves.iter().copied().collect();
        tree.truncate(size as u64);
        assert_eq!((tree.len(), tree.root()), (size as u64, naive_root(&leaves[..size])));
        tree.truncate(70);
        for leaf in &leaves[size..] {
            tree.append(*leaf);
        }
        assert_eq!(tree.root(), naive_root(&leaves), "cut to {size}");
        assert_eq!(tree.node(1, 34), Some(naive_root(&leaves[68..])));
    }
}
