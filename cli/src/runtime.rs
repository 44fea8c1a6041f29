//! The asynchronous runtime of the commands that talk to a mesh, and Ctrl-C.

use crate::failure::{Exit, Failure};

/// Runs `work` until it ends or the user stops it; `on_interrupt` says what then goes on.
pub(crate) fn block_on(
    work: impl Future<Output = Result<Exit, Failure>>,
    on_interrupt: impl Fn() -> String,
) -> Result<Exit, Failure> {
    runtime()?.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted(on_interrupt())),
        }
    })
}

/// A runtime with timers and sockets.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::cannot("cannot start the runtime").because(error))
}
