//! A failed call, and the one rule by which a call is made again.

use std::{fmt, time::Duration};

use rpc::status::{Code, Status};

/// How often a call is made before its failure is the answer.
pub const MAX_TRIES: u32 = 8;
/// The first pause between two tries, in milliseconds; each further one is twice as long.
const FIRST_PAUSE_MS: u64 = 100;
/// The longest pause, in milliseconds.
const MAX_PAUSE_MS: u64 = 3_000;

/// A call that failed, with what was being done.
#[derive(Debug, Clone)]
pub struct CallError {
    what: String,
    status: Box<Status>,
}

impl CallError {
    pub(crate) fn new(what: impl Into<String>, status: Status) -> Self {
        Self { what: what.into(), status: Box::new(status) }
    }

    /// An answer that breaks the contract.
    pub(crate) fn malformed(what: impl Into<String>, why: impl fmt::Display) -> Self {
        let message = format!("the answer breaks the contract: {why}");
        Self::new(what, rpc::status::new(Code::Internal, "MALFORMED_ANSWER", &message))
    }

    /// What was being done.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The stable reason, when the mesh sent one.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        rpc::reason_of(&self.status)
    }

    /// The message for people, without code and hint.
    #[must_use]
    pub fn message(&self) -> &str {
        self.status.message()
    }

    /// Whether the thing is not there, or not the caller's.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status.code() == Code::NotFound
    }

    /// Whether the service could not be reached at all.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.status.code() == Code::Unavailable
    }

    /// Whether the same call may go well a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        is_transient(&self.status)
    }

    /// The gRPC code's name, such as `NOT_FOUND`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        rpc::status::code_name(self.status.code())
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, rpc::describe(&self.status))
    }
}

impl std::error::Error for CallError {}

/// Whether the same call may go well a little later. A refused certificate will not heal by itself.
pub(crate) fn is_transient(status: &Status) -> bool {
    let hopeless = ["CERTIFICATE_REFUSED", "CERTIFICATE_NOT_TRUSTED", "CERTIFICATE_EXPIRED"];
    let reason = rpc::reason_of(status);
    if reason.as_deref().is_some_and(|r| hopeless.contains(&r) || r == "WRONG_SERVER") {
        return false;
    }
    match status.code() {
        Code::Unavailable | Code::Aborted | Code::DeadlineExceeded => true,
        Code::ResourceExhausted => {
            matches!(
                reason.as_deref(),
                Some("SERVER_BUSY" | "RATE_LIMITED" | "QUEUE_FULL" | "UPLOADS_FULL")
            )
        }
        _ => false,
    }
}

/// The pause before try number `tries` + 1, with up to a quarter more at random.
pub(crate) fn pause(tries: u32) -> Duration {
    let doubled = FIRST_PAUSE_MS.saturating_mul(1 << tries.min(16));
    let base = doubled.min(MAX_PAUSE_MS);
    let jitter = getrandom::u32().map_or(0, |r| u64::from(r) % (base / 4).max(1));
    Duration::from_millis(base + jitter)
}

/// Makes an idempotent call until it is answered, at most [`MAX_TRIES`] times.
pub(crate) async fn retry<T, F>(
    what: impl Into<String> + Send,
    mut call: impl FnMut() -> F + Send,
) -> Result<T, CallError>
where
    F: Future<Output = Result<T, Status>> + Send,
{
    let mut tries = 1;
    loop {
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(status) if tries < MAX_TRIES && is_transient(&status) => {
                tokio::time::sleep(pause(tries - 1)).await;
                tries += 1;
            }
            Err(status) => return Err(CallError::new(what, status)),
        }
    }
}
