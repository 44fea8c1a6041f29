//! How long a lease is held: renewals, directives and the silence of the scheduler, as a pure
//! state machine. Times are milliseconds of a monotonic clock that the caller reads.

use crate::order::HeldGrant;

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The lease is ours.
    Held,
    /// The user cancelled; the lease is ours until we said so.
    Cancelled,
    /// Another may hold it: stop, clean up, say nothing.
    Lost,
}

/// What a call to renew came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Go on, with a grant that was checked (none when the answer had none that holds).
    Continue(Option<Box<HeldGrant>>),
    /// Stop: the user cancelled.
    Cancel,
    /// The lease is another's.
    Lost,
    /// No answer.
    Away,
}

/// A lease in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    standing: Standing,
    grant: HeldGrant,
    ttl_ms: u64,
    held_until_ms: u64,
}

impl Tenure {
    /// A lease that was given at `now_ms`.
    #[must_use]
    pub const fn new(grant: HeldGrant, ttl_ms: u64, now_ms: u64) -> Self {
        let held_until_ms = now_ms.saturating_add(ttl_ms);
        Self { standing: Standing::Held, grant, ttl_ms, held_until_ms }
    }

    /// Whether to go on.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// The newest grant.
    #[must_use]
    pub const fn grant(&self) -> &HeldGrant {
        &self.grant
    }

    /// When the lease ends unless it is renewed.
    #[must_use]
    pub const fn held_until_ms(&self) -> u64 {
        self.held_until_ms
    }

    /// How long to wait before the next renewal.
    #[must_use]
    pub fn pause_ms(&self, answered: bool) -> u64 {
        // After a silence three more tries fit into what is left.
        let share = if answered { 3 } else { 12 };
        (self.ttl_ms / share).max(1)
    }

    /// Takes the answer to a renewal that was asked at `asked_ms`: the scheduler's clock for the
    /// lease began no earlier.
    pub fn take(&mut self, answer: Answer, asked_ms: u64) {
        if self.standing == Standing::Lost {
            return;
        }
        match answer {
            Answer::Continue(grant) => {
                self.held_until_ms = self.held_until_ms.max(asked_ms.saturating_add(self.ttl_ms));
                if let Some(grant) = grant {
                    self.grant = *grant;
                }
            }
            Answer::Cancel => {
                self.held_until_ms = self.held_until_ms.max(asked_ms.saturating_add(self.ttl_ms));
                self.standing = Standing::Cancelled;
            }
            Answer::Lost => self.standing = Standing::Lost,
            Answer::Away => {}
        }
    }

    /// Looks at the clock: a lease that nobody renewed is lost, whoever failed to answer.
    pub const fn look(&mut self, now_ms: u64) {
        if now_ms >= self.held_until_ms {
            self.standing = Standing::Lost;
        }
    }
}

#[cfg(test)]
mod tests;
