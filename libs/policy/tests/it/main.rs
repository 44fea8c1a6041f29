//! The policy over real evidence: each rule, releases, signatures, and what must hold of all of them.
#![expect(clippy::indexing_slicing, reason = "a test fails where it panics")]

mod documents;
mod hostile;
mod laws;
mod releases;
mod rules;

use std::sync::{Arc, LazyLock};

use policy::{Decision, Hold};
use testkit::{evidence::Fixture, mesh::Mesh};

static MESH: LazyLock<Arc<Mesh>> = LazyLock::new(|| Arc::clone(Fixture::new().shared_mesh()));

const DAY_MS: i64 = 24 * 3_600_000;

/// The wine job, whose certificates are made once for all tests.
fn fixture() -> Fixture {
    Fixture::of(Arc::clone(&MESH), Fixture::new().at())
}

fn decide(fixture: &Fixture) -> Result<Decision, Box<Hold>> {
    policy::decide(&fixture.verified(), &fixture.signed_policy(), fixture.at())
}

/// Why a job is held, by key; nothing when it is released.
fn held(fixture: &Fixture) -> Vec<String> {
    let hold = decide(fixture).err();
    hold.map(|hold| hold.violations.iter().map(policy::Violation::key).collect())
        .unwrap_or_default()
}
