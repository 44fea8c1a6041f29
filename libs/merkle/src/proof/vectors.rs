//! Proofs that other people wrote: the happy paths of transparency-dev/merkle, `testdata/`, and the
//! changes to them that its other files make.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ids::Sha256Digest;

use super::{verify_consistency, verify_inclusion};

const A: &str = "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=";
const B: &str = "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=";
const C: &str = "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=";
const D: &str = "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=";
const E: &str = "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=";
const F: &str = "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=";
const G: &str = "sIaT7C5yFZcTBkHoIR5+7cy0wmQTlj7ubB4u0W/7Gl8=";
const ROOT_1: &str = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=";
const ROOT_2: &str = "+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=";
const ROOT_3: &str = "rra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=";
const ROOT_4: &str = "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=";
const ROOT_5: &str = "Tju7H3tHjc/nH7YxYxUZo7yhLJrvyhYSv85ME6hiZNQ=";
const ROOT_6: &str = "duZ9rbzfHhDht03cYIq9L5jfsW+851J3tSMqEn8gh+8=";
const ROOT_7: &str = "3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=";
const ROOT_8: &str = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=";

/// `testdata/inclusion/{1,2,3,4}/happy-path.json`: leaf, size, root, leaf hash, proof.
const INCLUSIONS: [(u64, u64, &str, &str, &[&str]); 4] = [
    (0, 8, ROOT_8, ROOT_1, &[A, B, C]),
    (5, 8, ROOT_8, "QnGia+DYqE8L1UyMMC58s6O10fpngKQLzOKHNHfatlg=", &[F, E, ROOT_4]),
    (2, 3, ROOT_3, "ApjRIpBtz8EIkstTpzmS/FufST6kybrbJ7eRtBJ6f+c=", &[ROOT_2]),
    (1, 5, ROOT_5, A, &[ROOT_1, B, F]),
];

/// `testdata/consistency/{1,2,3,4}/happy-path.json`: sizes, roots, proof.
const CONSISTENCIES: [(u64, u64, &str, &str, &[&str]); 4] = [
    (1, 8, ROOT_1, ROOT_8, &[A, B, C]),
    (6, 8, ROOT_6, ROOT_8, &[D, E, ROOT_4]),
    (2, 5, ROOT_2, ROOT_5, &[B, F]),
    (6, 7, ROOT_6, ROOT_7, &[D, G, ROOT_4]),
];

fn hash(text: &str) -> Sha256Digest {
    Sha256Digest::from_bytes(STANDARD.decode(text).unwrap().try_into().unwrap())
}

/// `modified-proof`, `truncated-proof`, `preceding-…`, `trailing-…` and `empty-proof`.
fn spoilt(proof: &[Sha256Digest], roots: [Sha256Digest; 2]) -> Vec<Vec<Sha256Digest>> {
    let mut all = vec![Vec::new(), proof[1..].to_vec(), proof[..proof.len() - 1].to_vec()];
    for at in 0..proof.len() {
        let mut bytes = *proof[at].as_bytes();
        bytes[0] ^= 1 << 4;
        let mut proof = proof.to_vec();
        proof[at] = Sha256Digest::from_bytes(bytes);
        all.push(proof);
    }
    for more in roots.into_iter().chain([Sha256Digest::from_bytes([0; 32]), proof[0]]) {
        all.push([&[more], proof].concat());
        all.push([proof, &[more]].concat());
    }
    all
}

#[test]
fn other_peoples_inclusions_hold_and_their_spoilt_ones_do_not() {
    for (index, size, root, leaf, proof) in INCLUSIONS {
        let (root, leaf) = (hash(root), hash(leaf));
        let proof: Vec<_> = proof.iter().map(|text| hash(text)).collect();
        let holds = |index, size, leaf, root, proof: &[_]| {
            verify_inclusion(leaf, index, size, proof, root).is_ok()
        };
        assert!(holds(index, size, &leaf, &root, &proof));
        for bad in spoilt(&proof, [root, leaf]) {
            assert!(!holds(index, size, &leaf, &root, &bad), "{index} of {size}: {bad:?}");
        }
        for other in [index + 1, index ^ 2, index.wrapping_sub(1)] {
            assert!(!holds(other, size, &leaf, &root, &proof), "{other} for {index} of {size}");
        }
        for other in [size * 2, size / 2] {
            assert!(!holds(index, other, &leaf, &root, &proof), "{index} of {other} for {size}");
        }
        assert!(!holds(index, size, &root, &leaf, &proof), "swapped");
        assert!(!holds(index, size, &leaf, &hash(D), &proof), "another root");
    }
}

#[test]
fn other_peoples_consistencies_hold_and_their_spoilt_ones_do_not() {
    for (old, new, old_root, new_root, proof) in CONSISTENCIES {
        let (old_root, new_root) = (hash(old_root), hash(new_root));
        let proof: Vec<_> = proof.iter().map(|text| hash(text)).collect();
        let holds = |old, new, proof: &[_]| {
            verify_consistency(old, &old_root, new, &new_root, proof).is_ok()
        };
        assert!(holds(old, new, &proof));
        for bad in spoilt(&proof, [old_root, new_root]) {
            assert!(!holds(old, new, &bad), "{old} to {new}: {bad:?}");
        }
        for other in [old - 1, old + 1, old ^ 2] {
            assert!(!holds(other, new, &proof), "{other} for {old}, to {new}");
        }
        for other in [new * 2, new / 2] {
            assert!(!holds(old, other, &proof), "{old} to {other}, for {new}");
        }
        assert!(verify_consistency(old, &new_root, new, &old_root, &proof).is_err(), "swapped");
        assert!(verify_consistency(old, &hash(B), new, &new_root, &proof).is_err());
        assert!(verify_consistency(old, &old_root, new, &hash(B), &proof).is_err());
    }
}
