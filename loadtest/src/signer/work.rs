//! The signer's own work for one AIBoM: one thread, no network, no disk, keys in files.

use std::{
    hint::black_box,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE, link::sign_metadata};
use evidence::{Checks, EvidenceSet, TrustRoot, VerifiedEvidence};
use ids::{JobId, Sha256Digest, Timestamp};
use keys::{DirectoryStore, FileKey, PublicKey, SignError, SigningKey};
use policy::{Decision, SignedPolicy};
use serde::Serialize;
use signer::{Attester, Creation, Journal, JournalError, KeyRing, Record};
use testkit::evidence::Fixture;

use crate::{
    cpu,
    rounds::{as_f64, median},
    site::Site,
};

/// How long each stage is repeated in a round, in milliseconds.
const LENGTH_MS: u64 = 150;

/// What a stage is called, and what it does once.
type Stage<'a> = (&'static str, Box<dyn FnMut() -> anyhow::Result<()> + 'a>);

/// The signer's own work for AIBoMs of one size.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Work {
    /// Packages in the AIBoM.
    pub(crate) packages: usize,
    /// The AIBoM, in bytes.
    pub(crate) aibom_bytes: usize,
    /// The evidence, in bytes.
    pub(crate) evidence_bytes: usize,
    /// From the evidence to the record that is kept, in milliseconds of processor time.
    pub(crate) whole_ms: f64,
    /// Its parts, each alone in a loop, in milliseconds of processor time.
    pub(crate) stages: Vec<(&'static str, f64)>,
}

/// How long the messages are that one AIBoM has signed, in bytes, in the order in which they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Messages(pub(crate) Vec<usize>);

/// A journal that forgets: what is measured is not the disk.
struct Forgetful;

impl Journal for Forgetful {
    fn find(&self, _: JobId) -> Result<Option<Record>, JournalError> {
        Ok(None)
    }

    fn create(&self, _: JobId, _: Sha256Digest, _: &Record) -> Result<Creation, JournalError> {
        Ok(Creation::Done)
    }
}

/// A key that notes the lengths of its messages.
#[derive(Debug)]
struct Noting<'a> {
    key: &'a FileKey,
    lengths: &'a Mutex<Vec<usize>>,
}

impl SigningKey for Noting<'_> {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.lengths.lock().unwrap_or_else(PoisonError::into_inner).push(message.len());
        self.key.sign(message)
    }
}

struct Keys {
    aibom: FileKey,
    model: FileKey,
    layout: FileKey,
}

/// Everything that the stages of one size work on.
struct Sample {
    packages: usize,
    set: EvidenceSet,
    root: TrustRoot,
    at: Timestamp,
    evidence: VerifiedEvidence,
    policy: SignedPolicy,
    decision: Decision,
}

impl Sample {
    fn new(site: &Site, packages: usize) -> anyhow::Result<Self> {
        let at = Timestamp::from(std::time::SystemTime::now());
        let fixture = Fixture::of(std::sync::Arc::clone(&site.mesh), at).packages(packages);
        let (set, root) = (fixture.set(), fixture.trust_root());
        let evidence = check(&set, &root, at)?;
        let (policy, decision) = (fixture.signed_policy(), fixture.decision());
        Ok(Self { packages, set, root, at, evidence, policy, decision })
    }

    fn bytes(&self) -> usize {
        let set = &self.set;
        let documents = [&set.request, &set.grant, &set.training, &set.submission];
        documents.into_iter().chain(&set.scans).map(|document| document.envelope.len()).sum()
    }

