//! The ledger itself over the bucket: an older state and a second ledger serve nobody for long, and keys
//! that are wrong are told apart from everything else.

use anyhow::ensure;

use crate::stand::{Ledger, PLACE, Stand, copy};

#[test]
fn a_ledger_publishes_into_a_bucket_and_an_older_state_serves_nobody() -> anyhow::Result<()> {
    let stand = Stand::new()?;
    let keys = &stand.server.writer;
    let append = |ledger: &Ledger, names: &[&str]| -> anyhow::Result<()> {
        for name in names {
            let refused = stand.append(ledger, name);
            ensure!(refused.is_ok(), "{name}: {refused:?}: {}", stand.log("state")?);
        }
        Ok(())
    };
    let ledger = stand.start("state", keys)?;
    append(&ledger, &["a", "b", "c"])?;
    stand.until_published(3)?;
    drop(ledger);
    copy(&stand.path("state"), &stand.path("backup"))?;
    // It takes up what it published before it was killed.
    let ledger = stand.start("state", keys)?;
    append(&ledger, &["d"])?;
    stand.until_published(4)?;
    drop(ledger);
    let refused = e2e::run::output(&mut stand.program("backup", keys, 0)?)?.expect(1)?;
    let said = format!("is older than what was published at {PLACE}");
    ensure!(refused.stderr.contains(&said), "it does not say why: {}", refused.stderr);
    ensure!(refused.stderr.contains("backup"), "{}", refused.stderr);
    stand.until_published(4)
}

#[test]
fn of_two_ledgers_over_one_bucket_one_halts_and_the_log_is_one() -> anyhow::Result<()> {
    let stand = Stand::new()?;
    let keys = &stand.server.writer;
    let first = stand.start("first", keys)?;
    ensure!(stand.append(&first, "a").is_ok(), "{}", stand.log("first")?);
    stand.until_published(1)?;
    drop(first);
    copy(&stand.path("first"), &stand.path("second"))?;
    let (first, mut second) = (stand.start("first", keys)?, stand.start("second", keys)?);
    ensure!(stand.append(&first, "b").is_ok(), "{}", stand.log("first")?);
    stand.until_published(2)?;
    // It hears of the other when it publishes, and ends.
    let _answered_or_halted = stand.append(&second, "c");
    second.until_ended()?;
    let log = stand.log("second")?;
    let why = ["has other bytes than this log", "another writer published"];
    ensure!(why.iter().any(|why| log.contains(why)), "{log}");
    ensure!(stand.append(&first, "d").is_ok(), "{}", stand.log("first")?);
    stand.until_published(3)
}

#[test]
fn keys_that_are_wrong_or_may_not_are_named_with_the_remedy() -> anyhow::Result<()> {
    let stand = Stand::new()?;
    let wrong = stand.server.writer.with_a_wrong_secret();
    let refused = e2e::run::output(&mut stand.program("state", &wrong, 0)?)?.expect(1)?;
    let named = [PLACE, "checkpoint", "SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"];
    ensure!(named.iter().all(|part| refused.stderr.contains(part)), "{}", refused.stderr);
    // Who may only read has a ledger that answers, and says why nothing is published.
    let ledger = stand.start("state", &stand.server.reader)?;
    ensure!(stand.append(&ledger, "a").is_ok(), "{}", stand.log("state")?);
    stand.until_log("state", "s3:PutObject")?;
    ensure!(stand.log("state")?.contains("AccessDenied"), "{}", stand.log("state")?);
    drop(ledger);
    // Good keys, and it goes on where it was.
    let _ledger = stand.start("state", &stand.server.writer)?;
    stand.until_published(1)?;
    let refused = stand.aibom("fsck", &wrong)?;
    ensure!(!refused.is(0) && !refused.is(1), "it judged what it could not read: {refused:?}");
    let named = [PLACE, "SignatureDoesNotMatch", "AWS_ENDPOINT_URL"];
    ensure!(named.iter().all(|part| refused.stderr.contains(part)), "{}", refused.stderr);
    Ok(())
}
