//! Errors on the wire: a code, a stable reason, a message for people; causes stay in our log.
//!
//! A domain error implements [`Coded`] once, exhaustively; `grpc.rs` calls [`to_status`].

use std::{collections::HashMap, error::Error, fmt::Write as _};

pub use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The `domain` of every `google.rpc.ErrorInfo` that the mesh sends.
pub const ERROR_DOMAIN: &str = "aibom";

/// An error with its place in the closed table of codes and reasons.
pub trait Coded {
    /// The gRPC code that the caller sees.
    fn code(&self) -> Code;
    /// The stable reason, `UPPER_SNAKE_CASE`, that programs and the error pages go by.
    fn reason(&self) -> &'static str;
}

/// The status of `error`: its code, its reason and its `Display`; its sources are logged only.
pub fn to_status<E: Coded + Error>(error: &E) -> Status {
    let (code, reason) = (error.code(), error.reason());
    if let Some(cause) = error.source() {
        let cause = chain(cause);
        if is_ours(code) {
            tracing::warn!(code = code_name(code), reason, %error, cause, "call failed");
        } else {
            tracing::debug!(code = code_name(code), reason, %error, cause, "call refused");
        }
    }
    new(code, reason, &error.to_string())
}

/// A status with a reason of the mesh.
#[must_use]
pub fn new(code: Code, reason: &str, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, HashMap::new());
    Status::with_error_details(code, message, details)
}

/// The stable reason of a status that the mesh sent.
#[must_use]
pub fn reason_of(status: &Status) -> Option<String> {
    let info = status.get_details_error_info()?;
    (info.domain == ERROR_DOMAIN).then_some(info.reason)
}

/// Whether the fault is on the answering side, as far as the code tells.
const fn is_ours(code: Code) -> bool {
    matches!(code, Code::Unknown | Code::Internal | Code::DataLoss | Code::Unavailable)
}

/// The error and its sources in one line, each once.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// The code's name as gRPC spells it.
#[must_use]
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// What a person can do about a reason of this crate, or else about a code.
fn remedy(code: Code, reason: Option<&str>) -> Option<&'static str> {
    Some(match reason {
        Some("UNREACHABLE") => "check that the service runs, its address and the network between",
        Some("WRONG_SERVER") => {
            "check url and spiffe_id of this client: another service answers there"
        }
        Some("SERVER_NOT_TRUSTED") => {
            "the server's certificate does not hold under this side's CA file; see its dates"
        }
        Some("CERTIFICATE_REFUSED") => {
            "check this side's certificate: its CA, its dates and its one SPIFFE id"
        }
        Some("CERTIFICATE_EXPIRED") => "renew the certificate; running services reload it",
        Some("CERTIFICATE_NOT_TRUSTED") => "both sides need the same CA file",
        Some("NO_CERTIFICATE") => "call the service's mTLS listener with a client certificate",
        Some("ROLE_NOT_ALLOWED") => "use a certificate of a role that docs/topology.toml lists",
        Some("RPC_NOT_LISTED") => "add the RPC to docs/topology.toml, or check versions",
        Some("MESSAGE_TOO_LARGE") => "send less in one message; see docs/topology.toml",
        Some("SERVER_BUSY" | "RATE_LIMITED") => "wait a little and try again",
        _ => match code {
            Code::Unavailable | Code::Aborted => "try again; the call may be retried",
            Code::DeadlineExceeded => "the answer took too long; see whether it is overloaded",
            Code::Internal | Code::Unknown | Code::DataLoss => {
                "see the service's log for this call"
            }
            Code::Unimplemented => {
                "that service does not have this RPC; check versions and address"
            }
            Code::Unauthenticated => "check the client certificate",
            _ => return None,
        },
    })
}

/// A status for people: code, reason, message, causes on this side, and what to do.
#[must_use]
pub fn describe(status: &Status) -> String {
    let reason = reason_of(status);
    let mut text = code_name(status.code()).to_owned();
    if let Some(reason) = &reason {
        let _ = write!(text, " ({reason})");
    }
    if !status.message().is_empty() {
        let _ = write!(text, ": {}", status.message());
    }
    if let Some(cause) = status.source() {
        let cause = chain(cause);
        if !status.message().contains(&cause) {
            let _ = write!(text, "\n  cause: {cause}");
        }
    }
    if let Some(remedy) = remedy(status.code(), reason.as_deref()) {
        let _ = write!(text, "\n  hint: {remedy}");
    }
    text
}
