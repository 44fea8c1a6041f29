//! The signer: its own work for one AIBoM, Attest end to end with keys in files and in a token, and
//! what a token reaches alone: A B A B …, medians over the rounds.

mod attest;
mod raw;
mod server;
mod table;
pub(crate) mod token;
mod work;

use std::path::Path;

use serde::Serialize;

use crate::{options::Sign, rounds::median, site::Site};
use attest::Attests;
use raw::Raw;
use server::Running;
use token::Token;
use work::{Messages, Work};

pub(crate) use table::print;

/// Packages of the small AIBoM beside the large one.
const SMALL: usize = 8;
/// The most processor time that the signer's own work may take for the large one, in milliseconds.
const WORK_TARGET_MS: f64 = 5.0;
/// What share of a token's rate Attest has to reach where the token is the limit.
const TOKEN_TARGET: f64 = 0.90;
/// AIBoMs that are signed before anything is measured.
const WARM_UP: usize = 16;

/// Attest with keys in files and in a token that is fast, at one number of calls in flight.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Level {
    /// Calls in flight.
    pub(crate) in_flight: usize,
    /// Keys in files; medians over the rounds.
    pub(crate) files: Attests,
    /// Keys in SoftHSM; medians over the rounds.
    pub(crate) token: Attests,
}

/// Attest with a token that takes its time for each signature.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Limit {
    /// Calls in flight.
    pub(crate) in_flight: usize,
    /// Attest; medians over the rounds.
    pub(crate) attest: Attests,
    /// The token alone; medians over the rounds.
    pub(crate) raw: Raw,
    /// Signatures per second of Attest over those of the token alone: the median of the rounds'.
    pub(crate) ratio: f64,
    /// The lowest and the highest of the rounds.
    pub(crate) range: (f64, f64),
}

/// Everything about the signer.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Signing {
    /// The signer's own work, small and large.
    pub(crate) work: Vec<Work>,
    /// The bound on the large one's processor time, in milliseconds.
    pub(crate) work_target_ms: f64,
    /// Ed25519 in this process, one thread.
    pub(crate) ed25519: Raw,
    /// SoftHSM alone, all sessions busy.
    pub(crate) softhsm: Raw,
    /// End to end.
    pub(crate) levels: Vec<Level>,
    /// How long the slow token takes for a signature, in milliseconds.
    pub(crate) signature_ms: u32,
    /// Where that token is the limit.
    pub(crate) limits: Vec<Limit>,
    /// What the ratio should be.
    pub(crate) token_target: f64,
}

struct Bench<'a> {
    site: &'a Site,
    options: &'a Sign,
    messages: Messages,
    jobs: u64,
}

impl Bench<'_> {
    async fn attest(&mut self, server: &Running, in_flight: usize) -> anyhow::Result<Attests> {
        let count = self.options.aiboms.into();
        let packages = self.options.packages.into();
        let sets = tokio::task::block_in_place(|| {
            attest::requests(self.site, self.jobs, count, packages)
        })?;
        self.jobs += sets.len() as u64;
        attest::round(self.site, server, sets, in_flight).await
    }

    async fn warm(&mut self, server: &Running) -> anyhow::Result<()> {
        let sets = attest::requests(self.site, self.jobs, WARM_UP, self.options.packages.into())?;
        self.jobs += sets.len() as u64;
        attest::until_answered(self.site, server, &sets).await
    }

    async fn levels(
        &mut self,
        files: &Running,
        fast: &Running,
        token: &Token,
    ) -> anyhow::Result<(Vec<Level>, Raw, Raw)> {
        let (mut levels, mut softhsm, mut ed25519) = (Vec::new(), Vec::new(), Vec::new());
        for in_flight in &self.options.in_flight {
            eprintln!("sign: {in_flight} in flight …");
            let (mut by_files, mut by_token) = (Vec::new(), Vec::new());
            for _ in 0..self.options.sign_rounds {
                by_files.push(self.attest(files, (*in_flight).into()).await?);
                by_token.push(self.attest(fast, (*in_flight).into()).await?);
                softhsm.push(token.sign(&self.messages, self.options.aiboms.into())?);
                ed25519.push(raw::ed25519(self.site, &self.messages, self.options.aiboms.into())?);
            }
            let (files, token) = (attest::middle(&by_files)?, attest::middle(&by_token)?);
            levels.push(Level { in_flight: (*in_flight).into(), files, token });
        }
        Ok((levels, raw::middle(&softhsm)?, raw::middle(&ed25519)?))
    }

    async fn limits(&mut self, slow: &Running, token: &Token) -> anyhow::Result<Vec<Limit>> {
        let mut limits = Vec::new();
        for in_flight in &self.options.in_flight {
            eprintln!("sign: {in_flight} in flight, {} ms …", self.options.signature_ms);
            let (mut attests, mut raws) = (Vec::new(), Vec::new());
            for _ in 0..self.options.sign_rounds {
                raws.push(token.sign(&self.messages, self.options.aiboms.into())?);
                attests.push(self.attest(slow, (*in_flight).into()).await?);
            }
            let ratio = |(attest, raw): (&Attests, &Raw)| {
                attest.per_second * token::PER_AIBOM / raw.per_second
            };
            let ratios: Vec<f64> = attests.iter().zip(&raws).map(ratio).collect();
            let range = (
                ratios.iter().copied().fold(f64::INFINITY, f64::min),
                ratios.iter().copied().fold(0.0, f64::max),
            );
            limits.push(Limit {
                in_flight: (*in_flight).into(),
                attest: attest::middle(&attests)?,
                raw: raw::middle(&raws)?,
                ratio: median(ratios)?,
                range,
            });
        }
        Ok(limits)
    }
}

/// Measures everything; `signer` is the program.
pub(crate) async fn measure(site: &Site, signer: &Path, options: &Sign) -> anyhow::Result<Signing> {
    eprintln!("sign: the signer's own work …");
    let sizes = [SMALL, options.packages.into()];
    let measure = || work::measure(site, &sizes, options.sign_rounds);
    let (work, messages) = tokio::task::block_in_place(measure)?;
    let mut bench = Bench { site, options, messages, jobs: 1_000_000 };

    let token = Token::make(site, "token", None)?;
    let files = server::with_files(site, signer).await?;
    let fast = server::with_token(site, signer, &token).await?;
    bench.warm(&files).await?;
    bench.warm(&fast).await?;
    let (levels, softhsm, ed25519) = bench.levels(&files, &fast, &token).await?;
    files.server.stop().await?;
    fast.server.stop().await?;

    let signature_ms = options.signature_ms;
    let token = Token::make(site, "slow-token", Some(signature_ms))?;
    let slow = server::with_token(site, signer, &token).await?;
    bench.warm(&slow).await?;
    let limits = bench.limits(&slow, &token).await?;
    slow.server.stop().await?;
    Ok(Signing {
        work,
        work_target_ms: WORK_TARGET_MS,
        ed25519,
        softhsm,
        levels,
        signature_ms,
        limits,
        token_target: TOKEN_TARGET,
    })
}
