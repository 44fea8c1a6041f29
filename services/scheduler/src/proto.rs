//! Jobs on the wire, and why they are held: `aibom.job.v1`, `aibom.review.v1`.

use ids::Timestamp;
use job::{Image, JobState};
use policy::{Hold, Violation};
use prost_types::Timestamp as WireTime;
use proto::{dispatch::v1 as dispatch, job::v1 as wire, review::v1 as review};
use schedule::{JobRecord, TransitionRecord};

use crate::{fleet::Inventory, live::Progress};

pub(crate) fn time(at: Timestamp) -> WireTime {
    let ms = at.unix_ms();
    let nanos = i32::try_from(ms.rem_euclid(1000).saturating_mul(1_000_000)).unwrap_or(0);
    WireTime { seconds: ms.div_euclid(1000), nanos }
}

const fn state(state: JobState) -> wire::JobState {
    match state {
        JobState::Queued => wire::JobState::Queued,
        JobState::Training => wire::JobState::Training,
        JobState::Scanning => wire::JobState::Scanning,
        JobState::Signing => wire::JobState::Signing,
        JobState::Held => wire::JobState::Held,
        JobState::Logging => wire::JobState::Logging,
        JobState::Publishing => wire::JobState::Publishing,
        JobState::Completed => wire::JobState::Completed,
        JobState::Failed => wire::JobState::Failed,
        JobState::Cancelled => wire::JobState::Cancelled,
        JobState::Refused => wire::JobState::Refused,
    }
}

/// A record as users see it.
pub(crate) fn job(record: &JobRecord) -> wire::Job {
    let outputs = record.outputs.iter().map(|file| wire::OutputFile {
        name: file.name.clone(),
        sha256: file.sha256.to_hex(),
        size: file.size,
    });
    wire::Job {
        id: record.id.to_string(),
        state: state(record.state).into(),
        attempt: record.attempt,
        reason: record.reason.map(|r| r.to_string()).unwrap_or_default(),
        message: record.message.clone(),
        created_at: Some(time(record.created_at)),
        updated_at: Some(time(record.updated_at)),
        model_name: record.spec.model.name.clone(),
        request_digest: record.documents.request.map(|d| d.to_hex()).unwrap_or_default(),
        bundle_digest: record.bundle.map(|d| d.to_hex()).unwrap_or_default(),
        outputs: outputs.collect(),
        executor: record.last_executor.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// A past transition: the job as it was then, as far as the record tells.
pub(crate) fn transition(record: &JobRecord, past: &TransitionRecord) -> wire::Transition {
    let mut then = job(record);
    then.state = state(past.state).into();
    then.attempt = past.attempt;
    then.reason = past.reason.map(|r| r.to_string()).unwrap_or_default();
    then.message.clone_from(&past.message);
    then.updated_at = Some(time(past.at));
    if past.sequence != record.sequence {
        then.bundle_digest = String::new();
        if matches!(past.state, JobState::Queued | JobState::Training) {
            then.outputs.clear();
        }
    }
    wire::Transition { sequence: past.sequence, job: Some(then) }
}

/// A held job in short.
pub(crate) fn held_job(record: &JobRecord) -> review::HeldJob {
    review::HeldJob {
        job: Some(job(record)),
        user: record.user.to_string(),
        image: record.spec.trainer.image.to_string(),
        violations: record.held.map_or(0, |held| held.findings),
        held_until: record.held.map(|held| time(held.until)),
    }
}

/// Why a job is held.
pub(crate) fn hold(record: &JobRecord, hold: Hold) -> review::GetHoldResponse {
    let violation = |found: Violation| review::Violation {
        key: found.key(),
        kind: found.kind.as_str().to_owned(),
        id: found.id,
        subject: found.subject,
        severity: found.severity.as_str().to_owned(),
        detail: found.detail,
    };
    review::GetHoldResponse {
        job: Some(held_job(record)),
        evidence_digest: hold.evidence.to_hex(),
        policy_name: hold.policy.name,
        policy_version: hold.policy.version,
        policy_digest: hold.policy.digest.to_hex(),
        violations: hold.violations.into_iter().map(violation).collect(),
        more: hold.more,
    }
}

/// Progress as watchers see it.
pub(crate) fn progress(progress: &Progress) -> wire::Progress {
    wire::Progress {
        epoch: progress.epoch,
        epochs: progress.epochs,
        metrics: progress.metrics.clone().into_iter().collect(),
        stage: progress.stage.clone(),
    }
}

/// An executor's inventory; the error names the field.
pub(crate) fn inventory(wire: &dispatch::Inventory) -> Result<Inventory, String> {
    let image = |field: &str, text: &str| -> Result<Image, String> {
        text.parse().map_err(|e| format!("{field}: {e}"))
    };
    if wire.images.len() > 256 || wire.trainers.len() > 64 || wire.gpus.len() > 64 {
        return Err("inventory: at most 256 images, 64 trainers and 64 GPUs".to_owned());
    }
    let images = wire.images.iter().map(|text| image("inventory.images", text));
    let trainers = wire.trainers.iter().map(|(name, text)| {
        let labelled = (1..=64).contains(&name.chars().count());
        let name = labelled.then(|| name.clone());
        let name = name.ok_or("inventory.trainers: a name has 1 to 64 characters")?;
        Ok((name, image("inventory.trainers", text)?))
    });
    Ok(Inventory {
        images: images.collect::<Result<_, _>>()?,
        gpus: u32::try_from(wire.gpus.len()).unwrap_or(0),
        trainers: trainers.collect::<Result<_, String>>()?,
    })
}
