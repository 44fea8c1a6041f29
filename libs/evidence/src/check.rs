//! The rules: from an evidence set to verified evidence, every check named.

use envelope::link::link_file_name;
use ids::{Role, Sha256Digest, Timestamp, canonical};
use job::{REQUEST_PAYLOAD_TYPE, REQUEST_SCHEMA, Request};
use keys::{Identity, PublicKey};
use serde::{Serialize, de::DeserializeOwned};

use crate::document::MAX_DOCUMENT_BYTES;
use crate::{
    Checks, Document, EvidenceSet, GRANT_PAYLOAD_TYPE, GRANT_SCHEMA, Grant, Operator, Release,
    Revocation, SUBMIT_STEP, ScanStatement, TrainingStatement, TrustRoot,
};

mod advisory;
mod bounds;
mod record;
mod release;
mod scans;
mod submission;
mod training;

pub use advisory::{VerifiedAdvisory, check_advisory};
pub use record::{VerifiedRecord, check_record};
pub use training::{inputs_match, within_limits};

/// How far the clocks of two services may differ, in milliseconds.
pub const CLOCK_SKEW_MS: i64 = 60_000;
/// The oldest training that is still signed, in milliseconds after its end: 7 days.
pub const MAX_EVIDENCE_AGE_MS: i64 = 7 * 24 * 3_600_000;
/// The most scans in a set.
pub const MAX_SCANS: usize = 16;

/// The most outputs of one run.
pub const MAX_OUTPUTS: usize = 64;
/// The most packages in one scan.
pub const MAX_PACKAGES: usize = 20_000;
/// The most further places of one package.
pub const MAX_COPIES: usize = 64;
/// The most packages with a vulnerability in one scan, those of each vulnerability added up.
pub const MAX_PLACES: usize = 100_000;
/// The most statistics of a dataset.
pub const MAX_STATISTICS: usize = 8_192;
/// The most secrets in one scan, and the most misconfigurations.
pub const MAX_FILE_FINDINGS: usize = 10_000;
/// The most hazards of one file.
pub const MAX_FILE_HAZARDS: usize = 1_000;
/// The most vulnerabilities in one scan.
pub const MAX_FINDINGS: usize = 50_000;
/// The most weaknesses (CWE) of one vulnerability.
pub const MAX_CWES: usize = 64;
/// The most metrics whose course a trainer reports.
pub const MAX_SERIES: usize = 16;
/// The most points of one metric's course.
pub const MAX_SERIES_POINTS: usize = 256;

/// Evidence whose every rule held; only [`check`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedEvidence {
    request: Request,
    grant: Grant,
    training: TrainingStatement,
    scans: Vec<ScanStatement>,
    digests: Vec<(String, Sha256Digest)>,
    signers: Vec<(String, PublicKey)>,
    submitter: PublicKey,
    release: Option<Release>,
    evidence_digest: Sha256Digest,
}

/// The file name of a release among the evidence.
const RELEASE_FILE: &str = "release.dsse.json";

impl VerifiedEvidence {
    /// What the user asked for.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// What the scheduler granted.
    #[must_use]
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// What the executor observed.
    #[must_use]
    pub const fn training(&self) -> &TrainingStatement {
        &self.training
    }

    /// What the scanner found.
    #[must_use]
    pub fn scans(&self) -> &[ScanStatement] {
        &self.scans
    }

    /// The key of the scheduler that signed the submission: the functionary of the submit step.
    #[must_use]
    pub const fn submitter(&self) -> &PublicKey {
        &self.submitter
    }

    /// The approver's release, when a policy held the job.
    #[must_use]
    pub const fn release(&self) -> Option<&Release> {
        self.release.as_ref()
    }

    /// Who signed the release, when there is one.
    #[must_use]
    pub fn approver(&self) -> Option<&str> {
        let mut all = self.digests.iter().zip(&self.signers);
        all.find(|((name, _), _)| name == RELEASE_FILE).map(|(_, (id, _))| id.as_str())
    }

    /// File name (`request.dsse.json`, `scan.0.dsse.json`, …) and digest of each document; the
    /// submission (`submit.<keyid8>.link`) comes after the scans, a release at the end.
    #[must_use]
    pub fn digests(&self) -> &[(String, Sha256Digest)] {
        &self.digests
    }

