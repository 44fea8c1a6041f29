//! The rules over a release: an approver signed it, for a reason. What it lets pass is the policy's matter.

use ids::Role;
use keys::Identity;

use super::{CLOCK_SKEW_MS, Checker};
use crate::{Document, RELEASE_PAYLOAD_TYPE, RELEASE_SCHEMA, Release};

impl Checker<'_> {
    pub(super) fn release(&mut self, document: &Document) -> Option<(Release, Identity)> {
        let (release, signer): (Release, _) =
            self.open("release", document, RELEASE_PAYLOAD_TYPE, Role::Approver)?;
        let mut ok = self.same("release.schema", &release.schema.as_str(), &RELEASE_SCHEMA);
        ok &= self.checks.require(
            "release.bounds",
            release.is_bounded(),
            "a reason, and findings by their ids",
            "no reason, no findings or too many, or not sorted with each once",
        );
        ok &= self.checks.require(
            "release.time",
            release.decided_at <= self.at.plus_ms(CLOCK_SKEW_MS),
            "decided before it was signed",
            format_args!("decided {}, signed {}", release.decided_at, self.at),
        );
        ok.then_some((release, signer))
    }
}
