//! The witness as a process: state, listener, and requests until a signal comes.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rpc::CancellationToken;
use web::{Bound, Method, Request, Response, Server, StatusCode, text};
use witness::MAX_REQUEST_BYTES;

use super::{
    arguments::ServeArguments,
    config::Config,
    engine::Engine,
    store::{Disk, Store},
};
use crate::{
    failure::{Exit, Failure},
    runtime::runtime,
    terminal::Terminal,
};

/// Runs `aibom witness serve`.
pub(super) fn serve(terminal: &Terminal, arguments: &ServeArguments) -> Result<Exit, Failure> {
    let mut config = Config::read(&arguments.config)?;
    config.server.limits.max_body_bytes = MAX_REQUEST_BYTES;
    let (logs, cosigner) = (config.logs()?, config.cosigner()?);
    let vkey = cosigner.1.to_string();
    let opened = Store::open(&config.state_dir, &cosigner.1)?;
    let engine = Engine::new(logs, cosigner, opened);
    runtime()?.block_on(async {
        let telemetry = telemetry::init(&config.telemetry)
            .map_err(|error| Failure::cannot("telemetry cannot start").caused_by(&error))?;
        let bound = Server::bind(config.server)
            .map_err(|error| Failure::cannot("the witness cannot listen").caused_by(&error))?;
        terminal.say(format_args!("the witness {vkey} serves on {}", bound.url()));
        tracing::info!(url = bound.url(), vkey, "serving");
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(run(bound, Arc::new(engine), shutdown.clone()));
        rpc::until_signal(&shutdown).await;
        let ended = serving.await;
        telemetry.shutdown().await;
        ended.map_err(|error| Failure::cannot("the witness ended badly").because(error))?;
        Ok(Exit::Done)
    })
}

/// Answers until `shutdown`.
pub(super) async fn run<D: Disk + 'static>(
    bound: Bound,
    engine: Arc<Engine<D>>,
    shutdown: CancellationToken,
) {
    bound.serve(move |request| answer(Arc::clone(&engine), request), shutdown).await;
}

async fn answer<D: Disk + 'static>(engine: Arc<Engine<D>>, request: Request) -> Response {
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/add-checkpoint") => {
            let body = request.into_body();
            // The decision waits for the disk, and may not keep a thread of the runtime.
            let deciding = tokio::task::spawn_blocking(move || engine.add_checkpoint(&body, now()));
            deciding.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a request was not decided");
                text(StatusCode::INTERNAL_SERVER_ERROR, "see the witness's log\n")
            })
        }
        (_, "/add-checkpoint") => text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n"),
        _ => text(StatusCode::NOT_FOUND, "this is a witness: POST /add-checkpoint\n"),
    }
}

/// Seconds since the epoch.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
