//! The witness protocol of C2SP (tlog-witness): what a witness of a transparency log is asked, when
//! it cosigns, what it remembers, and how a log reads its answer. Pure: no clock, files or sockets.
//!
//! A witness states that a log it watches only ever grew. All that it needs for that is the last
//! checkpoint that it cosigned; so it must never forget one, and [`State`] is durable before a
//! cosignature leaves.

mod answer;
mod decision;
mod request;
mod state;

pub use answer::{Answered, Asked, MAX_ANSWER_BYTES};
pub use decision::{Cosignable, Logs, Refusal, SIZE_MEDIA_TYPE, decide};
pub use request::{BadRequest, MAX_PROOF_LINES, MAX_REQUEST_BYTES, Request, request_body};
pub use state::{KeepError, MAX_LOGS, MAX_STATE_BYTES, Remembered, State, StateError};

#[cfg(test)]
mod tests;
