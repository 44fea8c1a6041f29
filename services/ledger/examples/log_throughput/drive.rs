//! So many callers at once, each with one entry at a time.

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

/// Entries and their latencies.
pub(crate) struct Figures {
    latencies_us: Histogram<u64>,
    elapsed: Duration,
}

impl Figures {
    pub(crate) const TITLE: &'static str =
        "what                                     entries/s   p50 ms   p99 ms";

    pub(crate) fn new() -> Self {
        let latencies_us = Histogram::new_with_max(60_000_000, 3).unwrap();
        Self { latencies_us, elapsed: Duration::ZERO }
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        self.latencies_us.saturating_record(latency.as_micros().try_into().unwrap());
    }

    pub(crate) const fn ended(&mut self, elapsed: Duration) {
        self.elapsed = elapsed;
    }

    #[expect(clippy::cast_precision_loss, reason = "a count")]
    pub(crate) fn rate(&self) -> f64 {
        self.latencies_us.len() as f64 / self.elapsed.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds")]
    pub(crate) fn row(&self, what: impl Display) -> String {
        let at = |quantile| self.latencies_us.value_at_quantile(quantile) as f64 / 1000.0;
        format!("{what:<40} {:>9.0} {:>8.2} {:>8.2}", self.rate(), at(0.5), at(0.99))
    }
}

/// Runs `callers` tasks for `life`; `append` is given another number each time.
pub(crate) async fn drive<F: Future<Output = ()> + Send + 'static>(
    callers: usize,
    life: Duration,
    append: impl Fn(u64) -> F + Send + Sync + 'static,
) -> Figures {
    let (append, numbers) = (Arc::new(append), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (append, numbers) = (Arc::clone(&append), Arc::clone(&numbers));
        tasks.spawn(async move {
            let mut figures = Figures::new();
            while begun.elapsed() < life {
                let asked = Instant::now();
                append(numbers.fetch_add(1, Ordering::Relaxed)).await;
                figures.record(asked.elapsed());
            }
            figures
        });
    }
    let mut all = Figures::new();
    while let Some(figures) = tasks.join_next().await {
        all.latencies_us.add(&figures.unwrap().latencies_us).unwrap();
    }
    all.ended(begun.elapsed());
    all
}
