//! One timed round of calls against one server, and the figures of many.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use rpc::Channel;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::{
    grpc::{Caller, Submission},
    site::Server,
};

/// Latencies are told apart up to a minute, in microseconds.
const LATENCY_MAX_US: u64 = 60_000_000;

/// What a round showed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    /// Answered calls per second.
    pub(crate) per_second: f64,
    /// Half of the calls were answered within this, in microseconds.
    pub(crate) p50_us: u64,
    /// 99 of 100 calls were answered within this, in microseconds.
    pub(crate) p99_us: u64,
    /// Processor time of the server for one call, in microseconds.
    pub(crate) server_cpu_us: f64,
    /// Processor time of this program for one call, in microseconds.
    pub(crate) client_cpu_us: f64,
}

/// What the streams of a round share.
struct Round {
    submissions: Arc<[Submission]>,
    next: AtomicUsize,
    again: bool,
    until: Instant,
}

impl Round {
    fn take(&self) -> Option<&Submission> {
        if Instant::now() >= self.until {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let number = if self.again { number % self.submissions.len().max(1) } else { number };
        self.submissions.get(number)
    }
}

async fn stream(round: Arc<Round>, channel: Channel) -> anyhow::Result<Histogram<u64>> {
    let mut caller = Caller::new(channel);
    let mut latencies = Histogram::new_with_max(LATENCY_MAX_US, 3)?;
    while let Some(submission) = round.take() {
        let begun = Instant::now();
        let fresh = caller.submit(submission).await.map_err(anyhow::Error::msg)?;
        anyhow::ensure!(fresh, "the answer is not a new job");
        let us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        latencies.saturating_record(us);
    }
    Ok(latencies)
}

/// Keeps `streams` calls in flight for `length` or until the submissions are used up; with `again`
/// they are sent over and over.
pub(crate) async fn round(
    server: &Server,
    channels: &[Channel],
    submissions: Arc<[Submission]>,
    streams: u16,
    length: Duration,
    again: bool,
) -> anyhow::Result<Figures> {
    let (server_cpu, client_cpu) =
        (server.cpu_seconds()?, crate::cpu::seconds(std::process::id())?);
    let begun = Instant::now();
    let next = AtomicUsize::new(0);
    let round = Arc::new(Round { submissions, next, again, until: begun + length });
    let mut tasks = JoinSet::new();
    for channel in channels.iter().cycle().take(usize::from(streams)) {
        tasks.spawn(stream(Arc::clone(&round), channel.clone()));
    }
    let mut all = Histogram::<u64>::new_with_max(LATENCY_MAX_US, 3)?;
    while let Some(ended) = tasks.join_next().await {
        all.add(ended??)?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let calls = as_f64(all.len());
    anyhow::ensure!(calls > 0.0, "no call was answered in the round");
    let us_per_call = |before: f64, after: f64| (after - before) * 1e6 / calls;
    Ok(Figures {
        per_second: calls / seconds,
        p50_us: all.value_at_quantile(0.5),
        p99_us: all.value_at_quantile(0.99),
        server_cpu_us: us_per_call(server_cpu, server.cpu_seconds()?),
        client_cpu_us: us_per_call(client_cpu, crate::cpu::seconds(std::process::id())?),
    })
}

/// The middle one; the mean of the middle two of an even number.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> anyhow::Result<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    let low = values.get(low).context("nothing was measured")?;
    Ok(f64::midpoint(*low, *values.get(high).unwrap_or(low)))
}

/// Each figure's median over the rounds.
pub(crate) fn middle(rounds: &[Figures]) -> anyhow::Result<Figures> {
    let of = |figure: fn(&Figures) -> f64| median(rounds.iter().map(figure));
    Ok(Figures {
        per_second: of(|f| f.per_second)?,
        p50_us: as_u64(of(|f| as_f64(f.p50_us))?),
        p99_us: as_u64(of(|f| as_f64(f.p99_us))?),
        server_cpu_us: of(|f| f.server_cpu_us)?,
        client_cpu_us: of(|f| f.client_cpu_us)?,
    })
}

#[expect(clippy::cast_precision_loss, reason = "figures with three digits")]
pub(crate) const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "microseconds")]
const fn as_u64(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]).unwrap().to_bits(), 2.0_f64.to_bits());
        assert_eq!(median([4.0, 1.0]).unwrap().to_bits(), 2.5_f64.to_bits());
        assert!(median([]).is_err());
    }
}
