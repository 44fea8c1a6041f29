//! One call from its first header to its last byte: its places in the bounds, its metrics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::sync::OwnedSemaphorePermit;
use tonic::Code;
use tracing::Span;

use crate::{connection::Connection, status::code_name};

/// How many request bytes may be in memory at once, and how many are.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0) }
    }
}

/// One call's part of the budget: its newest message, held until the call ends.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    held: AtomicUsize,
}

impl Reservation {
    pub(crate) const fn new(budget: Arc<Budget>) -> Self {
        Self { budget, held: AtomicUsize::new(0) }
    }

    /// Gives back the last message's bytes and takes `bytes`; false when they do not fit.
    pub(crate) fn replace(&self, bytes: usize) -> bool {
        let before = self.held.swap(0, Ordering::Relaxed);
        let budget = &self.budget;
        budget.used.fetch_sub(before, Ordering::Relaxed);
        let fits = budget
            .used
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= budget.limit)
            })
            .is_ok();
        if fits {
            self.held.store(bytes, Ordering::Relaxed);
        }
        fits
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(*self.held.get_mut(), Ordering::Relaxed);
    }
}

/// A call in flight; dropping it unfinished counts as abandoned by the peer.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) started: Instant,
    pub(crate) span: Span,
    connection: Arc<Connection>,
    code: Option<Code>,
    _place: Option<OwnedSemaphorePermit>,
    _reserved: Arc<Reservation>,
}

impl Call {
    pub(crate) fn new(
        method: &'static str,
        span: Span,
        connection: Arc<Connection>,
        place: Option<OwnedSemaphorePermit>,
        reserved: Arc<Reservation>,
    ) -> Self {
        connection.call_began();
        let started = Instant::now();
        Self { method, started, span, connection, code: None, _place: place, _reserved: reserved }
    }

    /// Notes how the call ended; the first answer counts.
    pub(crate) fn finish(&mut self, code: Code) {
        self.code.get_or_insert(code);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::Cancelled);
        self.connection.call_ended(self.code.is_none());
        let elapsed = self.started.elapsed();
        count(self.method, code);
        metrics::histogram!("rpc_seconds", "method" => self.method).record(elapsed.as_secs_f64());
        let _in_trace = self.span.enter();
        tracing::debug!(code = code_name(code), ms = elapsed.as_millis(), "call ended");
    }
}

/// Counts one answered call.
pub(crate) fn count(method: &'static str, code: Code) {
    let code = code_name(code);
    metrics::counter!("rpc_requests_total", "method" => method, "code" => code).increment(1);
}
