//! Why the transport itself refuses a call, before or beside the service.

use ids::{Role, SpiffeId, Timestamp};
use tonic::Code;

use crate::Coded;

/// A refusal of the policy layer or of the bounds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{method} is not in the policy table")]
    NotListed { method: String },
    #[error("{method} needs a client certificate of the mesh")]
    NoCertificate { method: &'static str },
    #[error("{method} is not for the role {role}")]
    Role { method: &'static str, role: Role },
    #[error("the certificate of {spiffe_id} expired at {not_after}, while connected")]
    Expired { spiffe_id: SpiffeId, not_after: Timestamp },
    #[error("the certificate of {spiffe_id} no longer leads to a trusted root")]
    NotTrusted {
        spiffe_id: SpiffeId,
        #[source]
        source: Box<crate::tls::PeerRefused>,
    },
    #[error("{method} did not end within its {after_ms} ms")]
    Deadline { method: &'static str, after_ms: u128 },
    #[error("a request message of {length} bytes, {method} takes at most {limit}")]
    TooLarge { method: &'static str, length: u32, limit: usize },
    #[error("compressed messages are not taken")]
    Compressed,
    #[error("the server is busy: too many calls at once")]
    Calls,
    #[error("the server is busy: too many request bytes in memory at once")]
    Bytes,
    #[error("too many calls from this address")]
    Rate,
    #[error("the request stream paused for more than {after_ms} ms")]
    Idle { after_ms: u128 },
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotListed { .. } | Self::Role { .. } => Code::PermissionDenied,
            Self::NoCertificate { .. } | Self::Expired { .. } | Self::NotTrusted { .. } => {
                Code::Unauthenticated
            }
            Self::Deadline { .. } | Self::Idle { .. } => Code::DeadlineExceeded,
            Self::TooLarge { .. } | Self::Calls | Self::Bytes | Self::Rate => {
                Code::ResourceExhausted
            }
            Self::Compressed => Code::Unimplemented,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotListed { .. } => "RPC_NOT_LISTED",
            Self::NoCertificate { .. } => "NO_CERTIFICATE",
            Self::Role { .. } => "ROLE_NOT_ALLOWED",
            Self::Expired { .. } => "CERTIFICATE_EXPIRED",
            Self::NotTrusted { .. } => "CERTIFICATE_NOT_TRUSTED",
            Self::Deadline { .. } => "DEADLINE_EXCEEDED",
            Self::TooLarge { .. } => "MESSAGE_TOO_LARGE",
            Self::Compressed => "COMPRESSION_NOT_SUPPORTED",
            Self::Calls | Self::Bytes => "SERVER_BUSY",
            Self::Rate => "RATE_LIMITED",
            Self::Idle { .. } => "STREAM_IDLE",
        }
    }
}
