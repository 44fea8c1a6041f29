//! Whether a witness cosigns: the checks of C2SP tlog-witness, in the order that it gives.

use std::collections::BTreeMap;

use merkle::{
    Checkpoint, ConsistencyError, VerifierKey, checkpoint::CheckpointError, empty_root,
    verify_consistency,
};

use crate::{BadRequest, Request};

/// The `Content-Type` of the answer 409.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// The logs that a witness knows: the keys that it trusts for each origin.
#[derive(Debug, Clone, Default)]
pub struct Logs(BTreeMap<String, Vec<VerifierKey>>);

impl Logs {
    /// No log yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key that signs the checkpoints of the log named as the key is.
    #[must_use]
    pub fn with(mut self, key: VerifierKey) -> Self {
        self.0.entry(key.name().to_owned()).or_default().push(key);
        self
    }

    /// The origins, in order.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// A checkpoint that extends what was cosigned of its log; made by [`decide`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignable {
    checkpoint: Checkpoint,
    note: String,
}

impl Cosignable {
    /// The tree head to cosign.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The checkpoint with the log's signature, and no other line that was sent along.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is no request.
    #[error("the request is malformed: {0}")]
    BadRequest(#[from] BadRequest),
    /// No key is configured for that origin.
    #[error("the log {0:?} is not known here")]
    UnknownLog(String),
    /// None of the log's keys signed the checkpoint.
    #[error("the checkpoint is not signed by the log: {0}")]
    Forbidden(CheckpointError),
    /// Another size was cosigned last; the client asks again from that one.
    #[error("the size cosigned last is {cosigned}, not {old}")]
    Conflict {
        /// The size cosigned last, in leaves; 0 when none was.
        cosigned: u64,
        /// The size that the client named, in leaves.
        old: u64,
    },
    /// The log signed two roots of one size.
    #[error("the log signed another root of size {0} than the one cosigned: it forked")]
    Forked(
        /// The size, in leaves.
        u64,
    ),
    /// The proof does not lead from what was cosigned to the checkpoint.
    #[error("the checkpoint does not extend the one cosigned: {0}")]
    Unprocessable(#[from] ConsistencyError),
}

impl Refusal {
    /// The HTTP status code of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Forbidden(_) => 403,
            Self::UnknownLog(_) => 404,
            Self::Conflict { .. } | Self::Forked(_) => 409,
            Self::Unprocessable(_) => 422,
        }
    }

    /// The `Content-Type` of the answer.
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        match self {
            Self::Conflict { .. } | Self::Forked(_) => SIZE_MEDIA_TYPE,
            Self::BadRequest(_)
            | Self::Forbidden(_)
            | Self::UnknownLog(_)
            | Self::Unprocessable(_) => "text/plain; charset=utf-8",
        }
    }

    /// The body of the answer: of 409 the size cosigned last, of others a reason for people.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Conflict { cosigned: size, .. } | Self::Forked(size) => format!("{size}\n"),
            Self::BadRequest(_)
            | Self::Forbidden(_)
            | Self::UnknownLog(_)
            | Self::Unprocessable(_) => format!("{self}\n"),
        }
    }

    /// One word for metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "malformed",
            Self::Forbidden(_) => "not_signed",
            Self::UnknownLog(_) => "unknown_log",
            Self::Conflict { .. } => "conflict",
            Self::Forked(_) => "forked",
            Self::Unprocessable(_) => "inconsistent",
        }
    }

    /// Whether the log itself signed what it must not sign: proof of its misbehaviour.
    #[must_use]
    pub const fn blames_the_log(&self) -> bool {
        matches!(self, Self::Forked(_))
    }

    /// Whether what was sent may be a part of a fork, and is worth keeping: a checkpoint that the log
    /// signed, without a proof that it extends the one cosigned. Whoever sent it may have spoilt the
    /// proof, so it blames nobody yet.
    #[must_use]
    pub const fn may_be_a_fork(&self) -> bool {
        matches!(self, Self::Forked(_) | Self::Unprocessable(_))
    }
}

/// Decides on `request`; `cosigned` is the checkpoint of that origin that was cosigned last.
///
/// The caller holds its state from before it reads `cosigned` until the new one is durable: of two
/// requests at once, the second is decided upon what the first one left.
///
/// # Errors
/// When the request is not to be cosigned, with the answer that the specification asks for.
pub fn decide(
    cosigned: Option<&Checkpoint>,
    request: &Request,
    logs: &Logs,
) -> Result<Cosignable, Refusal> {
    let (checkpoint, note) = authenticate(request, logs)?;
    let (old_size, old_root) = match cosigned {
        Some(cosigned) if cosigned.origin == checkpoint.origin => (cosigned.size, cosigned.root),
        Some(_) => return Err(Refusal::UnknownLog(checkpoint.origin)),
        None => (0, empty_root()),
    };
    if request.old != old_size {
        return Err(Refusal::Conflict { cosigned: old_size, old: request.old });
    }
    if old_size == checkpoint.size && old_root != checkpoint.root {
        return Err(Refusal::Forked(old_size));
    }
    verify_consistency(old_size, &old_root, checkpoint.size, &checkpoint.root, &request.proof)?;
    Ok(Cosignable { checkpoint, note })
}

/// The checkpoint, and its note, once a key that is trusted for its origin signed it.
fn authenticate(request: &Request, logs: &Logs) -> Result<(Checkpoint, String), Refusal> {
    let origin = request.origin();
    let unknown = || Refusal::UnknownLog(origin.to_owned());
    let mut refused = unknown();
    for key in logs.0.get(origin).ok_or_else(unknown)? {
        match request.checkpoint.verify(key) {
            Ok(checkpoint) => {
                let text = checkpoint.to_note_body();
                let notes =
                    request.note.split_inclusive('\n').map(|line| format!("{text}\n{line}"));
                let signed = |note: &String| merkle::checkpoint::verify(note, key).is_ok();
                let missing = || Refusal::Forbidden(CheckpointError::NotSigned(key.to_string()));
                let note = notes.into_iter().find(signed).ok_or_else(missing)?;
                return Ok((checkpoint, note));
            }
            Err(error) => refused = Refusal::Forbidden(error),
        }
    }
    Err(refused)
}
