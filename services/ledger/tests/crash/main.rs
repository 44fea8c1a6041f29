//! Kill -9 at random points over a disk that loses, tears and refuses: no acknowledged entry is lost,
//! none is acknowledged after a failed sync, and the log never forks nor goes back.
//!
//! 40 rounds by default; `LEDGER_CRASH_ROUNDS=1000` for all of them. A round that fails names the
//! `LEDGER_CRASH_SEED` that has the same kills and faults again.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod child;
mod fault;
mod parent;

use fault::Syncs;
use parent::{Campaign, Findings, ROUNDS_OF_A_LOG};

/// What a child is told.
const ORDERS: &str = "LEDGER_CRASH_TEST_ORDERS";

/// The child.
#[test]
#[ignore = "only the other tests run it"]
fn child_process() {
    if let Ok(orders) = std::env::var(ORDERS) {
        child::run(&orders);
    }
}

fn rounds() -> u64 {
    std::env::var("LEDGER_CRASH_ROUNDS").map_or(40, |rounds| rounds.parse().unwrap())
}

#[test]
fn killed_at_random_points_the_log_loses_nothing_acknowledged_and_never_forks() {
    let rounds = rounds();
    let mut campaign = Campaign::new(Syncs::Honest, false);
    let mut all = Findings::default();
    for round in 0..rounds {
        if round > 0 && round.is_multiple_of(ROUNDS_OF_A_LOG) {
            campaign = Campaign::new(Syncs::Honest, (round / ROUNDS_OF_A_LOG) % 2 == 1);
        }
        campaign.round(round, &mut all).unwrap_or_else(|error| panic!("{error}\n{all:?}"));
    }
    println!("{rounds} rounds: {all:?}");
    assert!(all.killed > rounds / 4 && all.killed_early > rounds / 20, "{all:?}");
    assert!(all.syncs_failed + all.unopened > rounds / 12, "{all:?}");
    assert!(all.acknowledged > rounds * 5, "{all:?}");
}

/// What is found of ten disks that are not honest, with a witness and without; and how many logs had
/// acknowledged anything.
fn caught(syncs: Syncs) -> (Vec<String>, usize) {
    let mut acknowledged = 0;
    let caught = (0..20).filter_map(|log| {
        let mut campaign = Campaign::new(syncs, log % 2 == 1);
        let mut all = Findings::default();
        let error = (0..3).find_map(|again| campaign.round(log * 3 + again, &mut all).err());
        acknowledged += usize::from(all.acknowledged > 0);
        error
    });
    (caught.collect(), acknowledged)
}

/// The harness itself: a disk that says that it synced, and did not, is caught.
#[test]
fn a_disk_that_lies_about_its_syncs_is_caught() {
    let (caught, acknowledged) = caught(Syncs::Lie);
    println!("caught, of {acknowledged}: {caught:#?}");
    assert!(acknowledged > 2 && caught.len() * 2 >= acknowledged, "{acknowledged}: {caught:?}");
}

/// And one whose syncs write whole commits, one too late: nothing is torn, an answer is lost.
#[test]
fn a_disk_whose_syncs_come_one_too_late_is_caught() {
    let (caught, acknowledged) = caught(Syncs::Late);
    println!("caught, of {acknowledged}: {caught:#?}");
    assert!(acknowledged > 2 && caught.len() * 2 >= acknowledged, "{acknowledged}: {caught:?}");
    let lost = |error: &String| ["rolled back", "were shown"].iter().any(|w| error.contains(w));
    assert!(caught.iter().any(lost), "{caught:?}");
}