    /// SPIFFE id and key of who signed each document, in the order of [`Self::digests`].
    #[must_use]
    pub fn signers(&self) -> &[(String, PublicKey)] {
        &self.signers
    }

    /// One digest over the whole set, in its fixed order: what a signer's journal compares.
    #[must_use]
    pub fn set_digest(&self) -> Sha256Digest {
        over(&self.digests)
    }

    /// The same without the release: what a policy holds, and what a release names.
    #[must_use]
    pub const fn evidence_digest(&self) -> Sha256Digest {
        self.evidence_digest
    }
}

fn over(digests: &[(String, Sha256Digest)]) -> Sha256Digest {
    let mut bytes = Vec::new();
    for (name, digest) in digests {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(digest.as_bytes());
    }
    Sha256Digest::of(&bytes)
}

struct Checker<'a> {
    root: &'a TrustRoot,
    at: Timestamp,
    checks: &'a mut Checks,
}

/// Checks every rule over `set` at the instant `at` (the signing time), and records each.
/// `None` when a rule did not hold; `checks` names it.
pub fn check(
    set: &EvidenceSet,
    root: &TrustRoot,
    at: Timestamp,
    checks: &mut Checks,
) -> Option<VerifiedEvidence> {
    let mut checker = Checker { root, at, checks };
    let request = checker.request(&set.request);
    let grant = checker.grant(&set.grant, set.request.digest());
    let training = checker.training(set, request.as_ref(), grant.as_ref());
    let scans = checker.scans(set, request.as_ref(), grant.as_ref(), training.as_ref());
    let submission = checker.submission(set, request.as_ref());
    checker.certificates(set);
    let release = set.release.as_ref().map(|document| checker.release(document));
    let (request, grant, training, scans) = (request?, grant?, training?, scans?);
    let submission = submission?;

    let mut digests = vec![
        ("request.dsse.json".to_owned(), set.request.digest()),
        ("grant.dsse.json".to_owned(), set.grant.digest()),
        ("training.dsse.json".to_owned(), set.training.digest()),
    ];
    let mut signers = vec![signer(&request.1), signer(&grant.1), signer(&training.1)];
    let mut statements = Vec::new();
    for (index, (scan, identity)) in scans.into_iter().enumerate() {
        digests.push((format!("scan.{index}.dsse.json"), set.scans.get(index)?.digest()));
        signers.push(signer(&identity));
        statements.push(scan);
    }
    let submitter = submission.public_key().clone();
    digests.push((link_file_name(SUBMIT_STEP, &submitter), set.submission.digest()));
    signers.push(signer(&submission));
    let evidence_digest = over(&digests);
    let release = match (release, &set.release) {
        (Some(opened), Some(document)) => {
            let (release, approver) = opened?;
            digests.push((RELEASE_FILE.to_owned(), document.digest()));
            signers.push(signer(&approver));
            let (job, about) = (release.job, release.evidence);
            checks.require(
                "release.subject",
                (job, about) == (grant.0.job, evidence_digest),
                "about this job and this evidence",
                format_args!("about job {job} and the evidence {about}"),
            );
            Some(release)
        }
        _ => None,
    };
    checks.all_passed().then_some(VerifiedEvidence {
        request: request.0,
        grant: grant.0,
        training: training.0,
        scans: statements,
        digests,
        signers,
        submitter,
        release,
        evidence_digest,
    })
}

fn signer(identity: &Identity) -> (String, PublicKey) {
    (identity.spiffe_id().to_string(), identity.public_key().clone())
}

