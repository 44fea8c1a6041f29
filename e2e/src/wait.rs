//! Waits for a condition, never for a time.

use std::time::{Duration, Instant};

/// Between two looks, in milliseconds.
const LOOK_MS: u64 = 50;

/// Looks until `look` gives a value.
///
/// # Errors
/// When it gave none within `limit_s` seconds, which is far more than it should take.
pub fn until<T>(
    what: &str,
    limit_s: u64,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(value) = look()? {
            return Ok(value);
        }
        anyhow::ensure!(begun.elapsed().as_secs() < limit_s, "waited {limit_s} s in vain: {what}");
        std::thread::sleep(Duration::from_millis(LOOK_MS));
    }
}
