//! The AIBoM: deriving and judging it, beside a widely used library that builds and judges the same
//! content; processor time, contenders in turn.

mod judge;
mod peer;

use std::{hint::black_box, time::Instant};

use serde::Serialize;
use testkit::evidence::Fixture;

use crate::{
    cpu,
    options::Bom,
    rounds::{as_f64, median},
    site::Site,
};
use judge::Judge;
use peer::Peer;

/// The most processor time that one assembly may take, in milliseconds.
const ASSEMBLE_TARGET_MS: f64 = 5.0;
/// How many times as much the peer has to take for building and writing, without judging.
const PEER_TARGET: f64 = 50.0;
/// How long an own step is repeated in a round, in milliseconds.
const LENGTH_MS: u128 = 200;

/// One round, or the medians over the rounds; milliseconds of processor time for one document.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Costs {
    /// Ours: from verified evidence to canonical bytes.
    pub(crate) assemble_ms: f64,
    /// Ours: parsed and held against the official schema, formats asserted.
    pub(crate) validate_ms: f64,
    /// Theirs: the content in the library's types.
    pub(crate) peer_build_ms: f64,
    /// Theirs: the types written as JSON.
    pub(crate) peer_write_ms: f64,
    /// Theirs: the strict validator.
    pub(crate) peer_validate_ms: f64,
}

impl Costs {
    /// Building and writing: theirs over ours.
    fn without_validation(&self) -> f64 {
        (self.peer_build_ms + self.peer_write_ms) / self.assemble_ms
    }

    /// The same with each side's own judge.
    fn with_validation(&self) -> f64 {
        (self.peer_build_ms + self.peer_write_ms + self.peer_validate_ms)
            / (self.assemble_ms + self.validate_ms)
    }

    /// Theirs with its judge over ours without: an AIBoM is valid because tests hold its writer.
    fn as_used(&self) -> f64 {
        (self.peer_build_ms + self.peer_write_ms + self.peer_validate_ms) / self.assemble_ms
    }
}

/// A ratio over the rounds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Ratio {
    /// The median.
    pub(crate) median: f64,
    /// The lowest and the highest.
    pub(crate) range: (f64, f64),
}

impl Ratio {
    fn over(rounds: &[Costs], of: impl Fn(&Costs) -> f64) -> anyhow::Result<Self> {
        let ratios: Vec<f64> = rounds.iter().map(of).collect();
        let lowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = ratios.iter().copied().fold(0.0, f64::max);
        Ok(Self { median: median(ratios)?, range: (lowest, highest) })
    }
}

/// Everything about the AIBoM.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Derivation {
    /// Packages in it.
    pub(crate) packages: usize,
    /// Ours, in bytes.
    pub(crate) bytes: usize,
    /// Theirs, in bytes: what the library has no types for is missing.
    pub(crate) peer_bytes: u64,
    /// Medians over the rounds.
    pub(crate) costs: Costs,
    /// The bound on our assembly, in milliseconds.
    pub(crate) assemble_target_ms: f64,
    /// Theirs over ours, without judging.
    pub(crate) without_validation: Ratio,
    /// What that should be.
    pub(crate) peer_target: f64,
    /// Theirs over ours, both judged.
    pub(crate) with_validation: Ratio,
    /// Theirs judged over ours as it is: assembled.
    pub(crate) as_used: Ratio,
}

/// The mean processor time of `work` in milliseconds, repeated for [`LENGTH_MS`] of wall time.
fn mean_ms<T>(mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<f64> {
    black_box(work()?);
    let (begun, cpu) = (Instant::now(), cpu::thread_seconds()?);
    let mut count = 0_u64;
    while begun.elapsed().as_millis() < LENGTH_MS {
        black_box(work()?);
        count += 1;
    }
    Ok((cpu::thread_seconds()? - cpu) * 1e3 / as_f64(count))
}

/// Measures everything.
pub(crate) fn measure(site: &Site, options: &Bom) -> anyhow::Result<Derivation> {
    let fixture = Fixture::new().packages(options.packages.into());
    let evidence = fixture.verified();
    let decision = fixture.decision();
    let aibom = bom::assemble(&evidence, &decision)?;
    let path = site.path("aibom.cdx.json");
    std::fs::write(&path, aibom.as_bytes())?;
    let judge = Judge::new()?;
    judge.holds(aibom.as_bytes())?;
    eprintln!("bom: the peer warms up …");
    let mut peer = Peer::start(&path)?;
    let mut peer_bytes = 0;
    let mut rounds = Vec::new();
    for round in 1..=options.bom_rounds {
        eprintln!("bom: round {round} of {} …", options.bom_rounds);
        let assemble_ms = mean_ms(|| Ok(bom::assemble(&evidence, &decision)?))?;
        let theirs = peer.once()?;
        let validate_ms = mean_ms(|| judge.holds(aibom.as_bytes()))?;
        peer_bytes = theirs.bytes;
        rounds.push(Costs {
            assemble_ms,
            validate_ms,
            peer_build_ms: theirs.build * 1e3,
            peer_write_ms: theirs.write * 1e3,
            peer_validate_ms: theirs.validate * 1e3,
        });
    }
    let middle = |of: fn(&Costs) -> f64| median(rounds.iter().map(of));
    Ok(Derivation {
        packages: options.packages.into(),
        bytes: aibom.as_bytes().len(),
        peer_bytes,
        costs: Costs {
            assemble_ms: middle(|c| c.assemble_ms)?,
            validate_ms: middle(|c| c.validate_ms)?,
            peer_build_ms: middle(|c| c.peer_build_ms)?,
            peer_write_ms: middle(|c| c.peer_write_ms)?,
            peer_validate_ms: middle(|c| c.peer_validate_ms)?,
        },
        assemble_target_ms: ASSEMBLE_TARGET_MS,
        without_validation: Ratio::over(&rounds, Costs::without_validation)?,
        peer_target: PEER_TARGET,
        with_validation: Ratio::over(&rounds, Costs::with_validation)?,
        as_used: Ratio::over(&rounds, Costs::as_used)?,
    })
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// Prints the table.
pub(crate) fn print(found: &Derivation) {
    let Derivation { costs, packages, bytes, peer_bytes, .. } = found;
    println!("\nAn AIBoM of {packages} packages{:>38}", "CPU ms");
    let line = |what: &str, ms: f64, rest: &str| println!("{what:<52} {ms:>9.2} {rest}");
    let target = found.assemble_target_ms;
    let met = verdict(costs.assemble_ms <= target);
    line(
        &format!("ours: assemble, canonical ({bytes} bytes)"),
        costs.assemble_ms,
        &format!("target {target:.0}: {met}"),
    );
    line("ours: parse, official schema with formats", costs.validate_ms, "");
    line("cyclonedx-python-lib: build", costs.peer_build_ms, "");
    line(&format!("cyclonedx-python-lib: write ({peer_bytes} bytes)"), costs.peer_write_ms, "");
    line("cyclonedx-python-lib: strict validator", costs.peer_validate_ms, "");
    let ratio = |what: &str, ratio: Ratio, rest: &str| {
        let (low, high) = ratio.range;
        println!("{what:<52} {:>8.0}x ({low:.0} to {high:.0}) {rest}", ratio.median);
    };
    let target = found.peer_target;
    let met = verdict(found.without_validation.median >= target);
    ratio("built: theirs / ours", found.without_validation, &format!("target {target:.0}: {met}"));
    ratio("built and judged: theirs / ours", found.with_validation, "");
    ratio("built and judged: theirs / ours only built", found.as_used, "");
}
