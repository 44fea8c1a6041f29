//! A request becomes a job, unless it is one already.

use ids::Timestamp;
use job::JobState;

use crate::{Changes, Documents, JobRecord, Machine, Refused, Submission};

impl Machine {
    pub(crate) fn submit(
        &mut self,
        at: Timestamp,
        submission: Submission,
    ) -> Result<Changes, Refused> {
        let key = (submission.user.clone(), submission.idempotency_key);
        if let Some(id) = self.keys.get(&key).copied() {
            let same = self.jobs.get(&id).is_some_and(|r| r.payload == submission.payload);
            return if same {
                Ok(Changes { job: Some((id, true)), ..Changes::default() })
            } else {
                Err(Refused::KeyReused(submission.idempotency_key))
            };
        }
        if self.live >= self.config.max_live {
            return Err(Refused::QueueFull { live: self.live, limit: self.config.max_live });
        }
        let mine = self.live_of.get(&submission.user).copied().unwrap_or(0);
        if mine >= self.config.max_live_per_user {
            return Err(Refused::QueueFull { live: mine, limit: self.config.max_live_per_user });
        }
        let id = submission.id;
        if self.jobs.contains_key(&id) {
            return Err(Refused::IdTaken(id));
        }
        let mut record = JobRecord {
            id,
            user: submission.user,
            idempotency_key: submission.idempotency_key,
            payload: submission.payload,
            spec: submission.spec,
            state: JobState::Queued,
            attempt: 0,
            reason: None,
            message: String::new(),
            created_at: at,
            updated_at: at,
            not_before: at,
            stage_failures: 0,
            cancel_requested: false,
            lease: None,
            last_executor: None,
            held: None,
            documents: Documents { request: Some(submission.request), ..Documents::default() },
            outputs: Vec::new(),
            bundle: None,
            history: Vec::new(),
            sequence: 0,
        };
        record.transition(at, JobState::Queued, None, "");
        self.queue.insert((at, id));
        self.begin(&record.user);
        self.keys.insert(key, id);
        self.jobs.insert(id, record);
        Ok(Changes { job: Some((id, false)), ..Changes::moved(id) })
    }
}
