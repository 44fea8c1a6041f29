//! The signals that end a service.

use tokio_util::sync::CancellationToken;

/// Waits for SIGINT, SIGTERM or `shutdown`, and cancels `shutdown`.
pub async fn until_signal(shutdown: &CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be caught");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
        () = shutdown.cancelled() => {}
    }
    shutdown.cancel();
}
