//! Every answer of a ledger that keeps its history is taken, and none of one that does not.

use merkle::{Tree, leaf_hash};
use proptest::prelude::*;

use super::*;

fn tree(leaves: &[u8]) -> Tree {
    leaves.iter().map(|leaf| leaf_hash(&[*leaf])).collect()
}

fn head(tree: &Tree, size: u64) -> Head {
    let root = tree.root_at(size).unwrap();
    Head { origin: "log".to_owned(), size, root }
}

/// What the scheduler makes of `got`, with the proof that the ledger of `tree` gives.
fn judged(known: Option<&Head>, newest: Option<&Head>, got: &Head, tree: &Tree) -> Result<(), Lie> {
    match link(known, newest, got)? {
        Link::First | Link::Same => Ok(()),
        Link::Between { old, new } => {
            let proof = tree.consistency(old.size, new.size).unwrap_or_default();
            prove(old, new, &proof)
        }
    }
}

proptest! {
    #[test]
    fn an_honest_ledger_is_believed_in_whatever_order_its_answers_come(
        leaves in proptest::collection::vec(any::<u8>(), 1..40), sizes in any::<[prop::sample::Index; 3]>(),
    ) {
        let tree = tree(&leaves);
        let mut sizes = sizes.map(|index| index.index(leaves.len()) as u64 + 1);
        sizes.sort_unstable();
        let [known, one, other] = sizes.map(|size| head(&tree, size));
        for (newest, got) in [(&one, &other), (&other, &one), (&one, &one)] {
            prop_assert_eq!(judged(Some(&known), Some(newest), got, &tree), Ok(()));
            prop_assert_eq!(judged(None, None, got, &tree), Ok(()));
        }
    }

    #[test]
    fn a_ledger_with_another_history_is_refused(
        leaves in proptest::collection::vec(any::<u8>(), 1..40), at in any::<prop::sample::Index>(),
        more in proptest::collection::vec(any::<u8>(), 0..9),
    ) {
        let honest = tree(&leaves);
        let newest = head(&honest, leaves.len() as u64);
        let mut changed = leaves.clone();
        changed[at.index(leaves.len())] ^= 1;
        changed.extend(more);
        let lying = tree(&changed);
        let got = head(&lying, changed.len() as u64);
        let refused = judged(Some(&newest), Some(&newest), &got, &lying).unwrap_err();
        prop_assert_eq!(refused.reason(), Reason::LedgerRolledBack);
    }

    #[test]
    fn a_ledger_that_lost_entries_is_refused(
        leaves in proptest::collection::vec(any::<u8>(), 2..40), size in any::<prop::sample::Index>(),
    ) {
        let tree = tree(&leaves);
        let newest = head(&tree, leaves.len() as u64);
        let got = head(&tree, size.index(leaves.len() - 1) as u64 + 1);
        let refused = judged(Some(&newest), Some(&newest), &got, &tree);
        prop_assert_eq!(refused, Err(Lie::RolledBack { had: newest.size, got: got.size }));
    }
}

#[test]
fn another_log_begins_anew() {
    let old = head(&tree(&[1, 2, 3]), 3);
    let got = Head { origin: "other".to_owned(), ..head(&tree(&[9]), 1) };
    assert_eq!(link(Some(&old), Some(&old), &got), Ok(Link::First));
}

#[test]
fn a_log_that_comes_back_is_held_against_its_own_history() {
    let old = head(&tree(&[1, 2, 3]), 3);
    let between = Head { origin: "other".to_owned(), ..head(&tree(&[9]), 1) };
    let heads = [old.clone(), between];
    let rolled_back = head(&tree(&[1, 2, 3]), 2);
    let known = newest_of(&heads, &rolled_back.origin);
    assert_eq!(known, Some(&old));
    let refused = link(known, known, &rolled_back);
    assert_eq!(refused, Err(Lie::RolledBack { had: 3, got: 2 }));
    assert_eq!(newest_of(&heads, "a third"), None);
}
