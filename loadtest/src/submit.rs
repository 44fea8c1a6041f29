//! Durable submissions beside an echo of the same messages: A B A B …, medians over the rounds.

use std::{path::Path, time::Duration};

use job::Request;
use rpc::Channel;
use serde::Serialize;

use crate::{
    options::Submit,
    requests,
    rounds::{self, Figures},
    site::{Server, Site},
};

/// Calls that go over one connection, and the most connections.
const STREAMS_PER_CONNECTION: u16 = 16;
const CONNECTIONS_MAX: u16 = 4;
/// Calls per second that a round may need submissions for; a faster one ends early.
const CALLS_PER_SECOND_MAX: usize = 20_000;
/// What one stream can do in a second at most: it waits for the disk each time.
const CALLS_PER_STREAM_MAX: usize = 1_500;
/// The unmeasured part before a level, in milliseconds.
const WARM_UP_MS: u32 = 300;

/// What share of the echo's rate a level has to reach.
const TARGETS: [(u16, f64); 2] = [(64, 0.60), (256, 0.80)];

/// The figures of one number of calls in flight.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Level {
    /// Calls in flight.
    pub(crate) streams: u16,
    /// Connections that they went over.
    pub(crate) connections: u16,
    /// Medians over the rounds.
    pub(crate) echo: Figures,
    /// Medians over the rounds.
    pub(crate) submit: Figures,
    /// Submissions per second over echoes per second: the median of the rounds' ratios.
    pub(crate) ratio: f64,
    /// What the ratio should be, where there is a target.
    pub(crate) target: Option<f64>,
    /// Every round, echo and submit.
    pub(crate) rounds: Vec<(Figures, Figures)>,
}

/// The figures of all levels.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Submissions {
    /// One request message, in bytes.
    pub(crate) request_bytes: usize,
    /// One after the other.
    pub(crate) levels: Vec<Level>,
}

struct Bench<'a> {
    site: &'a Site,
    options: &'a Submit,
    template: Request,
    echo: Server,
    scheduler: Server,
    signed: u64,
}

fn connections(site: &Site, server: &Server, count: u16) -> anyhow::Result<Vec<Channel>> {
    (0..count).map(|_| site.channel(server)).collect()
}

impl Bench<'_> {
    /// One pair of rounds, each of `ms` milliseconds.
    async fn pair(
        &mut self,
        streams: u16,
        echo: &[Channel],
        submit: &[Channel],
        ms: u32,
    ) -> anyhow::Result<(Figures, Figures)> {
        let per_second =
            CALLS_PER_SECOND_MAX.min(CALLS_PER_STREAM_MAX.saturating_mul(usize::from(streams)));
        let count = per_second * ms as usize / 1000;
        let sign = || requests::sign_many(self.site, &self.template, self.signed, count);
        let signed = tokio::task::block_in_place(sign)?;
        self.signed += signed.len() as u64;
        let length = Duration::from_millis(ms.into());
        let echoed = rounds::round(&self.echo, echo, signed.clone(), streams, length, true).await?;
        let stored = rounds::round(&self.scheduler, submit, signed, streams, length, false).await?;
        Ok((echoed, stored))
    }

    async fn level(&mut self, streams: u16) -> anyhow::Result<Level> {
        let count = streams.div_ceil(STREAMS_PER_CONNECTION).clamp(1, CONNECTIONS_MAX);
        let echo = connections(self.site, &self.echo, count)?;
        let submit = connections(self.site, &self.scheduler, count)?;
        self.pair(streams, &echo, &submit, WARM_UP_MS).await?;
        let mut pairs = Vec::new();
        for _ in 0..self.options.rounds {
            pairs.push(self.pair(streams, &echo, &submit, self.options.round_ms).await?);
        }
        let (echoed, stored): (Vec<_>, Vec<_>) = pairs.iter().cloned().unzip();
        let ratios = pairs.iter().map(|(echo, submit)| submit.per_second / echo.per_second);
        Ok(Level {
            streams,
            connections: count,
            echo: rounds::middle(&echoed)?,
            submit: rounds::middle(&stored)?,
            ratio: rounds::median(ratios)?,
            target: TARGETS.iter().find(|(at, _)| *at == streams).map(|(_, target)| *target),
            rounds: pairs,
        })
    }
}

/// Measures every level.
pub(crate) async fn measure(
    site: &Site,
    binary: &Path,
    options: &Submit,
) -> anyhow::Result<Submissions> {
    let scheduler = site.scheduler(binary, "submit").await?;
    let inputs = requests::upload_inputs(site, site.channel(&scheduler)?).await?;
    let template = requests::template(site, &inputs);
    let first = requests::sign_many(site, &template, u64::MAX - 10, 1)?;
    let request_bytes = first.first().map_or(0, crate::grpc::Submission::length);
    let echo = site.echo().await?;
    let mut bench = Bench { site, options, template, echo, scheduler, signed: 0 };
    let mut levels = Vec::new();
    for streams in &options.streams {
        eprintln!("submit: {streams} in flight …");
        levels.push(bench.level(*streams).await?);
    }
    bench.echo.stop().await?;
    bench.scheduler.stop().await?;
    Ok(Submissions { request_bytes, levels })
}
