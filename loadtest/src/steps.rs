//! What each step of a submission costs: the scheduler's own libraries, one thread, no network.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use client::LocalFile;
use envelope::Envelope;
use evidence::Document;
use ids::{JobId, Sha256Digest, Timestamp, canonical};
use job::{REQUEST_PAYLOAD_TYPE, Request};
use keys::SigningKey as _;
use schedule::{Event, Machine, Submission as NewJob};
use serde::Serialize;
use store::{Batch, Durable};

use crate::{grpc::Submission, requests, rounds::as_f64, site::Site};

/// How long each step is repeated, in milliseconds.
const LENGTH_MS: u64 = 300;
/// The most that one document may be parsed from, in bytes.
const LIMIT_BYTES: usize = 256 * 1024;
/// Submissions that share a commit when many are in flight.
const GROUP: u64 = 64;
/// Groups that are committed.
const COMMITS: u64 = 50;
const TABLES: &[&str] = &["jobs", "documents", "owners"];

/// One step.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    /// What is done.
    pub(crate) step: &'static str,
    /// Processor time for one submission, in microseconds.
    pub(crate) us: f64,
}

/// A signed request with everything that is derived from it.
struct Sample {
    template: Request,
    document: Document,
    message: Vec<u8>,
    envelope: Envelope,
    payload: Vec<u8>,
}

impl Sample {
    fn new(site: &Site) -> anyhow::Result<Self> {
        let path = site.path("input");
        std::fs::write(&path, b"any bytes will do here")?;
        let file = LocalFile::hash(&path)?;
        let template = requests::template(site, &[file.clone(), file.clone(), file]);
        let document = requests::sign(site, &template);
        let envelope = Envelope::parse(&document.envelope, LIMIT_BYTES)?;
        let payload =
            envelope.open(REQUEST_PAYLOAD_TYPE, site.mesh.user.key.public_key())?.to_vec();
        let message = Submission::new(document.clone()).encoded();
        Ok(Self { template, document, message, envelope, payload })
    }

    /// The event that makes job `number`.
    fn event(&self, number: u64) -> anyhow::Result<Event> {
        let mut random = [0; 10];
        random.get_mut(2..).context("ten bytes")?.copy_from_slice(&number.to_be_bytes());
        let submission = Box::new(NewJob {
            id: JobId::new(1_795_000_000_000, random),
            user: self.template.user.clone(),
            idempotency_key: uuid::Uuid::from_u128(u128::from(number) + 1),
            payload: Sha256Digest::of(&self.payload),
            request: self.document.digest(),
            spec: self.template.spec.clone(),
        });
        Ok(Event::Submitted { submission })
    }
}

/// The mean time of `work`, after a first call that does not count.
fn mean_us<T>(mut work: impl FnMut(u64) -> anyhow::Result<T>) -> anyhow::Result<f64> {
    black_box(work(0)?);
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < Duration::from_millis(LENGTH_MS) {
        count += 1;
        black_box(work(count)?);
    }
    Ok(begun.elapsed().as_secs_f64() * 1e6 / as_f64(count))
}

fn machine() -> Machine {
    let config = schedule::Config {
        max_live: usize::MAX,
        max_live_per_user: usize::MAX,
        ..schedule::Config::default()
    };
    Machine::resume(config, Vec::new(), Timestamp::from_unix_ms(0)).0
}

fn checks(site: &Site, sample: &Sample) -> anyhow::Result<Vec<Step>> {
    let key = site.mesh.user.key.public_key();
    let payload = &sample.payload;
    let steps = vec![
        Step {
            step: "decode the protobuf message",
            us: mean_us(|_| Submission::decode(&sample.message).context("decode"))?,
        },
        Step {
            step: "parse the envelope strictly (canonical JSON, base64)",
            us: mean_us(|_| Ok(Envelope::parse(&sample.document.envelope, LIMIT_BYTES)?))?,
        },
        Step {
            step: "verify the user's signature (ECDSA P-256)",
            us: mean_us(|_| Ok(sample.envelope.open(REQUEST_PAYLOAD_TYPE, key)?.len()))?,
        },
        Step {
            step: "parse the request strictly (canonical JSON)",
            us: mean_us(|_| Ok(canonical::from_slice::<Request>(payload, LIMIT_BYTES)?))?,
        },
        Step {
            step: "check every bound of the request",
            us: mean_us(|_| Ok(job::validate(&sample.template.spec)?))?,
        },
        Step {
            step: "digest of the envelope, and of what is asked for",
            us: mean_us(|_| {
                let spec = canonical::rewrite(&sample.template.spec)?;
                Ok((sample.document.digest(), Sha256Digest::of(&spec)))
            })?,
        },
        Step {
            step: "write the document as JSON",
            us: mean_us(|_| Ok(serde_json::to_vec(&sample.document)?))?,
        },
    ];
    Ok(steps)
}

/// Deciding, writing the record, and its share of a commit of [`GROUP`] submissions.
fn state(site: &Site, sample: &Sample) -> anyhow::Result<Vec<Step>> {
    let at = Timestamp::from(std::time::SystemTime::now());
    let mut jobs = machine();
    let decide = mean_us(|number| Ok(jobs.apply(at, sample.event(number)?)?))?;
    let events = mean_us(|number| sample.event(number))?;
    let id = jobs.apply(at, sample.event(u64::MAX)?)?.job.context("a job")?.0;
    let record = jobs.job(id).context("the record")?.clone();
    let durable = Durable::open(site.path("steps.redb"), TABLES)?;
    let digest = [7; 32];
    durable.commit_blocking(Batch::new().put("owners", digest, [0; 8]))?;
    let look_up = mean_us(|_| {
        for _ in 0..3 {
            black_box(durable.get("owners", &digest)?);
        }
        Ok(())
    })?;
    let record_bytes = serde_json::to_vec(&record)?;
    let document_bytes = serde_json::to_vec(&sample.document)?;
    let cpu = crate::cpu::seconds(std::process::id())?;
    for group in 0..COMMITS {
        let mut batch = Batch::new();
        for number in group * GROUP..(group + 1) * GROUP {
            let key = Sha256Digest::of(&number.to_be_bytes());
            batch = batch.put("jobs", number.to_be_bytes(), record_bytes.clone()).put(
                "documents",
                *key.as_bytes(),
                document_bytes.clone(),
            );
        }
        durable.commit_blocking(batch)?;
    }
    let cpu = crate::cpu::seconds(std::process::id())? - cpu;
    Ok(vec![
        Step { step: "look up three inputs (redb reads)", us: look_up },
        Step { step: "decide (state machine)", us: (decide - events).max(0.0) },
        Step { step: "copy the record for the answer", us: mean_us(|_| Ok(record.clone()))? },
        Step {
            step: "write the record as JSON",
            us: mean_us(|_| Ok(serde_json::to_vec(&record)?))?,
        },
        Step {
            step: "its share of a commit of 64 (redb, processor time only)",
            us: cpu * 1e6 / as_f64(COMMITS * GROUP),
        },
    ])
}

/// Measures every step. Blocks.
pub(crate) fn measure(site: &Site) -> anyhow::Result<Vec<Step>> {
    eprintln!("steps …");
    let sample = Sample::new(site)?;
    let mut steps = checks(site, &sample)?;
    steps.extend(state(site, &sample)?);
    Ok(steps)
}