impl Checker<'_> {
    /// Opens a document: certificate, signature, role, and the shape of the payload.
    fn open<T: Serialize + DeserializeOwned>(
        &mut self,
        part: &str,
        document: &Document,
        payload_type: &str,
        role: Role,
    ) -> Option<(T, Identity)> {
        let signer = self.certificate(part, document)?;
        let opened = document.payload(payload_type, &signer);
        let payload = self.checks.record(
            format!("{part}.signature"),
            opened.map(|payload| (payload, format!("key {}", signer.public_key().key_id()))),
        )?;
        let role_ok = self.role(part, &signer, role);
        let parsed = canonical::from_slice::<T>(&payload, MAX_DOCUMENT_BYTES);
        let value = self.checks.record(
            format!("{part}.content"),
            parsed.map(|value| (value, "canonical, no unknown member".to_owned())),
        )?;
        role_ok.then_some((value, signer))
    }

    /// Who signed a document, unless the trust root takes that key back.
    fn identity(&self, document: &Document) -> Result<Identity, String> {
        let id = document.signer(self.root, self.at).map_err(|error| error.to_string())?;
        match self.root.revocation(id.public_key().key_id(), self.at) {
            None => Ok(id),
            Some(Revocation { since, reason }) => {
                let reason: String = reason.chars().take(200).collect();
                Err(format!("the key of {} is revoked since {since}: {reason}", id.spiffe_id()))
            }
        }
    }

    /// Whose certificate a document carries.
    fn certificate(&mut self, part: &str, document: &Document) -> Option<Identity> {
        self.checks.record(
            format!("{part}.certificate"),
            self.identity(document).map(|id| {
                let detail = format!("{} by the mesh CA", id.spiffe_id());
                (id, detail)
            }),
        )
    }

    fn role(&mut self, part: &str, signer: &Identity, role: Role) -> bool {
        let id = signer.spiffe_id();
        self.checks.require(
            format!("{part}.role"),
            id.role() == role && self.root.admits(id),
            format_args!("signed by a {role} of {}", self.root.trust_domain),
            format_args!("signed by {id}, expected a {role} of {}", self.root.trust_domain),
        )
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, name: &str, got: &T, wanted: &T) -> bool {
        self.checks.require(
            name,
            got == wanted,
            "as required",
            format_args!("{got:?} where {wanted:?} was required"),
        )
    }

    fn request(&mut self, document: &Document) -> Option<(Request, Identity)> {
        let (request, signer): (Request, _) =
            self.open("request", document, REQUEST_PAYLOAD_TYPE, Role::User)?;
        let schema = self.same("request.schema", &request.schema.as_str(), &REQUEST_SCHEMA);
        let user = self.same("request.user", &request.user, signer.spiffe_id());
        let valid = self.checks.record(
            "request.specification",
            job::validate(&request.spec).map(|()| ((), "within its bounds".to_owned())),
        );
        (schema && user && valid.is_some()).then_some((request, signer))
    }

    fn grant(&mut self, document: &Document, request: Sha256Digest) -> Option<(Grant, Identity)> {
        let (grant, signer): (Grant, _) =
            self.open("grant", document, GRANT_PAYLOAD_TYPE, Role::Scheduler)?;
        let mut ok = self.same("grant.schema", &grant.schema.as_str(), &GRANT_SCHEMA);
        ok &= self.same("grant.request", &grant.request, &request);
        ok &= self.checks.require(
            "grant.time",
            grant.issued_at <= self.at.plus_ms(CLOCK_SKEW_MS) && grant.issued_at < grant.expires_at,
            "issued before it was used",
            "issued in the future or after its own expiry",
        );
        let operator = grant.operator.as_ref().map_or(Ok(()), Operator::validate);
        let operator = operator.map(|()| ((), "within its bounds".to_owned()));
        ok &= self.checks.record("grant.operator", operator).is_some();
        ok.then_some((grant, signer))
    }

    /// A chain holds nothing that its path does not need.
    fn certificates(&mut self, set: &EvidenceSet) {
        let named = [
            ("request", &set.request),
            ("grant", &set.grant),
            ("training", &set.training),
            ("submission", &set.submission),
        ];
        let scans = set.scans.iter().take(MAX_SCANS).map(|document| ("scan", document));
        let release = set.release.iter().map(|document| ("release", document));
        let idle = named.into_iter().chain(scans).chain(release).find(|(_, document)| {
            keys::carries_idle(&document.certificates, &self.root.mesh_ca, self.at)
        });
        let part = idle.map_or("", |(part, _)| part);
        self.checks.require(
            "evidence.certificates",
            part.is_empty(),
            "every certificate is part of its path",
            format_args!("{part} carries a certificate that its path does not need"),
        );
    }
}
