//! Signed evidence of one training job (wine, Keras) that verifies, and ways to spoil it.
//!
//! Edits run after the digests that link the documents were filled in and before signing, so a
//! changed request flows into the grant, the training and the scan, and a broken link stays broken.

mod wine;

use std::sync::Arc;

use ::evidence::{
    Checks, Document, EvidenceSet, GRANT_PAYLOAD_TYPE, Grant, RELEASE_PAYLOAD_TYPE, RELEASE_SCHEMA,
    Release, ScanStatement, ScanTarget, ScannedRun, TrainingStatement, TrustRoot, VerifiedEvidence,
    check,
};
use ::policy::{Decision, Policy, SignedPolicy, Violation};
use envelope::IN_TOTO_PAYLOAD_TYPE;
use ids::{JobId, Timestamp};
use job::{REQUEST_PAYLOAD_TYPE, Request};
use serde_json::Value;

use crate::mesh::{Mesh, Party};

pub use wine::{inputs, outputs};

type Edit<T> = Box<dyn Fn(&mut T) + Send + Sync>;

/// A document of an evidence set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The user's.
    Request,
    /// The scheduler's.
    Grant,
    /// The executor's.
    Training,
    /// The scanner's, all of them.
    Scan,
    /// The scheduler's link.
    Submission,
    /// The approver's release.
    Release,
}

/// What is signed, before it is signed.
#[derive(Debug, Clone)]
pub struct Parts {
    /// By the user.
    pub request: Request,
    /// By the scheduler.
    pub grant: Grant,
    /// By the executor.
    pub training: TrainingStatement,
    /// By the scanner.
    pub scans: Vec<ScanStatement>,
    /// By the scheduler, as a link.
    pub submission: Value,
    /// By the approver, when the job is released by one.
    pub release: Option<Release>,
}

/// Makes evidence.
pub struct Fixture {
    mesh: Arc<Mesh>,
    at: Timestamp,
    number: u64,
    packages: usize,
    request: Vec<Edit<Request>>,
    grant: Vec<Edit<Grant>>,
    training: Vec<Edit<TrainingStatement>>,
    scans: Vec<Edit<Vec<ScanStatement>>>,
    submission: Vec<Edit<Value>>,
    policy: Vec<Edit<Policy>>,
    release: Option<Vec<Edit<Release>>>,
    signers: Vec<(Part, Party)>,
}

impl std::fmt::Debug for Fixture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fixture").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Default for Fixture {
    fn default() -> Self {
        Self::new()
    }
}

