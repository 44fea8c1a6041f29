//! How long one assembly and one statement take: `cargo run --release -p bom --example timing`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people to read")]

use std::time::{Duration, Instant};

use testkit::evidence::Fixture;

const ROUNDS: u32 = 200;

/// The shortest of many rounds: what the machine's other work cannot make shorter.
fn shortest(mut work: impl FnMut()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let begin = Instant::now();
        work();
        begin.elapsed()
    });
    rounds.min().unwrap_or_default()
}

fn main() {
    for packages in [8, 300, 3_000] {
        let fixture = Fixture::new().packages(packages);
        let evidence = fixture.verified();
        let aibom = bom::assemble(&evidence).unwrap();
        let assemble = shortest(|| assert_eq!(bom::assemble(&evidence).unwrap(), aibom));
        let statement = shortest(|| drop(bom::statement(&aibom, &evidence, fixture.at()).unwrap()));
        let bytes = aibom.as_bytes().len();
        println!(
            "{packages} packages: {bytes} bytes, assemble {assemble:?}, statement {statement:?}"
        );
    }
}
