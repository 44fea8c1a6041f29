//! The rules over an advisory: a scan of an image for its own sake, made after AIBoMs named it.

use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE};
use ids::{Role, Sha256Digest, Timestamp};
use keys::{Certificate, Identity};
use serde::Deserialize;

use super::Checker;
use crate::{
    Checks, Document, MAX_DOCUMENT_BYTES, SCAN_PREDICATE_TYPE, ScanStatement, ScanTarget, TrustRoot,
};

/// A scan of an image whose every rule held; only [`check_advisory`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedAdvisory {
    scan: ScanStatement,
    image: Sha256Digest,
    signer: Identity,
}

impl VerifiedAdvisory {
    /// What the scanner found.
    #[must_use]
    pub const fn scan(&self) -> &ScanStatement {
        &self.scan
    }

    /// The image that it is about.
    #[must_use]
    pub const fn image(&self) -> Sha256Digest {
        self.image
    }

    /// Who scanned.
    #[must_use]
    pub const fn signer(&self) -> &Identity {
        &self.signer
    }
}

/// The one member that is needed before the envelope can be opened.
#[derive(Deserialize)]
struct Claimed {
    predicate: ClaimedPredicate,
}

#[derive(Deserialize)]
struct ClaimedPredicate {
    metadata: ClaimedMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimedMetadata {
    scan_finished_on: Timestamp,
}

/// The first instant at which it can have been signed: the scan was over, and the certificate began.
/// A scan may be older than its certificate, for it is answered again out of the scanner's cache.
fn signed_from(document: &Document) -> Result<(Timestamp, String), String> {
    let envelope = Envelope::parse(&document.envelope, MAX_DOCUMENT_BYTES)
        .map_err(|error| error.to_string())?;
    let claimed: Claimed = serde_json::from_slice(envelope.unverified_payload())
        .map_err(|error| format!("it tells no time: {error}"))?;
    let leaf = document.certificates.first().ok_or("it carries no certificate")?;
    let leaf = Certificate::parse(leaf).map_err(|error| error.to_string())?;
    let finished = claimed.predicate.metadata.scan_finished_on;
    Ok((finished.max(leaf.not_before()), format!("the scan finished {finished}")))
}

/// Checks every rule over an advisory on `image` at the instant `at` (today), and records each under
/// a name that begins with `advisory`. `None` when a rule did not hold.
///
/// Nothing proves when an advisory was signed, as it is in no log: a scanner whose key is revoked by
/// `at` is not believed, whatever time it claims.
pub fn check_advisory(
    document: &Document,
    image: Sha256Digest,
    root: &TrustRoot,
    at: Timestamp,
    checks: &mut Checks,
) -> Option<VerifiedAdvisory> {
    let signed_from = checks.record("advisory.format", signed_from(document))?;
    let mut checker = Checker { root, at: signed_from, checks };
    let opened: Option<(ScanStatement, Identity)> =
        checker.open("advisory", document, IN_TOTO_PAYLOAD_TYPE, Role::Scanner);
    checker.at = at;
    let (scan, signer) = opened?;
    let extension = &scan.predicate.aibom;
    let kind = scan.predicate_type.as_str();
    let mut ok = checker.same("advisory.type", &kind, &SCAN_PREDICATE_TYPE);
    ok &= checker.same("advisory.target", &extension.target, &ScanTarget::Image);
    let subjects: Vec<_> = scan.subject.iter().map(|s| s.sha256_digest()).collect();
    let about = (subjects, extension.files.is_empty());
    ok &= checker.same("advisory.image", &about, &(vec![Some(image)], true));
    ok &= checker.same("advisory.run", &extension.run, &None);
    ok &= checker.scan_alone("advisory", &scan);
    let revoked = root.revocation(signer.public_key().key_id(), at);
    let since = revoked.map_or(at, |revoked| revoked.since);
    ok &= checker.checks.require(
        "advisory.revocation",
        revoked.is_none(),
        "the key is not revoked",
        format_args!("the key is revoked since {since}, and nothing proves when it signed"),
    );
    let idle = keys::carries_idle(&document.certificates, &root.mesh_ca, signed_from);
    ok &= checker.checks.require(
        "advisory.certificates",
        !idle && signed_from <= at.plus_ms(super::CLOCK_SKEW_MS),
        "every certificate is part of its path, and its time has begun",
        "a certificate that its path does not need, or whose time has not begun",
    );
    ok.then_some(VerifiedAdvisory { scan, image, signer })
}
