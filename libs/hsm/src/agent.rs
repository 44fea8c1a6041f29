//! The process of its own in which a PKCS#11 module runs, and how a service signs through it.
//!
//! A module is foreign native code that holds the PIN: it may hang, crash or turn against its host.
//! So the service that faces the network has neither, and talks to an *agent* process over a Unix
//! socket: [`serve`] is the agent's side, [`AgentStore`] the service's. A *supervisor* starts both,
//! starts the agent again when it ends, and hands each new agent's socket to the service with
//! [`hand_over`] (a descriptor in an `SCM_RIGHTS` message).
//!
//! Each agent has a socket pair of its own, which ends with it. So the end of the stream is the end
//! of the agent, known at once; everything that waits for it fails then; and half a frame from a
//! dying agent is never followed by the frames of the next one. (One lasting pair would need a way
//! to find the next frame; a packet socket does not hold a message of 25 MB; a supervisor that
//! copies frames would be one more parser in the way.)
//!
//! A call that hangs inside a module cannot be cancelled. The agent ends itself instead when a
//! request, or one step of opening or probing the token, takes longer than [`SIGN_DEADLINE_MS`]:
//! [`serve`] returns [`ServeError::Hung`], and the
//! caller must end the process with [`end_process`], past the exit handlers of the module.
//!
//! The service trusts nothing that comes back: answers are small and bounded, a public key must be
//! the one of the asked id, and a signature is given out only after it verified.

mod frame;
mod hand_over;
mod link;
mod serve;
mod store;

pub use frame::{Answer, FrameError, FromAgent, Request};
pub use hand_over::{hand_over, inherited};
pub use serve::{ServeError, end_process, serve};
pub use store::{AgentStore, ConnectError};

/// The longest message to sign, in bytes: the envelopes of the largest AIBoMs have about 25 MB.
pub const MAX_MESSAGE_BYTES: usize = 32 * 1024 * 1024;
/// The longest one request, or one step of opening the token, may take in the agent, in
/// milliseconds.
pub const SIGN_DEADLINE_MS: u64 = 5_000;
/// The longest a service waits for an answer, in milliseconds: the agent's time, the watchdog's
/// interval, and the wait for a worker.
pub const ANSWER_DEADLINE_MS: u64 = 7_000;
/// Requests of a service that wait for an answer at once, in number; more are refused.
pub const IN_FLIGHT_MAX: usize = 64;
/// Requests that an agent works on at once, in number.
pub const WORKERS: usize = 4;
/// Requests that an agent has read ahead, in number; each may hold [`MAX_MESSAGE_BYTES`].
pub const QUEUE_MAX: usize = 4;
