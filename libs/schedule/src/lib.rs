//! The scheduler's decisions as a synchronous state machine: no clock, no randomness, no I/O.
//!
//! [`Machine::apply`] takes one [`Event`] and answers with what changed: which jobs to store,
//! which stages to start, which grant to sign. The service around it stores first and acts after.

mod event;
mod held;
mod lease;
mod machine;
mod record;
mod stage;
mod submit;

pub use event::{
    Changes, Event, Failure, FailureKind, Granted, LeaseKey, Refused, Submission, Trained,
};
pub use machine::{Config, Machine};
pub use record::{Documents, Held, JobRecord, Lease, MAX_HISTORY, OutputFile, TransitionRecord};
pub use stage::{Done, Stage};

#[cfg(test)]
mod tests;
