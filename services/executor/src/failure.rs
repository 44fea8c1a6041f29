//! Why an attempt ended badly: who has to act, the reason, and a bounded text for people.

use job::Reason;

/// The longest message of a failure, in bytes (`aibom.dispatch.v1.Failure`).
pub const MAX_MESSAGE_BYTES: usize = 4096;

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request's own doing: never tried again.
    Job,
    /// An input was refused before anything ran: never tried again.
    Refused,
    /// This machine's or its engine's: tried again, elsewhere if possible.
    Infrastructure,
    /// The user cancelled.
    Cancelled,
}

/// A bad end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Who has to act.
    pub kind: Kind,
    /// Which of the closed set.
    pub reason: Reason,
    /// For people; no control characters, at most [`MAX_MESSAGE_BYTES`].
    pub message: String,
}

impl Failure {
    /// A failure whose message is cleaned and bounded.
    pub fn new(kind: Kind, reason: Reason, message: &str) -> Self {
        Self { kind, reason, message: clean(message, MAX_MESSAGE_BYTES) }
    }

    /// The job's own doing.
    #[must_use]
    pub fn job(reason: Reason, message: &str) -> Self {
        Self::new(Kind::Job, reason, message)
    }

    /// An input that is refused unread.
    #[must_use]
    pub fn refused(reason: Reason, message: &str) -> Self {
        Self::new(Kind::Refused, reason, message)
    }

    /// This side's doing, with the reason `INFRASTRUCTURE`.
    #[must_use]
    pub fn infrastructure(message: &str) -> Self {
        Self::new(Kind::Infrastructure, Reason::Infrastructure, message)
    }

    /// The user's wish.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(Kind::Cancelled, Reason::Cancelled, "cancelled by its user")
    }
}

/// `text` without control characters, at most `max` bytes, cut at a character.
#[must_use]
pub fn clean(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        // Bidirectional overrides can make a log line read as another one.
        let odd = c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let c = if odd { '\u{fffd}' } else { c };
        if out.len() + c.len_utf8() > max {
            break;
        }
        out.push(c);
    }
    out
}
