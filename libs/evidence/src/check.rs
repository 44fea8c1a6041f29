//! The rules: from an evidence set to verified evidence, every check named.

use ids::{Role, Sha256Digest, Timestamp, canonical};
use job::{InputFile, REQUEST_PAYLOAD_TYPE, REQUEST_SCHEMA, Request};
use keys::{Identity, PublicKey};
use serde::{Serialize, de::DeserializeOwned};

use crate::document::MAX_DOCUMENT_BYTES;
use crate::{
    BUILD_TYPE, Checks, Document, EvidenceSet, GRANT_PAYLOAD_TYPE, GRANT_SCHEMA, Grant,
    PROVENANCE_PREDICATE_TYPE, SCAN_PREDICATE_TYPE, ScanStatement, TrainingStatement, TrustRoot,
    check_isolation,
};

/// How far the clocks of two services may differ, in milliseconds.
pub const CLOCK_SKEW_MS: i64 = 60_000;
/// The oldest training that is still signed, in milliseconds after its end: 7 days.
pub const MAX_EVIDENCE_AGE_MS: i64 = 7 * 24 * 3_600_000;
/// The most scans in a set.
pub const MAX_SCANS: usize = 16;

/// Evidence whose every rule held; only [`check`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedEvidence {
    request: Request,
    grant: Grant,
    training: TrainingStatement,
    scans: Vec<ScanStatement>,
    digests: Vec<(String, Sha256Digest)>,
    signers: Vec<(String, PublicKey)>,
}

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

    /// File name (`request.dsse.json`, `scan.0.dsse.json`, …) and digest of each envelope.
    #[must_use]
    pub fn digests(&self) -> &[(String, Sha256Digest)] {
        &self.digests
    }

    /// SPIFFE id and key of who signed each envelope, in the order of [`Self::digests`].
    #[must_use]
    pub fn signers(&self) -> &[(String, PublicKey)] {
        &self.signers
    }

    /// One digest over the whole set, in its fixed order: what a signer's journal compares.
    #[must_use]
    pub fn set_digest(&self) -> Sha256Digest {
        let mut bytes = Vec::new();
        for (name, digest) in &self.digests {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(digest.as_bytes());
        }
        Sha256Digest::of(&bytes)
    }
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
    let scans = checker.scans(set, request.as_ref(), grant.as_ref());
    let (request, grant, training, scans) = (request?, grant?, training?, scans?);

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
    checks.all_passed().then_some(VerifiedEvidence {
        request: request.0,
        grant: grant.0,
        training: training.0,
        scans: statements,
        digests,
        signers,
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
        let chain = document.signer(self.root, self.at);
        let signer = self.checks.record(
            format!("{part}.certificate"),
            chain.map(|id| {
                let detail = format!("{} by the mesh CA", id.spiffe_id());
                (id, detail)
            }),
        )?;
        let opened = document.payload(payload_type, &signer);
        let payload = self.checks.record(
            format!("{part}.signature"),
            opened.map(|payload| (payload, format!("key {}", signer.public_key().key_id()))),
        )?;
        let id = signer.spiffe_id();
        let role_ok = self.checks.require(
            format!("{part}.role"),
            id.role() == role && self.root.admits(id),
            format_args!("signed by a {role} of {}", self.root.trust_domain),
            format_args!("signed by {id}, expected a {role} of {}", self.root.trust_domain),
        );
        let parsed = canonical::from_slice::<T>(&payload, MAX_DOCUMENT_BYTES);
        let value = self.checks.record(
            format!("{part}.content"),
            parsed.map(|value| (value, "canonical, no unknown member".to_owned())),
        )?;
        role_ok.then_some((value, signer))
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
        ok.then_some((grant, signer))
    }

    fn training(
        &mut self,
        set: &EvidenceSet,
        request: Option<&(Request, Identity)>,
        grant: Option<&(Grant, Identity)>,
    ) -> Option<(TrainingStatement, Identity)> {
        let (statement, signer): (TrainingStatement, _) =
            self.open("training", &set.training, envelope::IN_TOTO_PAYLOAD_TYPE, Role::Executor)?;
        let (request, grant) = (&request?.0, &grant?.0);
        let definition = &statement.predicate.build_definition;
        let details = &statement.predicate.run_details;
        let external = &definition.external_parameters;
        let internal = &definition.internal_parameters;

        let kinds = (statement.predicate_type.as_str(), definition.build_type.as_str());
        let mut ok = self.same("training.type", &kinds, &(PROVENANCE_PREDICATE_TYPE, BUILD_TYPE));
        ok &= self.same("training.request", &external.request, &set.request.digest());
        ok &= self.same("training.specification", &external.spec, &request.spec);
        ok &= self.same("training.grant", &internal.grant, &set.grant.digest());
        let lease = (internal.job, internal.attempt, internal.nonce, internal.fencing_token);
        let granted = (grant.job, grant.attempt, grant.nonce, grant.fencing_token);
        ok &= self.same("training.lease", &lease, &granted);
        let invocation = format!("{}/{}", grant.job, grant.attempt);
        ok &= self.same("training.invocation", &details.metadata.invocation_id, &invocation);
        let who = (&details.builder.id, signer.public_key().key_id());
        ok &= self.same("training.executor", &who, &(&grant.executor.id, grant.executor.key));
        ok &= self.same("training.signer", signer.spiffe_id(), &grant.executor.id);
        ok &= self.times(&statement, grant);
        ok &= self.inputs(&statement, request);
        ok &= self.outputs(&statement);
        let isolated = check_isolation(&details.observed.container)
            .map(|()| ((), "as the isolation policy asks".to_owned()));
        ok &= self.checks.record("training.isolation", isolated).is_some();
        let container = &details.observed.container;
        ok &= self.checks.require(
            "training.devices",
            container.devices.is_empty() || request.spec.resources.gpus > 0,
            "no device that was not asked for",
            format_args!("{:?} without a request for GPUs", container.devices),
        );
        ok &= self.checks.require(
            "training.exit",
            container.exit_code == 0 && !container.oom_killed,
            "exit status 0",
            format_args!("exit status {}, OOM {}", container.exit_code, container.oom_killed),
        );
        ok.then_some((statement, signer))
    }

    fn times(&mut self, statement: &TrainingStatement, grant: &Grant) -> bool {
        let run = &statement.predicate.run_details.metadata;
        let within = grant.issued_at.plus_ms(-CLOCK_SKEW_MS) <= run.started_on
            && run.started_on <= run.finished_on
            && run.finished_on <= grant.expires_at.plus_ms(CLOCK_SKEW_MS);
        let (started, finished) = (run.started_on, run.finished_on);
        let (from, until) = (grant.issued_at, grant.expires_at);
        let a = self.checks.require(
            "training.time",
            within,
            "within the grant",
            format_args!("ran {started} to {finished}, the grant holds {from} to {until}"),
        );
        let age = self.at.since_ms(run.finished_on);
        let b = self.checks.require(
            "training.freshness",
            (-CLOCK_SKEW_MS..=MAX_EVIDENCE_AGE_MS).contains(&age),
            "finished shortly before it was signed",
            format_args!("finished {finished}, signed {}: {age} ms apart", self.at),
        );
        a && b
    }

    fn inputs(&mut self, statement: &TrainingStatement, request: &Request) -> bool {
        let dependencies = &statement.predicate.build_definition.resolved_dependencies;
        let digest_of = |name: &str| {
            let mut named = dependencies.iter().filter(|d| d.name.as_deref() == Some(name));
            let first = named.next().and_then(envelope::ResourceDescriptor::sha256_digest);
            if named.next().is_some() { None } else { first }
        };
        let mut ok = self.checks.require(
            "training.dependencies",
            dependencies.len() == 4,
            "three inputs and the image",
            format_args!(
                "{} dependencies, expected three inputs and the image",
                dependencies.len()
            ),
        );
        for (name, InputFile { sha256, .. }) in request.spec.inputs.each() {
            ok &= self.same(&format!("training.input.{name}"), &digest_of(name), &Some(*sha256));
        }
        let image = &request.spec.trainer.image;
        ok &= self.same("training.image", &digest_of("trainer"), &Some(image.digest()));
        let container = &statement.predicate.run_details.observed.container;
        let ran = if image.repository().is_some() {
            container.repo_digests.contains(&image.to_string())
        } else {
            container.image_id == image.to_string()
        };
        ok &= self.checks.require(
            "training.image-id",
            ran,
            "the container ran the requested image",
            format_args!("the container ran {}, requested {image}", container.image_id),
        );
        ok
    }

    fn outputs(&mut self, statement: &TrainingStatement) -> bool {
        let mut names: Vec<&str> =
            statement.subject.iter().filter_map(|s| s.name.as_deref()).collect();
        let digests = statement
            .subject
            .iter()
            .all(|s| s.sha256_digest().is_some() && s.sha512_digest().is_some());
        names.sort_unstable();
        let unique = names.windows(2).all(|pair| pair.first() != pair.last());
        let all_named = names.len() == statement.subject.len();
        self.checks.require(
            "training.outputs",
            digests && unique && all_named && names.contains(&"model.keras") && names.len() <= 64,
            format_args!("{} files, each with both digests", names.len()),
            "outputs must be 1 to 64 uniquely named files with both digests, model.keras among them",
        )
    }

    fn scans(
        &mut self,
        set: &EvidenceSet,
        request: Option<&(Request, Identity)>,
        grant: Option<&(Grant, Identity)>,
    ) -> Option<Vec<(ScanStatement, Identity)>> {
        let count = set.scans.len();
        let mut ok = self.checks.require(
            "scan.count",
            (1..=MAX_SCANS).contains(&count),
            format_args!("{count} scans"),
            format_args!("{count} scans, 1 to {MAX_SCANS} are required"),
        );
        let mut scans = Vec::new();
        for (index, document) in set.scans.iter().take(MAX_SCANS).enumerate() {
            let part = format!("scan.{index}");
            let opened: Option<(ScanStatement, Identity)> =
                self.open(&part, document, envelope::IN_TOTO_PAYLOAD_TYPE, Role::Scanner);
            let (Some(opened), Some((request, _)), Some((grant, _))) = (opened, request, grant)
            else {
                ok = false;
                continue;
            };
            let (scan, extension) = (&opened.0, &opened.0.predicate.aibom);
            let kind = scan.predicate_type.as_str();
            ok &= self.same(&format!("{part}.type"), &kind, &SCAN_PREDICATE_TYPE);
            let image = request.spec.trainer.image.digest();
            let subject: Vec<_> =
                scan.subject.iter().map(envelope::ResourceDescriptor::sha256_digest).collect();
            ok &= self.same(&format!("{part}.image"), &subject, &vec![Some(image)]);
            let link = (extension.job, extension.training);
            ok &=
                self.same(&format!("{part}.training"), &link, &(grant.job, set.training.digest()));
            let finished = scan.predicate.metadata.scan_finished_on;
            ok &= self.checks.require(
                format!("{part}.time"),
                scan.predicate.metadata.scan_started_on <= finished
                    && finished <= self.at.plus_ms(CLOCK_SKEW_MS),
                "finished before it was signed",
                format_args!("finished {finished}, signed {}", self.at),
            );
            scans.push(opened);
        }
        ok.then_some(scans)
    }
}
