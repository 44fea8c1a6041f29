//! Kill -9 at random points over a disk that loses, tears and refuses: no acknowledged entry is lost,
//! none is acknowledged after a failed sync, and the log never forks nor goes back.
//!
//! 40 rounds by default; `LEDGER_CRASH_ROUNDS=1000` for all of them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what went wrong by failing"
)]

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

/// The harness itself: a disk that says that it synced, and did not, is caught.
#[test]
fn a_disk_that_lies_about_its_syncs_is_caught() {
    let caught = (0..20).find_map(|round| {
        let mut campaign = Campaign::new(Syncs::Lie);
        let mut all = Findings::default();
        (0..4).find_map(|again| campaign.round(round * 4 + again, &mut all).err())
    });
    println!("caught: {caught:?}");
    assert!(caught.is_some(), "twenty lying disks passed");
}
