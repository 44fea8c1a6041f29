//! Looks at images in use again: what becomes known of them after AIBoMs named them.
//!
//! One image at a time, for as long as the service runs. A scanner without a new database answers
//! out of its cache, so asking costs little. Nothing here touches a job.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ids::{Sha256Digest, Timestamp, canonical};
use job::{Image, JobState};
use schedule::Machine;

use crate::{
    config::RescanConfig,
    core::{ApplyError, Core},
    grpc::Peers,
    records::{AdvisoryRecord, RecordError, Records},
    stages::StageError,
};

/// The longest pause between two looks at what is due, in milliseconds.
const LOOK_MS: i64 = 60_000;
/// The first pause after a failure that may heal, in milliseconds; a shorter period comes first.
const RETRY_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// Why an image's newest scan is not known.
#[derive(Debug, thiserror::Error)]
enum RescanError {
    #[error(transparent)]
    Call(#[from] StageError),
    #[error("the scan does not verify: {0}")]
    Refused(String),
    #[error(transparent)]
    Records(#[from] RecordError),
    #[error("the scan cannot be written: {0}")]
    Write(#[from] canonical::Error),
    #[error("the check did not end: {0}")]
    Check(#[from] tokio::task::JoinError),
}

impl RescanError {
    /// Whether it may go well a little later.
    const fn may_heal(&self) -> bool {
        match self {
            Self::Call(error) => error.again,
            Self::Refused(_) | Self::Write(_) => false,
            Self::Records(_) | Self::Check(_) => true,
        }
    }
}

/// The images in use: the configured ones, then those of completed jobs, `ran` from the newest on
/// and not before `since`. Each digest once, at most `max`.
pub(crate) fn in_use<'a>(
    configured: impl Iterator<Item = &'a Image>,
    ran: impl Iterator<Item = (&'a Image, Timestamp)>,
    since: Timestamp,
    max: usize,
) -> Vec<Image> {
    let recent = ran.take_while(|(_, at)| *at >= since).map(|(image, _)| image);
    let mut seen = BTreeSet::new();
    let distinct = configured.chain(recent).filter(|image| seen.insert(image.digest()));
    distinct.take(max).cloned().collect()
}

/// When each image is asked for next.
#[derive(Debug, Default)]
pub(crate) struct Due(BTreeMap<Sha256Digest, Timestamp>);

impl Due {
    /// Which of `images` are to be asked for at `now`, in their order; the others are forgotten.
    /// None waits longer than `every_ms`, even when the clock was set back.
    pub(crate) fn at(&mut self, now: Timestamp, every_ms: i64, images: &[Image]) -> Vec<Image> {
        let digests: BTreeSet<_> = images.iter().map(Image::digest).collect();
        self.0.retain(|digest, _| digests.contains(digest));
        let waits = |at: &Timestamp| now < *at && *at <= now.plus_ms(every_ms);
        let due = images.iter().filter(|image| !self.0.get(&image.digest()).is_some_and(waits));
        due.cloned().collect()
    }

    /// An image was asked for at `now`; the next time is `after_ms` later.
    pub(crate) fn asked(&mut self, image: &Image, now: Timestamp, after_ms: i64) {
        self.0.insert(image.digest(), now.plus_ms(after_ms));
    }
}

/// The task.
pub(crate) struct Rescans {
    pub(crate) core: Core,
    pub(crate) records: Records,
    pub(crate) peers: Peers,
    /// The configured trainers.
    pub(crate) trainers: Vec<Image>,
    pub(crate) config: RescanConfig,
}

fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

impl Rescans {
    /// Runs until `shutdown`; a failure is logged and counted, and stops nothing.
    pub(crate) async fn run(self, shutdown: rpc::CancellationToken) {
        shutdown.run_until_cancelled(self.rounds()).await;
    }

    async fn rounds(&self) {
        let every_ms = i64::from(self.config.every_s).saturating_mul(1_000);
        let mut due = Due::default();
        while let Ok(images) = self.images().await {
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            metrics::gauge!("scheduler_images_in_use").set(images.len() as f64);
            for image in due.at(now(), every_ms, &images) {
                let again_ms = self.look(&image, every_ms).await;
                due.asked(&image, now(), again_ms);
            }
            let pause_ms = u64::try_from(every_ms.min(LOOK_MS)).unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }

    /// The images in use now.
    async fn images(&self) -> Result<Vec<Image>, ApplyError> {
        let (trainers, max) = (self.trainers.clone(), self.config.max_images);
        let since = now().plus_ms(-i64::from(self.config.keep_days).saturating_mul(DAY_MS));
        let read = move |machine: &Machine| {
            let completed = machine.jobs().filter(|job| job.state == JobState::Completed);
            let ran = completed.map(|job| (&job.spec.trainer.image, job.created_at));
            in_use(trainers.iter(), ran, since, max)
        };
        self.core.query(read).await
    }

    /// Asks for one image; when to ask again, in milliseconds.
    async fn look(&self, image: &Image, every_ms: i64) -> i64 {
        let (outcome, again_ms) = match self.rescan(image).await {
            Ok(Some(record)) => {
                let AdvisoryRecord { revision, document, .. } = record;
                tracing::info!(%image, revision, %document, "a scan says something new");
                ("new", every_ms)
            }
            Ok(None) => ("same", every_ms),
            Err(error) => {
                let again = error.may_heal();
                tracing::warn!(%image, %error, again, "an image could not be scanned again");
                ("failed", if again { every_ms.min(RETRY_MS) } else { every_ms })
            }
        };
        metrics::counter!("scheduler_rescans_total", "outcome" => outcome).increment(1);
        again_ms
    }

    /// The image's new record when its scan says something new. Nothing is kept that a user could
    /// not verify.
    async fn rescan(&self, image: &Image) -> Result<Option<AdvisoryRecord>, RescanError> {
        let digest = image.digest();
        let scan = self.peers.rescan(image.to_string()).await?;
        let before = self.records.advisory(&digest)?;
        if before.as_ref().is_some_and(|before| before.document == scan.digest()) {
            return Ok(None);
        }
        let root = self.peers.trust_root().await?;
        let check = move || {
            let verdict = verify::verify_advisory(&scan, digest, &root, now());
            (scan, verdict)
        };
        let (scan, verdict) = tokio::task::spawn_blocking(check).await?;
        let Some(advisory) = verdict.advisory else {
            let failed = verdict.checks.first_failure();
            let why = failed.map(|check| format!("{}: {}", check.name, check.detail));
            return Err(RescanError::Refused(why.unwrap_or_default()));
        };
        let record = AdvisoryRecord::after(before.as_ref(), advisory.scan(), scan.digest())?;
        if let Some(record) = &record {
            self.records.put_advisory(&digest, before.as_ref(), record, &scan).await?;
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests;
