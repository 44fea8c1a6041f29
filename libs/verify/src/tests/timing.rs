//! How long one verification takes: `cargo test --release -p verify timing -- --ignored --nocapture`.

use std::time::Instant;

use testkit::evidence::Fixture;

use super::made::Made;
use crate::verify_bundle;

const ROUNDS: u32 = 200;

#[test]
#[ignore = "measures and prints, asserts nothing on time"]
fn timing() {
    for packages in [8, 400] {
        let made = Made::new(Fixture::new().packages(packages));
        let bytes = made.bytes();
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            assert!(verify_bundle(&bytes, &made.root).is_verified());
        }
        let each = begun.elapsed() / ROUNDS;
        println!("{packages} packages, {} bytes: {each:?} each", bytes.len());
    }
}
