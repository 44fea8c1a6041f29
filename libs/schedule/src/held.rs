//! Held jobs: the release policy stops them, an approver lets them go, time ends them.

use ids::{JobId, Sha256Digest, Timestamp};
use job::{JobState, Reason};

use crate::{Changes, Held, JobRecord, Machine, Refused};

impl Machine {
    /// Jobs that are held now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// The held jobs after `after`, soonest to end first. A job that is held no longer still
    /// has its place, so that pages go on.
    pub fn held_after(&self, after: Option<JobId>) -> impl Iterator<Item = &JobRecord> {
        use std::ops::Bound::{Excluded, Unbounded};
        let place = after.and_then(|id| Some((self.jobs.get(&id)?.held_until(), id)));
        let from = place.map_or(Unbounded, Excluded);
        self.held.range((from, Unbounded)).filter_map(|(_, id)| self.jobs.get(id))
    }

    pub(crate) fn hold(
        &mut self,
        at: Timestamp,
        id: JobId,
        hold: Sha256Digest,
        Held { findings, until, policy }: Held,
        message: &str,
    ) -> Result<Changes, Refused> {
        let max_held = self.config.max_held_ms;
        let record = self.jobs.get_mut(&id).ok_or(Refused::UnknownJob(id))?;
        if record.state != JobState::Signing {
            return Err(Refused::WrongStage(id));
        }
        // Held again after a release, it has no more time than before.
        let until = match &record.held {
            Some(before) => until.min(before.until),
            None => until.min(record.trained_at().plus_ms(max_held)),
        };
        record.held = Some(Held { findings, until, policy });
        record.documents.hold = Some(hold);
        record.documents.release = None;
        record.documents.refused_release = None;
        record.transition(at, JobState::Held, Some(Reason::PolicyHold), message);
        self.held.insert((until, id));
        Ok(Changes::moved(id))
    }

    /// The same release again, after a lost answer, changes nothing.
    pub(crate) fn release(
        &mut self,
        at: Timestamp,
        id: JobId,
        release: Sha256Digest,
    ) -> Result<Changes, Refused> {
        let record = self.jobs.get_mut(&id).ok_or(Refused::UnknownJob(id))?;
        if record.state != JobState::Held {
            let known = record.documents.release == Some(release);
            return if known { Ok(Changes::default()) } else { Err(Refused::NotHeld(id)) };
        }
        self.held.remove(&(record.held_until(), id));
        record.documents.release = Some(release);
        record.documents.refused_release = None;
        record.transition(at, JobState::Signing, None, "");
        Ok(self.enter_stage(id))
    }

    pub(crate) fn is_released(&self, id: JobId) -> bool {
        let record = self.jobs.get(&id);
        record.is_some_and(|r| r.state == JobState::Signing && r.documents.release.is_some())
    }

    /// The signer refused the evidence with the release in it. Without it the evidence was good, so
    /// a bad release costs the user nothing: the job is held as before.
    pub(crate) fn refuse_release(
        &mut self,
        at: Timestamp,
        id: JobId,
        message: &str,
    ) -> Result<Changes, Refused> {
        let record = self.jobs.get_mut(&id).ok_or(Refused::UnknownJob(id))?;
        record.documents.refused_release = record.documents.release.take();
        let message = format!("the release was refused: {message}");
        record.transition(at, JobState::Held, Some(Reason::PolicyHold), message);
        self.held.insert((record.held_until(), id));
        Ok(Changes::moved(id))
    }

    /// Ends holds whose time is over, the longest over first, at most `count`.
    pub(crate) fn expire_holds(&mut self, at: Timestamp, count: usize, changes: &mut Changes) {
        let over = self.held.iter().take_while(|(until, _)| *until <= at);
        let over: Vec<_> = over.take(count).copied().collect();
        for (until, id) in over {
            self.held.remove(&(until, id));
            let Some(record) = self.jobs.get_mut(&id) else { continue };
            let message = format!("nobody released it until {until}: submit it again");
            record.transition(at, JobState::Failed, Some(Reason::HoldExpired), message);
            self.end(id);
            changes.merge(Changes::moved(id));
        }
    }
}
