//! What a monitor of the ledger knows, and what it raises an alarm at. Pure: checkpoints, proofs,
//! entries and times come in, alerts and the next [`State`] go out.
//!
//! A round is three steps. [`State::judge`] holds a checkpoint against the policy and against the one
//! before; [`State::accept`] takes one that grew, with its consistency proof; [`State::read`] takes the
//! new entries one by one; [`State::settle`] ends the round. An alert about the log itself leaves the
//! state as it was, so that it is raised again until somebody looks; one about an entry is raised once.
//!
//! A document that a bundle proves to be in the log may have come after its entry was read: such places
//! are read again ([`State::untraced`], [`State::trace`]).
//!
//! Where the mesh can be asked what an entry stands for ([`Own::asking`]), the entries under my
//! identity that I do not know stay open ([`State::open`]) until [`State::tell`] says what came of it.

mod alert;
mod own;
mod round;
mod state;

pub use alert::{Alert, Origin};
pub use own::{MAX_MADE, MAX_MONITOR_KEYS, Own, OwnError};
pub use round::{Grown, Judged, MAX_AHEAD_MS, Open, Patience, Told, Untraced};
pub use state::{MAX_FINDINGS, MAX_OWN, MAX_STATE_BYTES, MONITOR_SCHEMA, State, StateError};

#[cfg(test)]
mod tests;
