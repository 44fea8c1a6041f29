//! What a container costs: creates, starts, awaits and removes one many times, and prints the
//! median of each step. `cargo run --release --example overhead -- sha256:<image id> [runs]`
//!
//! The image's own run time is in "wait".

use std::{collections::BTreeMap, path::Path, time::Instant};

use anyhow::Context as _;
use evidence::Limits;
use executor::{
    docker::DockerEngine,
    engine::{Engine as _, Settings},
};
use futures::StreamExt as _;

const STEPS: [&str; 7] = ["create", "inspect", "attach", "start", "wait", "inspect", "remove"];

async fn once(engine: &DockerEngine, settings: &Settings) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    let mut began = Instant::now();
    let mut lap = || {
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        began = Instant::now();
    };
    let id = engine.create(settings).await?;
    lap();
    engine.inspect(&id, settings).await?;
    lap();
    let mut output = engine.attach(&id).await?;
    lap();
    engine.start(&id).await?;
    lap();
    engine.wait(&id).await?;
    while output.next().await.is_some() {}
    lap();
    engine.inspect(&id, settings).await?;
    lap();
    engine.remove(&id).await?;
    lap();
    Ok(times)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let image_id = arguments.next().context("which image? sha256:<id>")?;
    let runs: usize = arguments.next().map_or(Ok(20), |n| n.parse())?;
    let engine = DockerEngine::connect(Path::new("/var/run/docker.sock")).await?;
    let dir = tempfile::tempdir()?;
    let mib = 1024 * 1024;
    let limits = Limits {
        memory_bytes: 64 * mib,
        memory_swap_bytes: 64 * mib,
        cpu_millis: 1_000,
        pids: 32,
        wall_clock_s: 60,
        output_bytes: mib,
    };
    let settings = Settings {
        name: format!("aibom-overhead-{}", std::process::id()),
        image_id,
        user: "65532:65532".to_owned(),
        inputs: dir.path().to_owned(),
        outputs: dir.path().to_owned(),
        limits,
        gpus: 0,
        labels: BTreeMap::new(),
    };
    let mut all = Vec::new();
    for _ in 0..runs.max(1) {
        all.push(once(&engine, &settings).await?);
    }
    for (index, step) in STEPS.iter().enumerate() {
        let mut times: Vec<f64> = all.iter().filter_map(|t| t.get(index).copied()).collect();
        times.sort_by(f64::total_cmp);
        let median = times.get(times.len() / 2).copied().unwrap_or(0.0);
        writeln(&format!("{step:8} {median:7.1} ms"))?;
    }
    Ok(())
}

fn writeln(line: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{line}")
}
