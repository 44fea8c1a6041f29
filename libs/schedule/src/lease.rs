//! Leases: giving, keeping and ending them.

use evidence::Grantee;
use ids::{JobId, Sha256Digest, Timestamp};
use job::{Image, JobState, Reason};
use keys::KeyId;

use crate::{
    Changes, Failure, FailureKind, Granted, JobRecord, Lease, LeaseKey, Machine, Refused, Trained,
};

impl Machine {
    /// Gives the oldest job that fits, if there is one.
    pub(crate) fn lease(
        &mut self,
        at: Timestamp,
        executor: Grantee,
        images: &[Image],
        gpus: u32,
        nonce: Sha256Digest,
    ) -> Changes {
        let fits = |record: &JobRecord| {
            record.not_before <= at
                && record.spec.resources.gpus <= gpus
                && images.contains(&record.spec.trainer.image)
        };
        let found = self.queue.iter().find(|(_, id)| self.jobs.get(id).is_some_and(fits)).copied();
        let Some((created, id)) = found else {
            return Changes::default();
        };
        let token = self.next_token;
        let ttl = self.config.lease_ttl_ms;
        let Some(record) = self.jobs.get_mut(&id) else {
            return Changes::default();
        };
        self.queue.remove(&(created, id));
        self.next_token = token.saturating_add(1);
        record.attempt = record.attempt.saturating_add(1);
        record.last_executor = Some(executor.id.clone());
        let deadline = at.plus_ms(ttl);
        record.lease = Some(Lease { executor, token, nonce, issued_at: at, deadline });
        record.transition(at, JobState::Training, None, "");
        self.training.insert(id);
        let grant = self.grant(id);
        Changes { changed: vec![id], moved: vec![id], grant, ..Changes::default() }
    }

    /// The grant of the current lease of `id`.
    pub(crate) fn grant(&self, id: JobId) -> Option<Granted> {
        let record = self.jobs.get(&id)?;
        let lease = record.lease.as_ref()?;
        Some(Granted {
            job: id,
            attempt: record.attempt,
            request: record.documents.request?,
            executor: lease.executor.clone(),
            nonce: lease.nonce,
            fencing_token: lease.token,
            issued_at: lease.issued_at,
            expires_at: lease.deadline.plus_ms(self.config.grant_grace_ms),
        })
    }

    /// Whether `key` names the current lease.
    ///
    /// # Errors
    /// When it does not: the caller was superseded or never held it.
    pub fn holds(&self, key: &LeaseKey) -> Result<&JobRecord, Refused> {
        let lost = || Refused::LeaseLost {
            job: key.job,
            attempt: key.attempt,
            executor: key.executor.clone(),
        };
        let record = self.jobs.get(&key.job).ok_or_else(lost)?;
        let lease = record.lease.as_ref().ok_or_else(lost)?;
        let same = record.attempt == key.attempt
            && lease.token == key.token
            && lease.executor.id == key.executor;
        if same { Ok(record) } else { Err(lost()) }
    }

    pub(crate) fn renew(
        &mut self,
        at: Timestamp,
        key: &LeaseKey,
        now: KeyId,
    ) -> Result<Changes, Refused> {
        self.holds(key)?;
        let deadline = at.plus_ms(self.config.lease_ttl_ms);
        let mut changes = Changes::default();
        if let Some(record) = self.jobs.get_mut(&key.job) {
            changes.cancel = record.cancel_requested;
            if let Some(lease) = &mut record.lease {
                lease.deadline = lease.deadline.max(deadline);
                lease.executor.key = now;
            }
        }
        changes.grant = self.grant(key.job);
        Ok(changes)
    }

    pub(crate) fn trained(
        &mut self,
        at: Timestamp,
        key: &LeaseKey,
        Trained { grant, training, submission, outputs }: Trained,
    ) -> Result<Changes, Refused> {
        if let Err(lost) = self.holds(key) {
            // The same report again, after a lost answer, is taken; anything else is not.
            let known = self.jobs.get(&key.job).is_some_and(|record| {
                record.documents.training == Some(training)
                    && record.attempt == key.attempt
                    && record.last_executor.as_ref() == Some(&key.executor)
            });
            return if known { Ok(Changes::default()) } else { Err(lost) };
        }
        let Some(record) = self.jobs.get_mut(&key.job) else {
            return Err(Refused::UnknownJob(key.job));
        };
        record.lease = None;
        self.training.remove(&key.job);
        if record.cancel_requested {
            record.transition(
                at,
                JobState::Cancelled,
                Some(Reason::Cancelled),
                "stopped by its user",
            );
            self.end(key.job);
            return Ok(Changes::moved(key.job));
        }
        record.documents.grant = Some(grant);
        record.documents.training = Some(training);
        record.documents.submission = Some(submission);
        record.outputs = outputs;
        record.transition(at, JobState::Scanning, None, "");
        Ok(self.enter_stage(key.job))
    }

    pub(crate) fn attempt_failed(
        &mut self,
        at: Timestamp,
        key: &LeaseKey,
        failure: &Failure,
    ) -> Result<Changes, Refused> {
        if let Err(lost) = self.holds(key) {
            let ended = self.jobs.get(&key.job).is_some_and(|record| {
                record.attempt == key.attempt
                    && record.lease.is_none()
                    && record.last_executor.as_ref() == Some(&key.executor)
            });
            return if ended { Ok(Changes::default()) } else { Err(lost) };
        }
        Ok(self.end_attempt(at, key.job, failure))
    }

    /// Ends the current attempt of `id`: final, or back to the queue.
    pub(crate) fn end_attempt(&mut self, at: Timestamp, id: JobId, failure: &Failure) -> Changes {
        self.training.remove(&id);
        let max_attempts = self.config.max_attempts;
        let backoff = self.config.backoff_ms;
        let Some(record) = self.jobs.get_mut(&id) else {
            return Changes::default();
        };
        record.lease = None;
        let message = failure.message.as_str();
        let reason = Some(failure.reason);
        let state = match failure.kind {
            _ if record.cancel_requested => JobState::Cancelled,
            FailureKind::Cancelled => JobState::Cancelled,
            FailureKind::Job => JobState::Failed,
            FailureKind::Refused => JobState::Refused,
            FailureKind::Infrastructure if record.attempt >= max_attempts => JobState::Failed,
            FailureKind::Infrastructure => JobState::Queued,
        };
        if state == JobState::Cancelled {
            record.transition(at, state, Some(Reason::Cancelled), "stopped by its user");
        } else {
            record.transition(at, state, reason, message);
        }
        if state == JobState::Queued {
            record.not_before = at.plus_ms(backoff.saturating_mul(i64::from(record.attempt)));
            self.queue.insert((record.created_at, id));
        } else {
            self.end(id);
        }
        Changes::moved(id)
    }

    /// Ends leases whose time is over, at most `count`.
    pub(crate) fn expire_leases(&mut self, at: Timestamp, count: usize, changes: &mut Changes) {
        let expired: Vec<(JobId, String)> = self
            .training
            .iter()
            .filter_map(|id| {
                let lease = self.jobs.get(id)?.lease.as_ref()?;
                (lease.deadline <= at).then(|| (*id, lease.executor.id.to_string()))
            })
            .take(count)
            .collect();
        for (id, executor) in expired {
            let failure = Failure {
                kind: FailureKind::Infrastructure,
                reason: Reason::LeaseExpired,
                message: format!("{executor} stopped renewing its lease"),
            };
            changes.merge(self.end_attempt(at, id, &failure));
        }
    }
}