impl Fixture {
    /// The wine job, signed at 2026-11-20T10:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::signed_at("2026-11-20T10:00:00.000Z".parse().unwrap())
    }

    /// The wine job around another signing time, such as now for services with real clocks.
    #[must_use]
    pub fn signed_at(at: Timestamp) -> Self {
        Self::of(Arc::new(Mesh::new("mesh", at)), at)
    }

    /// The wine job in a mesh that others use, too, whose certificates hold at `at`.
    #[must_use]
    pub const fn of(mesh: Arc<Mesh>, at: Timestamp) -> Self {
        Self {
            mesh,
            at,
            number: 1,
            packages: 8,
            request: Vec::new(),
            grant: Vec::new(),
            training: Vec::new(),
            scans: Vec::new(),
            submission: Vec::new(),
            policy: Vec::new(),
            release: None,
            signers: Vec::new(),
        }
    }

    /// Another job: its own job id, idempotency key, nonce and fencing token.
    #[must_use]
    pub const fn number(mut self, number: u64) -> Self {
        self.number = number;
        self
    }

    /// How many packages the scan lists; the first eight are real ones.
    #[must_use]
    pub const fn packages(mut self, count: usize) -> Self {
        self.packages = count;
        self
    }

    /// Changes the request before it is signed.
    #[must_use]
    pub fn request(mut self, edit: impl Fn(&mut Request) + Send + Sync + 'static) -> Self {
        self.request.push(Box::new(edit));
        self
    }

    /// Changes the grant before it is signed.
    #[must_use]
    pub fn grant(mut self, edit: impl Fn(&mut Grant) + Send + Sync + 'static) -> Self {
        self.grant.push(Box::new(edit));
        self
    }

    /// Changes the training evidence before it is signed.
    #[must_use]
    pub fn training(
        mut self,
        edit: impl Fn(&mut TrainingStatement) + Send + Sync + 'static,
    ) -> Self {
        self.training.push(Box::new(edit));
        self
    }

    /// Changes the scans before they are signed.
    #[must_use]
    pub fn scans(mut self, edit: impl Fn(&mut Vec<ScanStatement>) + Send + Sync + 'static) -> Self {
        self.scans.push(Box::new(edit));
        self
    }

    /// Changes the link of the submit step before it is signed.
    #[must_use]
    pub fn submission(mut self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        self.submission.push(Box::new(edit));
        self
    }

    /// Changes the policy before it is signed.
    #[must_use]
    pub fn policy(mut self, edit: impl Fn(&mut Policy) + Send + Sync + 'static) -> Self {
        self.policy.push(Box::new(edit));
        self
    }

    /// Has an approver release whatever the policy holds the job for; `edit` changes the release
    /// before it is signed.
    #[must_use]
    pub fn released(mut self, edit: impl Fn(&mut Release) + Send + Sync + 'static) -> Self {
        self.release.get_or_insert_default().push(Box::new(edit));
        self
    }

    /// Has somebody else sign a part.
    #[must_use]
    pub fn signer(mut self, part: Part, party: Party) -> Self {
        self.signers.push((part, party));
        self
    }

    /// The parties and their CA.
    #[must_use]
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The same, to make other fixtures of.
    #[must_use]
    pub const fn shared_mesh(&self) -> &Arc<Mesh> {
        &self.mesh
    }

    /// The same parties with other keys, certified by another CA of the same trust domain.
    #[must_use]
    pub fn wrong_ca(&self) -> Mesh {
        Mesh::new("impostor", self.at)
    }

    /// The signing time.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// What a verifier pins.
    #[must_use]
    pub fn trust_root(&self) -> TrustRoot {
        self.mesh.trust_root()
    }

    /// The job's id.
    #[must_use]
    pub fn job(&self) -> JobId {
        wine::job_id(self.number)
    }

    fn party(&self, part: Part) -> &Party {
        let other = self.signers.iter().rev().find(|(of, _)| *of == part).map(|(_, party)| party);
        other.unwrap_or(match part {
            Part::Request => &self.mesh.user,
            Part::Grant | Part::Submission => &self.mesh.scheduler,
            Part::Training => &self.mesh.executor,
            Part::Scan => &self.mesh.scanner,
            Part::Release => &self.mesh.approver,
        })
    }

    /// Signs a request.
    #[must_use]
    pub fn sign_request(&self, request: &Request) -> Document {
        self.party(Part::Request).sign(REQUEST_PAYLOAD_TYPE, request)
    }

    /// Signs a grant.
    #[must_use]
    pub fn sign_grant(&self, grant: &Grant) -> Document {
        self.party(Part::Grant).sign(GRANT_PAYLOAD_TYPE, grant)
    }

    /// Signs training evidence.
    #[must_use]
    pub fn sign_training(&self, training: &TrainingStatement) -> Document {
        self.party(Part::Training).sign(IN_TOTO_PAYLOAD_TYPE, training)
    }

    /// Signs scan evidence.
    #[must_use]
    pub fn sign_scan(&self, scan: &ScanStatement) -> Document {
        self.party(Part::Scan).sign(IN_TOTO_PAYLOAD_TYPE, scan)
    }

    /// Signs the link of the submit step.
    #[must_use]
    pub fn sign_submission(&self, link: &Value) -> Document {
        self.party(Part::Submission).sign_link(link)
    }

    /// Signs a release.
    #[must_use]
    pub fn sign_release(&self, release: &Release) -> Document {
        self.party(Part::Release).sign(RELEASE_PAYLOAD_TYPE, release)
    }

    /// The policy, signed: what a bundle holds.
    #[must_use]
    pub fn policy_bytes(&self) -> Vec<u8> {
        let mut policy = wine::policy(self.at);
        self.policy.iter().for_each(|edit| edit(&mut policy));
        policy.seal(&self.mesh.policy_key()).unwrap()
    }

    /// The policy as the signer and verifiers open it.
    #[must_use]
    pub fn signed_policy(&self) -> SignedPolicy {
        let at = self.at;
        let counts = |entry: &::evidence::KeyEntry| entry.may_sign(at);
        SignedPolicy::open(&self.policy_bytes(), &self.trust_root(), counts).unwrap()
    }

    /// The decision to release.
    ///
    /// # Panics
    /// When the policy holds the job; the message names why.
    #[must_use]
    pub fn decision(&self) -> Decision {
        ::policy::decide(&self.verified(), &self.signed_policy(), self.at)
            .unwrap_or_else(|hold| unreachable!("the fixture is held: {hold:?}"))
    }

    /// The AIBoM.
    #[must_use]
    pub fn aibom(&self) -> bom::Aibom {
        bom::assemble(&self.verified(), &self.decision()).unwrap()
    }

    /// What is signed, with every link and every edit in place.
    #[must_use]
    pub fn parts(&self) -> Parts {
        self.build().0
    }

    /// The signed set.
    #[must_use]
    pub fn set(&self) -> EvidenceSet {
        self.build().1
    }

    /// The set after every check.
    ///
    /// # Panics
    /// When a check does not hold; the message names it.
    #[must_use]
    pub fn verified(&self) -> VerifiedEvidence {
        let mut checks = Checks::new();
        let verified = check(&self.set(), &self.trust_root(), self.at, &mut checks);
        verified.unwrap_or_else(|| {
            unreachable!("the fixture's evidence is refused: {:?}", checks.first_failure())
        })
    }

    fn build(&self) -> (Parts, EvidenceSet) {
        let times = wine::Times::before(self.at);
        let mut request = wine::request(&self.mesh, &times, self.number);
        self.request.iter().for_each(|edit| edit(&mut request));
        let signed_request = self.sign_request(&request);

        let mut grant = wine::grant(&self.mesh, &times, self.number, signed_request.digest());
        self.grant.iter().for_each(|edit| edit(&mut grant));
        let signed_grant = self.sign_grant(&grant);

        let mut training = wine::training(&times, &request, &grant, signed_grant.digest());
        self.training.iter().for_each(|edit| edit(&mut training));
        let signed_training = self.sign_training(&training);

        let image = request.spec.trainer.image.digest();
        let run = ScannedRun { job: grant.job, training: signed_training.digest() };
        let mut scans = vec![
            wine::scan(&times, run, image, self.packages),
            wine::file_scan(&times, run, ScanTarget::Inputs, wine::input_files(&request)),
            wine::file_scan(&times, run, ScanTarget::Outputs, wine::output_files(&training)),
        ];
        self.scans.iter().for_each(|edit| edit(&mut scans));
        let mut submission = ::evidence::submit_link(&request, signed_request.digest());
        self.submission.iter().for_each(|edit| edit(&mut submission));
        let mut set = EvidenceSet {
            request: signed_request,
            grant: signed_grant,
            training: signed_training,
            scans: scans.iter().map(|scan| self.sign_scan(scan)).collect(),
            submission: self.sign_submission(&submission),
            release: None,
        };
        let release = self.release.as_ref().map(|edits| {
            let mut release = self.release_of(&set);
            edits.iter().for_each(|edit| edit(&mut release));
            set.release = Some(self.sign_release(&release));
            release
        });
        (Parts { request, grant, training, scans, submission, release }, set)
    }

    /// A release of everything that the policy holds `set` for.
    fn release_of(&self, set: &EvidenceSet) -> Release {
        let verified = check(set, &self.trust_root(), self.at, &mut Checks::new()).unwrap();
        let policy = self.signed_policy();
        let held = ::policy::decide(&verified, &policy, self.at).err();
        let violations = held.map(|hold| hold.violations).unwrap_or_default();
        let mut violations: Vec<String> = violations.iter().map(Violation::key).collect();
        violations.sort();
        Release {
            schema: RELEASE_SCHEMA.to_owned(),
            job: verified.grant().job,
            evidence: verified.evidence_digest(),
            policy: policy.digest(),
            violations,
            reason: "looked at, and not reachable from the trainer".to_owned(),
            decided_at: self.at,
        }
    }
}
