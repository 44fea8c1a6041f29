//! Attest end to end: distinct jobs over mTLS, their evidence made before the clock starts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use proto::signer::v1::{
    AttestRequest, attest_response::Outcome, signer_service_client::SignerServiceClient,
};
use rpc::Channel;
use serde::Serialize;
use tokio::task::JoinSet;

use super::server::{Running, fixture};
use crate::{
    cpu,
    rounds::{as_f64, median},
    site::Site,
};

/// Threads that make evidence.
const MAKERS: usize = 2;
/// How long a signer may take until it has its keys, in milliseconds.
const READY_MS: u64 = 15_000;
/// How long to wait between two tries, in milliseconds.
const LOOK_AGAIN_MS: u64 = 50;

/// What a round of Attest showed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Attests {
    /// AIBoMs signed per second while the load was full.
    pub(crate) per_second: f64,
    /// Half of the calls were answered within this, in milliseconds.
    pub(crate) p50_ms: f64,
    /// Processor time of the process that serves for one AIBoM, in milliseconds.
    pub(crate) server_cpu_ms: f64,
    /// Processor time of the process that has the token for one AIBoM, in milliseconds.
    pub(crate) agent_cpu_ms: f64,
    /// Processor time of this program for one AIBoM, in milliseconds.
    pub(crate) client_cpu_ms: f64,
}

/// Requests for `count` jobs, numbered from `first` on. Blocks.
pub(super) fn requests(
    site: &Site,
    first: u64,
    count: usize,
    packages: usize,
) -> anyhow::Result<Vec<AttestRequest>> {
    let share = count.div_ceil(MAKERS).max(1) as u64;
    let parts = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..MAKERS as u64)
            .map(|part| {
                let from = first + part * share;
                scope.spawn(move || -> Vec<AttestRequest> {
                    let mut fixture = fixture(site).packages(packages);
                    let mut made = Vec::new();
                    for number in from..from + share {
                        fixture = fixture.number(number);
                        made.push(AttestRequest { evidence: Some(fixture.set().into()) });
                    }
                    made
                })
            })
            .collect();
        makers.into_iter().map(|maker| maker.join().ok()).collect::<Option<Vec<_>>>()
    });
    Ok(parts.context("a thread that makes evidence ended")?.into_iter().flatten().collect())
}

fn client(channel: Channel) -> SignerServiceClient<Channel> {
    SignerServiceClient::new(channel).max_decoding_message_size(rpc::MAX_RESPONSE_BYTES)
}

/// Has these signed, and waits until the signer has its keys first.
pub(super) async fn until_answered(
    site: &Site,
    running: &Running,
    requests: &[AttestRequest],
) -> anyhow::Result<()> {
    let mut client = client(site.channel(&running.server)?);
    let until = Instant::now() + Duration::from_millis(READY_MS);
    for request in requests {
        while let Err(status) = client.attest(request.clone()).await {
            anyhow::ensure!(Instant::now() < until, rpc::describe(&status));
            tokio::time::sleep(Duration::from_millis(LOOK_AGAIN_MS)).await;
        }
    }
    Ok(())
}

/// Answers per second while the load was full: without the first and the last `edge` of them.
pub(super) fn steady_rate(mut ends: Vec<Duration>, edge: usize) -> anyhow::Result<f64> {
    ends.sort_unstable();
    let last = ends.len().checked_sub(edge + 1).filter(|last| *last > edge);
    let last = last.context("a round has too few signatures")?;
    let span = ends.get(last).zip(ends.get(edge)).map(|(last, first)| *last - *first);
    let span = span.context("no answer")?.as_secs_f64();
    Ok(as_f64((last - edge) as u64) / span)
}

/// Keeps `in_flight` calls in flight until all requests are answered.
pub(super) async fn round(
    site: &Site,
    running: &Running,
    requests: Vec<AttestRequest>,
    in_flight: usize,
) -> anyhow::Result<Attests> {
    let count = as_f64(requests.len() as u64);
    let requests: Arc<[AttestRequest]> = requests.into();
    let channel = site.channel(&running.server)?;
    channel.probe().await.map_err(|status| anyhow::anyhow!(rpc::describe(&status)))?;
    let (spent, own) = (running.spent()?, cpu::seconds(std::process::id())?);
    let (begun, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..in_flight {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        let mut client = client(channel.clone());
        tasks.spawn(async move {
            let mut answers = Vec::new();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let from = begun.elapsed();
                let answer = client.attest(request.clone()).await;
                let answer = answer.map_err(|status| anyhow::anyhow!(rpc::describe(&status)))?;
                let signed = matches!(answer.into_inner().outcome, Some(Outcome::Signed(_)));
                anyhow::ensure!(signed, "no AIBoM");
                answers.push((from, begun.elapsed()));
            }
            Ok(answers)
        });
    }
    let mut answers = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        answers.extend(ended??);
    }
    let (now, own_now) = (running.spent()?, cpu::seconds(std::process::id())?);
    let each = |before: f64, after: f64| (after - before) * 1e3 / count;
    Ok(Attests {
        per_second: steady_rate(answers.iter().map(|(_, to)| *to).collect(), in_flight)?,
        p50_ms: median(answers.iter().map(|(from, to)| (*to - *from).as_secs_f64() * 1e3))?,
        server_cpu_ms: each(spent.server, now.server),
        agent_cpu_ms: each(spent.agent, now.agent),
        client_cpu_ms: each(own, own_now),
    })
}

/// Each figure's median over the rounds.
pub(super) fn middle(rounds: &[Attests]) -> anyhow::Result<Attests> {
    let of = |figure: fn(&Attests) -> f64| median(rounds.iter().map(figure));
    Ok(Attests {
        per_second: of(|a| a.per_second)?,
        p50_ms: of(|a| a.p50_ms)?,
        server_cpu_ms: of(|a| a.server_cpu_ms)?,
        agent_cpu_ms: of(|a| a.agent_cpu_ms)?,
        client_cpu_ms: of(|a| a.client_cpu_ms)?,
    })
}
