//! Kill -9 at random points over a disk that loses, tears and refuses: no acknowledged entry is lost,
//! none is acknowledged after a failed sync, and the log never forks nor goes back.
//!
//! 40 rounds by default; `LEDGER_CRASH_ROUNDS=1000` for all of them.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod child;
mod fault;
mod parent;

use fault::Syncs;
use parent::{Campaign, Findings};

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
    let mut campaign = Campaign::new(Syncs::Honest);
    let mut all = Findings::default();
    for round in 0..rounds {
        campaign.round(round, &mut all).unwrap_or_else(|error| panic!("round {round}: {error}"));
    }
    println!("{rounds} rounds: {all:?}");
    assert!(all.killed > rounds / 4 && all.syncs_failed > rounds / 40, "{all:?}");
    assert!(all.acknowledged > rounds * 5, "{all:?}");
}

/// What is found of twenty disks that are not honest.
fn caught(syncs: Syncs) -> Vec<String> {
    let caught = (0..20).filter_map(|round| {
        let mut campaign = Campaign::new(syncs);
        let mut all = Findings::default();
        (0..3).find_map(|again| campaign.round(round * 3 + again, &mut all).err())
    });
    caught.collect()
}

/// The harness itself: a disk that says that it synced, and did not, is caught.
#[test]
fn a_disk_that_lies_about_its_syncs_is_caught() {
    let caught = caught(Syncs::Lie);
    println!("caught: {caught:#?}");
    assert!(caught.len() > 2, "{caught:?}");
}

/// And one whose syncs write whole commits, one too late: nothing is torn, an answer is lost.
#[test]
fn a_disk_whose_syncs_come_one_too_late_is_caught() {
    let caught = caught(Syncs::Late);
    println!("caught: {caught:#?}");
    let lost = |error: &String| ["rolled back", "were shown"].iter().any(|w| error.contains(w));
    assert!(caught.iter().any(lost), "{caught:?}");
}
