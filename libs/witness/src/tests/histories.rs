//! Histories of logs that grow, lie, roll back and fork: what a witness cosigned is always one log.

use ids::Sha256Digest;
use merkle::Checkpoint;
use proptest::prelude::*;

use super::fixture::{head, logs, note, tree};
use crate::{Request, decide, request_body};

const LEAVES: u64 = 24;

/// One request: a checkpoint of a branch, from some size, with a proof of some branch, perhaps
/// damaged; or an honest one, which knows what the witness cosigned last.
#[derive(Debug, Clone)]
struct Ask {
    honest: bool,
    branch: u8,
    proof_branch: u8,
    old: u64,
    size: u64,
    damage: Option<(usize, u8)>,
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let sizes = (0..=LEAVES, 0..=LEAVES);
    let damage = proptest::option::weighted(0.2, (0..6_usize, any::<u8>()));
    let ask = (any::<bool>(), 0..3_u8, 0..3_u8, sizes, damage).prop_map(
        |(honest, branch, proof_branch, (old, size), damage)| Ask {
            honest,
            branch,
            proof_branch,
            old,
            size,
            damage,
        },
    );
    proptest::collection::vec(ask, 1..40)
}

fn proof(ask: &Ask, fork: u64, old: u64) -> Vec<Sha256Digest> {
    let branch = if ask.honest { ask.branch } else { ask.proof_branch };
    let mut proof = tree(branch, fork, LEAVES).consistency(old, ask.size).unwrap_or_default();
    if let Some((place, byte)) = ask.damage {
        match proof.get_mut(place) {
            Some(hash) => *hash = Sha256Digest::of(&[byte]),
            None => proof.push(Sha256Digest::of(&[byte])),
        }
    }
    proof
}

proptest! {
    #[test]
    fn what_was_cosigned_is_one_history(fork in 0..LEAVES, asks in asks()) {
        let mut cosigned: Vec<(u8, Checkpoint)> = Vec::new();
        for ask in asks {
            let last = cosigned.last().map(|(_, checkpoint)| checkpoint.clone());
            let known = last.as_ref().map_or(0, |last| last.size);
            let old = if ask.honest { known } else { ask.old };
            let branch = tree(ask.branch, fork, LEAVES);
            let body = request_body(old, &proof(&ask, fork, old), &note(&branch, ask.size));
            let Ok(request) = Request::parse(body.as_bytes()) else {
                prop_assert!(old > ask.size || !ask.honest);
                continue;
            };
            // What every cosigned tree was made of is known here: no proof is asked.
            let extends = cosigned.iter().all(|(_, earlier)| {
                earlier.size <= ask.size && branch.root_at(earlier.size) == Ok(earlier.root)
            });
            match decide(last.as_ref(), &request, &logs()) {
                Ok(cosign) => {
                    prop_assert!(extends, "cosigned what does not extend {cosigned:?}");
                    prop_assert_eq!(cosign.checkpoint(), &head(&branch, ask.size));
                    cosigned.push((ask.branch, cosign.checkpoint().clone()));
                }
                Err(refusal) => {
                    let honest = ask.honest && ask.damage.is_none() && extends;
                    prop_assert!(!honest, "refused an honest log: {refusal}");
                }
            }
        }
        for (earlier, later) in cosigned.iter().zip(cosigned.iter().skip(1)) {
            prop_assert!(earlier.1.size <= later.1.size, "the size went back");
            prop_assert!(earlier.1.size < later.1.size || earlier.1.root == later.1.root, "two roots");
        }
    }
}
