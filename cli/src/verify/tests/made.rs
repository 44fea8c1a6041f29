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
        Self::of(&Fixture::new())
    }

    /// The wine job, which its policy holds and an approver released.
    pub(crate) fn released() -> Self {
        Self::of(&Fixture::new().policy(|policy| policy.ignore.clear()).released(|_| {}))
    }

    fn of(fixture: &Fixture) -> Self {
        Self { root: fixture.trust_root(), bundle: testkit::bundle::bundle(fixture) }
    }
}
