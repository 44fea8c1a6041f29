//! One witness, asked for one checkpoint at a time: always the newest.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use witness::{Answered, Asked};

use super::{CosignError, collected::Collected, config::Witness};

/// The first pause after a failure, in milliseconds; then twice as long each time.
const FIRST_PAUSE_MS: u64 = 100;
/// The longest such pause, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 4_000;

/// A checkpoint to be cosigned.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) round: u64,
    pub(super) note: Arc<str>,
    pub(super) size: u64,
    pub(super) old: u64,
    pub(super) body: Arc<str>,
    /// Nobody waits for it after that.
    pub(super) until: Instant,
    pub(super) news: mpsc::Sender<News>,
}

/// What the witness at a place of the configuration answered.
#[derive(Debug)]
pub(super) struct News {
    pub(super) index: usize,
    pub(super) answered: Answered,
}

/// What it takes to ask one witness.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) index: usize,
    pub(super) witness: Witness,
    pub(super) collected: Arc<Collected>,
    /// The size that it cosigned last, in leaves.
    pub(super) known: Arc<AtomicU64>,
}

/// The pause after `failures`, at least one: half of it is fixed, half is random (out of 256).
fn pause(failures: u32, random: u8) -> Duration {
    let doubled = FIRST_PAUSE_MS.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let full = doubled.min(LONGEST_PAUSE_MS);
    Duration::from_millis(full / 2 + full / 2 * u64::from(random) / 256)
}

fn random() -> u8 {
    let mut byte = [0];
    // Without randomness the pauses are only less spread.
    let _ = getrandom::fill(&mut byte);
    let [byte] = byte;
    byte
}

impl Worker {
    /// Asks for the newest checkpoint until whoever wants cosignatures is gone.
    pub(super) async fn run(self, mut asks: watch::Receiver<Option<Ask>>) {
        let mut failures = 0_u32;
        while asks.changed().await.is_ok() {
            // A failure is tried again for as long as the checkpoint is the newest and waited for.
            loop {
                let Some(ask) = asks.borrow_and_update().clone() else { break };
                if Instant::now() >= ask.until {
                    break;
                }
                let answered = self.ask(&ask).await;
                let failed = matches!(answered, Answered::Refused(_));
                self.tell(&ask, answered);
                if !failed {
                    failures = 0;
                    break;
                }
                failures = failures.saturating_add(1);
                tokio::time::sleep(pause(failures, random())).await;
            }
        }
    }

    async fn ask(&self, ask: &Ask) -> Answered {
        let Witness { key, url, client } = &self.witness;
        let body = ask.body.to_string();
        match client.post(url, "text/plain; charset=utf-8", body).await {
            Ok(answer) => {
                let asked = Asked { note: &ask.note, size: ask.size, old: ask.old };
                asked.read(answer.status.as_u16(), answer.media_type(), &answer.body, key)
            }
            Err(error) => Answered::Refused(error.in_one_line()),
        }
    }

    fn tell(&self, ask: &Ask, answered: Answered) {
        let witness = self.witness.key.name();
        let word = match &answered {
            Answered::Cosigned(line) => {
                self.known.store(ask.size, Ordering::Relaxed);
                self.collected.add(ask.round, self.index, line);
                "cosigned"
            }
            Answered::AskFrom(size) => {
                let known = self.known.swap(*size, Ordering::Relaxed);
                if *size < known {
                    let why = "the witness forgot what it cosigned: its cosignatures prove little";
                    tracing::error!(witness, named = size, known, "{why}");
                    "forgot"
                } else {
                    "other_size"
                }
            }
            Answered::Ahead(size) => {
                let alarm = CosignError::Ahead { witness: witness.to_owned(), size: *size };
                self.alarm(alarm);
                "ahead"
            }
            Answered::Forked(size) => {
                let alarm = CosignError::Forked { witness: witness.to_owned(), size: *size };
                self.alarm(alarm);
                "forked"
            }
            Answered::Refused(why) => {
                tracing::warn!(witness, size = ask.size, why, "no cosignature");
                "failed"
            }
        };
        metrics::counter!("ledger_cosignatures_total", "witness" => witness.to_owned(), "result" => word)
            .increment(1);
        // Who asked may have its quorum, and listen no more.
        let _ = ask.news.try_send(News { index: self.index, answered });
    }

    fn alarm(&self, alarm: CosignError) {
        tracing::error!(%alarm, "the history here is not the one that this witness cosigned");
        self.collected.alarm(self.index, alarm);
    }
}

#[cfg(test)]
mod tests {
    //! The pauses grow and are bounded.
    use super::{LONGEST_PAUSE_MS, pause};

    #[test]
    fn pauses_grow_to_their_bound() {
        assert!(pause(1, 255) < pause(3, 0));
        assert!(pause(u32::MAX, 255).as_millis() <= u128::from(LONGEST_PAUSE_MS));
        assert!(pause(1, 0).as_millis() > 0);
    }
}
