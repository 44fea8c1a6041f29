//! How old what is shown is: by a quorum of the witnesses that count, whatever one of them says.

use ed25519_dalek::SigningKey;
use merkle::{
    CosignerKey,
    checkpoint::{Counts, Witness},
};

use super::*;

const HOUR_S: i64 = 3_600;
const YEAR_S: i64 = 365 * 24 * HOUR_S;

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// The alert at a checkpoint that these witnesses cosigned so many seconds after now; those from
/// number 3 on are retired, and were at that time.
fn seen(quorum: usize, lines: &[(u8, i64)]) -> Option<Alert> {
    let ledger = mesh().ledger_verifier_key();
    let now_s = NOW.unix_ms() / 1_000;
    let witness = |number: u8| {
        let name = format!("w{number}");
        let key = CosignerKey::new(&name, key(10 + number).verifying_key()).unwrap();
        let retired = Counts::Until(u64::try_from(now_s - 48 * HOUR_S).unwrap());
        Witness { key, counts: if number < 3 { Counts::Always } else { retired } }
    };
    let policy = LogPolicy::new(ledger.clone(), (0..5).map(witness).collect(), quorum).unwrap();
    let tree = tree(&[entry("a", KEY, 1)]);
    let head = Checkpoint { origin: ledger.name().to_owned(), size: tree.len(), root: tree.root() };
    let mut note = checkpoint::sign(&head, &mesh().ledger_key(), ledger.name()).unwrap();
    for (number, after) in lines {
        let time = u64::try_from(now_s + after).unwrap();
        let name = format!("w{number}");
        note += &checkpoint::cosign(&head, &key(10 + number), &name, time).unwrap();
    }
    State::new().judge(&note, &policy, NOW, Patience::default()).err().map(|alert| *alert)
}

#[test]
fn an_old_copy_is_told_although_one_witness_says_that_it_is_new() {
    let stale = |after: i64| Some(Alert::Stale { since: NOW.plus_ms(after * 1_000) });
    let ahead = |number: u8, after: i64| {
        let (witness, time) = (format!("w{number}"), NOW.plus_ms(after * 1_000));
        Some(Alert::Ahead { witness, time })
    };
    let day = -24 * HOUR_S;
    type Row<'a> = (usize, &'a [(u8, i64)], Option<Alert>);
    let rows: [Row<'_>; 14] = [
        (1, &[(0, 0)], None),
        (1, &[(0, -HOUR_S)], None),
        (1, &[(0, -HOUR_S - 1)], stale(-HOUR_S - 1)),
        // One is enough where one is asked for, and a little ahead is no lie.
        (1, &[(0, day), (1, 0)], None),
        (1, &[(0, 300)], None),
        // Of two that are asked for, the older one says it.
        (2, &[(0, 0), (1, day)], stale(day)),
        (2, &[(0, 0), (1, day), (2, -1)], None),
        (2, &[(0, day - 9), (1, day), (2, 0)], stale(day)),
        // The time is to come: it says nothing, neither for nor against.
        (1, &[(0, YEAR_S), (1, day)], stale(day)),
        (1, &[(0, YEAR_S), (1, -1)], None),
        (1, &[(0, 301)], ahead(0, 301)),
        (2, &[(0, -1), (1, YEAR_S)], ahead(1, YEAR_S)),
        // Those that are retired do not count.
        (1, &[(0, day), (3, 0)], stale(day)),
        (0, &[(3, 0), (4, day)], None),
    ];
    for (number, (quorum, lines, expected)) in rows.into_iter().enumerate() {
        assert_eq!(seen(quorum, lines), expected, "case {number}");
    }
}
