//! The accept loop of a server: who is let in, and how the last connections end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Limits,
    gate::{Gate, Place},
};

/// How long to wait after a failed accept (no file descriptors), in milliseconds.
const ACCEPT_PAUSE_MS: u64 = 50;

/// What a server calls its metrics of connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionMetrics {
    /// A gauge: connections that are open.
    pub open: &'static str,
    /// A counter: connections that were not let in, with the label `why`.
    pub refused: &'static str,
    /// A counter: connections that were cut off at the end of the drain.
    pub cut_off: &'static str,
}

/// The connections of a server. Dropped, it cuts them off.
#[derive(Debug)]
pub struct Connections {
    gate: Arc<Gate>,
    metrics: ConnectionMetrics,
    running: JoinSet<()>,
}

impl Connections {
    /// None yet; of `limits` the bounds on open connections hold.
    #[must_use]
    pub fn new(limits: &Limits, metrics: ConnectionMetrics) -> Self {
        Self { gate: Arc::new(Gate::new(limits)), metrics, running: JoinSet::new() }
    }

    /// Spawns `serve` for each connection that is let in, until `shutdown`. Those that are open then
    /// go on.
    pub async fn accept<F>(
        &mut self,
        listener: &TcpListener,
        shutdown: &CancellationToken,
        serve: impl Fn(TcpStream, SocketAddr, Place) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(_) = self.running.join_next() => {}
                accepted = listener.accept() => {
                    let Some((stream, remote, place)) = self.admit(accepted).await else {
                        continue;
                    };
                    self.running.spawn(serve(stream, remote, place));
                }
            }
            metrics::gauge!(self.metrics.open).set(to_f64(self.gate.open()));
        }
    }

    async fn admit(
        &self,
        accepted: io::Result<(TcpStream, SocketAddr)>,
    ) -> Option<(TcpStream, SocketAddr, Place)> {
        let (stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                return None;
            }
        };
        match self.gate.enter(remote.ip()) {
            Ok(place) => {
                // Without it small frames wait for acknowledgements: uploads run 20 times slower.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, %remote, "cannot set TCP_NODELAY");
                }
                Some((stream, remote, place))
            }
            Err(why) => {
                metrics::counter!(self.metrics.refused, "why" => why).increment(1);
                tracing::info!(why, %remote, "connection refused");
                None
            }
        }
    }

    /// Waits for the connections for up to `bound`, then cuts off the rest (hyper issue 4170: some
    /// would never end by themselves).
    pub async fn drain(mut self, bound: Duration) {
        let all_ended = async { while self.running.join_next().await.is_some() {} };
        if timeout(bound, all_ended).await.is_err() {
            let cut_off = self.running.len();
            metrics::counter!(self.metrics.cut_off).increment(cut_off as u64);
            tracing::warn!(cut_off, "connections cut off at the end of the drain");
            self.running.abort_all();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of open connections")]
const fn to_f64(count: usize) -> f64 {
    count as f64
}
