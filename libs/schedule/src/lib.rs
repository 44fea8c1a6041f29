//! The scheduler's decisions as a synchronous state machine: no clock, no randomness, no I/O.
//!
//! [`Machine::apply`] takes one [`Event`] and answers with what changed: which jobs to store,
//! which stages to start, which grant to sign, which records to log. The service around it stores
//! first and acts after; [`Due`] says how a record goes on from there.

mod event;
mod held;
mod lease;
mod machine;
mod outbox;
mod record;
mod stage;
mod submit;

pub use event::{
    Changes, Event, Failure, FailureKind, Granted, LeaseKey, Refused, Submission, Trained,
};
pub use machine::{Config, Machine};
pub use outbox::{Backoff, Due, Sealed, Step, job_prefix, may_seal};
pub use record::{Documents, Held, JobRecord, Lease, MAX_HISTORY, OutputFile, TransitionRecord};
pub use stage::{Done, Stage};

#[cfg(test)]
mod tests;
