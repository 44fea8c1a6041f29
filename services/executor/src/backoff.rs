//! Pauses between tries: doubling, bounded, with jitter.

use std::time::Duration;

/// The first pause, in milliseconds.
const FIRST_MS: u64 = 100;
/// The longest pause, in milliseconds.
const LONGEST_MS: u64 = 5_000;

/// Counts tries.
#[derive(Debug)]
pub(crate) struct Backoff {
    tries: u32,
    max_tries: u32,
}

/// The length of the pause after `tries` failures, with `random` out of 256 for the jitter: half of
/// it is fixed, half is random.
fn pause_ms(tries: u32, random: u8) -> u64 {
    let full = FIRST_MS.saturating_mul(1 << tries.min(10)).min(LONGEST_MS);
    full / 2 + full / 2 * u64::from(random) / 256
}

impl Backoff {
    /// At most `max_tries` tries in all.
    #[must_use]
    pub(crate) const fn new(max_tries: u32) -> Self {
        Self { tries: 0, max_tries }
    }

    /// Waits after a failed try; false when it was the last one.
    pub(crate) async fn pause(&mut self) -> bool {
        let (tries, more) = (self.tries, self.tries.saturating_add(1) < self.max_tries);
        self.tries = self.tries.saturating_add(1);
        if more {
            let mut random = [0];
            // Without randomness the pauses are only less spread.
            let _ = getrandom::fill(&mut random);
            tokio::time::sleep(Duration::from_millis(pause_ms(tries, random[0]))).await;
        }
        more
    }

    /// A try went well.
    pub(crate) const fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    //! The pauses grow and are bounded.
    use super::{LONGEST_MS, pause_ms};

    #[test]
    fn pauses_grow_to_their_bound() {
        assert_eq!(pause_ms(0, 0), 50);
        assert!(pause_ms(1, 255) > pause_ms(0, 255));
        assert!(pause_ms(40, 255) <= LONGEST_MS);
    }
}
