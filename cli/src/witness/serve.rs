//! The witness as a process: state, listener, and requests until a signal comes.

use std::{pin::pin, sync::Arc};

use rpc::CancellationToken;
use web::{Bound, Method, Request, Response, Server, StatusCode, text};
use witness::MAX_REQUEST_BYTES;

use super::{
    arguments::ServeArguments,
    config::Config,
    engine::{Engine, system_clock},
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
    let engine = Arc::new(Engine::new(logs, cosigner, opened, system_clock));
    runtime()?.block_on(async {
        let telemetry = telemetry::init(&config.telemetry)
            .map_err(|error| Failure::cannot("telemetry cannot start").caused_by(&error))?;
        let bound = Server::bind(config.server)
            .map_err(|error| Failure::cannot("the witness cannot listen").caused_by(&error))?;
        terminal.say(format_args!("the witness {vkey} serves on {}", bound.url()));
        tracing::info!(url = bound.url(), vkey, "serving");
        let shutdown = CancellationToken::new();
        let mut serving = tokio::spawn(run(bound, Arc::clone(&engine), shutdown.clone()));
        let ended = tokio::select! {
            ended = &mut serving => ended,
            () = rpc::until_signal(&shutdown) => serving.await,
        };
        telemetry.shutdown().await;
        ended.map_err(|error| Failure::cannot("the witness ended badly").because(error))?;
        if engine.broken().is_cancelled() {
            return Err(Failure::cannot("the witness's state could not be written")
                .because("whether the disk has the old or the new one, only a restart tells")
                .remedy("see to the disk, then start the witness again"));
        }
        Ok(Exit::Done)
    })
}

/// Answers until `shutdown`, or until the state cannot be written: a supervisor sees a process that
/// ended, and not one that only says no.
pub(super) async fn run<D: Disk + 'static>(
    bound: Bound,
    engine: Arc<Engine<D>>,
    shutdown: CancellationToken,
) {
    let stop = shutdown.child_token();
    let (broken, stopped) = (engine.broken().clone(), stop.clone());
    let mut serving =
        pin!(bound.serve(move |request| answer(Arc::clone(&engine), request), stopped));
    tokio::select! {
        () = &mut serving => return,
        () = broken.cancelled() => stop.cancel(),
    }
    // What is under way ends before the process does.
    serving.await;
}

async fn answer<D: Disk + 'static>(engine: Arc<Engine<D>>, request: Request) -> Response {
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/add-checkpoint") => {
            let body = request.into_body();
            // The decision waits for the disk, and may not keep a thread of the runtime.
            let deciding = tokio::task::spawn_blocking(move || engine.add_checkpoint(&body));
            deciding.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a request was not decided");
                text(StatusCode::INTERNAL_SERVER_ERROR, "see the witness's log\n")
            })
        }
        (_, "/add-checkpoint") => text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n"),
        _ => text(StatusCode::NOT_FOUND, "this is a witness: POST /add-checkpoint\n"),
    }
}