    fn messages(&self, keys: &Keys) -> anyhow::Result<Messages> {
        let lengths = Mutex::new(Vec::new());
        let noting = |key| Noting { key, lengths: &lengths };
        let (aibom, model, layout) =
            (noting(&keys.aibom), noting(&keys.model), noting(&keys.layout));
        let keys = bom::SigningKeys { aibom: &aibom, model: &model, layout: &layout };
        bom::sign(&self.evidence, &self.decision, self.at, keys)?;
        Ok(Messages(lengths.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    fn stages<'a>(&'a self, keys: &'a Keys, ring: &'a KeyRing) -> anyhow::Result<Vec<Stage<'a>>> {
        let (evidence, decision, at) = (&self.evidence, &self.decision, self.at);
        let aibom = bom::assemble(evidence, decision)?;
        let (for_statement, for_link, for_layout) = (aibom.clone(), aibom.clone(), aibom);
        let about = bom::statement(&for_statement, evidence, at)?;
        Ok(vec![
            (
                "whole",
                Box::new(move || {
                    let policy = Ok(self.policy.clone());
                    let attester = Attester { root: &self.root, ring, policy };
                    attester.attest(&self.set, at, [7; 32], &Forgetful)?;
                    Ok(())
                }),
            ),
            ("check the evidence", Box::new(move || check(&self.set, &self.root, at).map(drop))),
            ("find the keys", Box::new(move || Ok(ring.keys(&self.root, at).map(drop)?))),
            (
                "policy",
                Box::new(move || {
                    let decided = policy::decide(evidence, &self.policy, at);
                    anyhow::ensure!(decided.is_ok(), "the policy holds it");
                    Ok(())
                }),
            ),
            ("assemble", Box::new(move || Ok(bom::assemble(evidence, decision).map(drop)?))),
            (
                "statement",
                Box::new(move || Ok(bom::statement(&for_statement, evidence, at).map(drop)?)),
            ),
            (
                "sign the statement (Ed25519)",
                Box::new(move || {
                    Ok(Envelope::seal(IN_TOTO_PAYLOAD_TYPE, about.clone(), &keys.aibom)
                        .map(drop)?)
                }),
            ),
            (
                "model statement, signed (P-256)",
                Box::new(move || {
                    let statement = bom::model_statement(evidence)?;
                    Ok(oms::sign(statement, &keys.model, oms::Material::PublicKey).map(drop)?)
                }),
            ),
            (
                "link, signed (Ed25519)",
                Box::new(move || {
                    let link = bom::training_link(evidence, &for_link)?;
                    Ok(sign_metadata(&link, &keys.aibom).map(drop)?)
                }),
            ),
            (
                "layout, signed (Ed25519)",
                Box::new(move || {
                    let by = keys.aibom.public_key();
                    let layout = bom::layout(evidence, &for_layout, at, by)?;
                    Ok(sign_metadata(&layout, &keys.layout).map(drop)?)
                }),
            ),
        ])
    }
}

fn check(set: &EvidenceSet, root: &TrustRoot, at: Timestamp) -> anyhow::Result<VerifiedEvidence> {
    let mut checks = Checks::new();
    let verified = evidence::check(set, root, at, &mut checks);
    verified.with_context(|| format!("evidence refused: {:?}", checks.first_failure()))
}

/// Processor time of one turn of `work`, in milliseconds.
fn cpu_ms(work: &mut dyn FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    work()?;
    let (begun, before) = (Instant::now(), cpu::thread_seconds()?);
    let mut count = 0;
    while begun.elapsed() < Duration::from_millis(LENGTH_MS) {
        black_box(work()?);
        count += 1;
    }
    Ok((cpu::thread_seconds()? - before) * 1e3 / as_f64(count))
}

/// Measures AIBoMs with these numbers of packages in turn; the messages are the last one's. Blocks.
pub(crate) fn measure(
    site: &Site,
    sizes: &[usize],
    rounds: u8,
) -> anyhow::Result<(Vec<Work>, Messages)> {
    let mesh = &site.mesh;
    let keys =
        Keys { aibom: mesh.platform_key(), model: mesh.model_key(), layout: mesh.layout_key() };
    super::server::write_keys(site)?;
    let store = DirectoryStore::new(site.path(super::server::KEYS), None);
    let ring = KeyRing::new(std::sync::Arc::new(store));
    let samples: Vec<Sample> =
        sizes.iter().map(|packages| Sample::new(site, *packages)).collect::<Result<_, _>>()?;
    let mut stages: Vec<Vec<Stage<'_>>> =
        samples.iter().map(|sample| sample.stages(&keys, &ring)).collect::<Result<_, _>>()?;
    let mut times: Vec<Vec<Vec<f64>>> =
        stages.iter().map(|all| vec![Vec::new(); all.len()]).collect();
    for _ in 0..rounds {
        for (all, times) in stages.iter_mut().zip(&mut times) {
            for ((_, work), times) in all.iter_mut().zip(times) {
                times.push(cpu_ms(work)?);
            }
        }
    }
    let mut found = Vec::new();
    for ((sample, all), times) in samples.iter().zip(&stages).zip(times) {
        let mut stages = Vec::new();
        for ((name, _), times) in all.iter().zip(times) {
            stages.push((*name, median(times)?));
        }
        let (_, whole_ms) = stages.remove(0);
        found.push(Work {
            packages: sample.packages,
            aibom_bytes: bom::assemble(&sample.evidence, &sample.decision)?.as_bytes().len(),
            evidence_bytes: sample.bytes(),
            whole_ms,
            stages,
        });
    }
    let last = samples.last().context("no size")?;
    Ok((found, last.messages(&keys)?))
}
