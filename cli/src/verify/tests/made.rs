//! A bundle that verifies, made in this process.

use bundle::Bundle;
use evidence::TrustRoot;
use testkit::evidence::Fixture;

/// A bundle with the root that vouches for it.
pub(crate) struct Made {
    pub(crate) root: TrustRoot,
    pub(crate) bundle: Bundle,
}

impl Made {
    /// The wine job, signed and logged.
    pub(crate) fn wine() -> Self {
        let fixture = Fixture::new();
        Self { root: fixture.trust_root(), bundle: testkit::bundle::bundle(&fixture) }
    }
}
