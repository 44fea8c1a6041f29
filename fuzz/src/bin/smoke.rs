//! Runs every target over seeded mutations of its corpus, on stable Rust. A panic ends the run.
//!
//! `smoke [RUNS PER TARGET] [SEED] [TARGET]`, by default 20,000 runs from seed 1 of all targets. Slow
//! targets get a part of the runs; the table that is printed says how many.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fuzz::{
    TARGETS, Target,
    mutate::{Corpus, Random},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let runs: u64 = args.next().map_or(Ok(20_000), |text| text.parse())?;
    let seed: u64 = args.next().map_or(Ok(1), |text| text.parse())?;
    let only = args.next();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(root.join("artifacts"))?;
    let wanted = |target: &&Target| only.as_deref().is_none_or(|only| only == target.name);
    let targets: Vec<&Target> = TARGETS.iter().filter(wanted).collect();
    if targets.is_empty() {
        return Err(format!("there is no target {:?}", only.unwrap_or_default()).into());
    }
    println!(
        "| target | inputs | accepted | wall (s) | slowest input (ms) |\n|---|---|---|---|---|"
    );
    for target in targets {
        run(target, root, runs.div_ceil(target.one_of), seed)?;
    }
    Ok(())
}

fn run(target: &Target, root: &Path, runs: u64, seed: u64) -> Result<(), Box<dyn Error>> {
    let name = target.name;
    let corpus = Corpus::read(&root.join("corpus").join(name))?;
    let artifact = root.join("artifacts").join(format!("smoke-{name}"));
    let start = Instant::now();
    let plain = corpus.inputs().iter().filter(|input| accepts(target, input, &artifact)).count();
    if plain == 0 || plain == corpus.inputs().len() {
        return Err(format!("corpus/{name} needs an accepted and a refused input").into());
    }
    let mut random = Random::new(seed);
    let (mut accepted, mut slowest) = (0_u64, Duration::ZERO);
    for _ in 0..runs {
        let input = corpus.mutate(&mut random);
        let began = Instant::now();
        accepted += u64::from(accepts(target, &input, &artifact));
        slowest = slowest.max(began.elapsed());
    }
    let (wall, slowest) = (start.elapsed().as_secs(), slowest.as_millis());
    println!("| {name} | {runs} | {accepted} | {wall} | {slowest} |");
    Ok(())
}

fn accepts(target: &Target, input: &[u8], artifact: &PathBuf) -> bool {
    let saved = Saved { input, artifact };
    let accepted = (target.accepts)(input);
    std::mem::forget(saved);
    accepted
}

/// An input that is written to disk if its target panics.
struct Saved<'a> {
    input: &'a [u8],
    artifact: &'a PathBuf,
}

impl Drop for Saved<'_> {
    /// Reached only while unwinding from a panic.
    fn drop(&mut self) {
        eprintln!("the input of the panic is in {}", self.artifact.display());
        let _ = fs::write(self.artifact, self.input);
    }
}
