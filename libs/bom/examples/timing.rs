//! How much processor time one assembly and one statement take: `cargo run --release -p bom --example
//! timing [-- --packages N] [--json | --print]`; `--print` writes the AIBoM itself.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people to read")]

use std::hint::black_box;
use std::io::Write as _;

use rustix::time::{ClockId, clock_gettime};
use testkit::evidence::Fixture;

const ROUNDS: u32 = 200;

/// Processor time of this thread, in nanoseconds.
fn cpu_ns() -> i64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// The median of many rounds, in nanoseconds of processor time.
fn median(mut work: impl FnMut()) -> i64 {
    let mut rounds: Vec<i64> = (0..ROUNDS)
        .map(|_| {
            let begin = cpu_ns();
            work();
            cpu_ns() - begin
        })
        .collect();
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let asked = arguments.iter().position(|argument| argument == "--packages");
    let asked: Option<usize> = asked.map(|at| arguments[at + 1].parse().unwrap());
    for packages in asked.map_or_else(|| vec![8, 300, 500, 3_000], |asked| vec![asked]) {
        let fixture = Fixture::new().packages(packages);
        let evidence = fixture.verified();
        let decision = fixture.decision();
        let aibom = bom::assemble(&evidence, &decision).unwrap();
        if has("--print") {
            std::io::stdout().write_all(aibom.as_bytes()).unwrap();
            continue;
        }
        let assemble = median(|| drop(black_box(bom::assemble(&evidence, &decision).unwrap())));
        let at = fixture.at();
        let statement = median(|| drop(black_box(bom::statement(&aibom, &evidence, at).unwrap())));
        let bytes = aibom.as_bytes().len();
        if has("--json") {
            println!(
                r#"{{"packages":{packages},"bytes":{bytes},"assemble_cpu_ns":{assemble},"statement_cpu_ns":{statement}}}"#
            );
        } else {
            println!(
                "{packages} packages: {bytes} bytes, assemble {assemble} ns, statement {statement} ns"
            );
        }
    }
}
