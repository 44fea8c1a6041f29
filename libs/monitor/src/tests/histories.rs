//! Honest and lying histories of any length.

use proptest::prelude::*;

use super::*;

fn entries(count: usize, branch: &str) -> Vec<Vec<u8>> {
    let one = |n: usize| entry(&format!("{branch} {n}"), KEY, i64::try_from(n).unwrap());
    (0..count).map(one).collect()
}

/// A monitor that knows every document of the honest branch.
fn knowing(count: usize) -> Own {
    let mut own = mine();
    (0..count).for_each(|n| own.made(commitment_of(&format!("honest {n}"))).unwrap());
    own
}

/// How the sizes grow, and a place below the last but one.
fn sizes() -> impl Strategy<Value = (Vec<usize>, usize)> {
    proptest::collection::vec(0..40_usize, 1..6).prop_flat_map(|steps| {
        let sizes: Vec<_> = steps
            .iter()
            .scan(1, |size, step| {
                *size += step;
                Some(*size)
            })
            .collect();
        let last = *sizes.last().unwrap_or(&1);
        (Just(sizes), 0..last)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_honest_log_never_raises_an_alert((sizes, _) in sizes()) {
        let log = entries(256, "honest");
        let (mut state, own) = (State::new(), knowing(256));
        for size in sizes {
            prop_assert_eq!(round(&mut state, &log[..size], &own), Ok(Vec::new()));
            prop_assert_eq!(state.entries_read(), size as u64);
            // A restart changes nothing.
            let bytes = state.to_bytes().unwrap();
            prop_assert_eq!(&State::parse(&bytes, &policy()).unwrap(), &state);
        }
    }

    #[test]
    fn a_changed_past_is_a_fork_whatever_comes_after(
        (sizes, place) in sizes(), more in 0..40_usize, dropped in any::<bool>(),
    ) {
        let seen = *sizes.last().unwrap();
        let mut log = entries(256, "honest");
        let (mut state, own) = (State::new(), knowing(256));
        for size in sizes {
            round(&mut state, &log[..size], &own).unwrap();
        }
        let before = state.clone();
        if dropped { drop(log.remove(place)); } else { log[place] = entry("lie", KEY, 1); }
        let alert = *round(&mut state, &log[..seen + more], &own).unwrap_err();
        prop_assert_eq!(alert.word(), "forked");
        prop_assert!(alert.is_proof());
        prop_assert_eq!(state, before, "what is known stays");
    }

    #[test]
    fn a_smaller_log_is_rolled_back((sizes, place) in sizes()) {
        let seen = *sizes.last().unwrap();
        let log = entries(256, "honest");
        let (mut state, own) = (State::new(), knowing(256));
        round(&mut state, &log[..seen], &own).unwrap();
        let alert = *round(&mut state, &log[..place], &own).unwrap_err();
        prop_assert_eq!(alert.word(), "rolled-back");
    }

    #[test]
    fn entries_that_were_not_signed_are_changed((sizes, place) in sizes(), kind in 0..3_u8) {
        let seen = *sizes.last().unwrap();
        let log = entries(seen, "honest");
        let mut others = log.clone();
        match kind {
            0 => others[place] = entry("lie", KEY, 1),
            1 => { others.remove(place); others.push(entry("lie", KEY, 1)); }
            _ => { others.insert(place, entry("lie", KEY, 1)); others.pop(); }
        }
        let alert = *served(&mut State::new(), &log, &others, &knowing(256)).unwrap_err();
        prop_assert_eq!(alert.word(), "changed");
    }
}
