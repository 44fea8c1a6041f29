//! The frames between a service and its key agent: pure, bounded encoding and decoding.
//!
//! A frame is a length (u32, big-endian) and that many bytes of body. A body is the number of the
//! request (u64, big-endian), one byte that says what it is, and the rest. Requests are as long as
//! the messages to sign; what comes back from foreign code has at most [`MAX_FROM_AGENT_BYTES`].

use std::io::Read;

use keys::KeyId;

use super::MAX_MESSAGE_BYTES;

/// A request number and the kind, in bytes.
const HEAD_BYTES: usize = 9;
/// A key id in hexadecimal, in bytes.
const KEY_ID_BYTES: usize = 64;
/// The longest public key (SubjectPublicKeyInfo) and reason, in bytes.
const MAX_TEXT_BYTES: usize = 512;
/// What is set aside for a body before any of it came, in bytes; few are longer.
const READ_AT_ONCE_BYTES: usize = 1024 * 1024;
/// The longest body of a request, in bytes.
pub(crate) const MAX_REQUEST_BYTES: usize = HEAD_BYTES + KEY_ID_BYTES + MAX_MESSAGE_BYTES;
/// The longest body from an agent, in bytes.
pub(crate) const MAX_FROM_AGENT_BYTES: usize = HEAD_BYTES + MAX_TEXT_BYTES;

const FIND: u8 = 1;
const SIGN: u8 = 2;
const FOUND: u8 = 11;
const MISSING: u8 = 12;
const AWAY: u8 = 13;
const SIGNED: u8 = 14;
const FAILED: u8 = 15;
const UNFIT: u8 = 16;
const READY: u8 = 21;
const NOT_READY: u8 = 22;

/// What a service asks of its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// The public half of a key.
    Find(KeyId),
    /// A signature over the whole message.
    Sign(KeyId, &'a [u8]),
}

/// What an agent answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The SubjectPublicKeyInfo of the key, in DER.
    Found(Vec<u8>),
    /// The store works and has no such key.
    Missing,
    /// The store has the key, and it is not kept as a signing key must be, for this reason.
    Unfit(String),
    /// The store cannot answer now, for this reason.
    Away(String),
    /// The signature.
    Signed(Vec<u8>),
    /// The key did not sign, for this reason.
    Failed(String),
}

/// What comes from an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromAgent {
    /// The answer to the request of this number.
    Answer(u64, Answer),
    /// Whether the store can sign now; the first frame of every agent, then each change.
    State(Result<(), String>),
}

/// Bytes that are no frame of this protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length is more than this side takes.
    #[error("a frame of {length} bytes, {max} are the most")]
    TooLong {
        /// What the length says.
        length: usize,
        /// The bound.
        max: usize,
    },
    /// The body ends before it is complete, or goes on after it.
    #[error("a frame of {0} bytes that cannot have that length")]
    Length(usize),
    /// No such kind in this direction.
    #[error("a frame of the unknown kind {0}")]
    Kind(u8),
    /// The key id is not 64 hexadecimal digits.
    #[error("a frame whose key id is not one")]
    KeyId,
    /// A reason that is not plain text.
    #[error("a frame whose reason is not plain text")]
    Text,
}

/// Cuts a reason to what a frame holds, and takes out what would break a log line.
fn plain(reason: &str) -> String {
    let mut text: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
    text
}

fn text(bytes: &[u8]) -> Result<String, FrameError> {
    let text = std::str::from_utf8(bytes).map_err(|_| FrameError::Text)?;
    if text.chars().any(char::is_control) {
        return Err(FrameError::Text);
    }
    Ok(text.to_owned())
}

/// A whole frame.
fn frame(id: u64, kind: u8, parts: [&[u8]; 2]) -> Result<Vec<u8>, FrameError> {
    let length = HEAD_BYTES + parts[0].len() + parts[1].len();
    let too_long = FrameError::TooLong { length, max: MAX_REQUEST_BYTES };
    if length > MAX_REQUEST_BYTES {
        return Err(too_long);
    }
    let announced = u32::try_from(length).map_err(|_| too_long)?;
    let mut frame = Vec::with_capacity(4 + length);
    frame.extend_from_slice(&announced.to_be_bytes());
    frame.extend_from_slice(&id.to_be_bytes());
    frame.push(kind);
    frame.extend_from_slice(parts[0]);
    frame.extend_from_slice(parts[1]);
    Ok(frame)
}

/// The number, the kind and the rest of a body.
fn head(body: &[u8], max: usize) -> Result<(u64, u8, &[u8]), FrameError> {
    if body.len() > max {
        return Err(FrameError::TooLong { length: body.len(), max });
    }
    let short = || FrameError::Length(body.len());
    let (id, rest) = body.split_first_chunk::<8>().ok_or_else(short)?;
    let (kind, rest) = rest.split_first().ok_or_else(short)?;
    Ok((u64::from_be_bytes(*id), *kind, rest))
}

impl<'a> Request<'a> {
    /// The whole frame, length and all.
    ///
    /// # Errors
    /// When the message has more than [`MAX_MESSAGE_BYTES`].
    pub fn encode(&self, id: u64) -> Result<Vec<u8>, FrameError> {
        let (kind, key_id, message): (_, _, &[u8]) = match self {
            Self::Find(key_id) => (FIND, key_id, &[]),
            Self::Sign(key_id, message) => (SIGN, key_id, message),
        };
        frame(id, kind, [key_id.to_string().as_bytes(), message])
    }

    /// Reads the body of a frame: the request and its number.
    ///
    /// # Errors
    /// When it is not a request.
    pub fn decode(body: &'a [u8]) -> Result<(u64, Self), FrameError> {
        let (id, kind, rest) = head(body, MAX_REQUEST_BYTES)?;
        let wrong_length = || FrameError::Length(body.len());
        let (key_id, message) = rest.split_at_checked(KEY_ID_BYTES).ok_or_else(wrong_length)?;
        let key_id = std::str::from_utf8(key_id).ok().and_then(|text| text.parse().ok());
        let key_id = key_id.ok_or(FrameError::KeyId)?;
        match kind {
            FIND if message.is_empty() => Ok((id, Self::Find(key_id))),
            FIND => Err(wrong_length()),
            SIGN => Ok((id, Self::Sign(key_id, message))),
            other => Err(FrameError::Kind(other)),
        }
    }
}

impl FromAgent {
    /// The whole frame, length and all; reasons are cut to 512 bytes of plain text.
    ///
    /// # Errors
    /// When a key or signature is longer than any.
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let (id, kind, rest) = match self {
            Self::Answer(id, answer) => match answer {
                Answer::Found(spki) => (*id, FOUND, spki.clone()),
                Answer::Missing => (*id, MISSING, Vec::new()),
                Answer::Unfit(reason) => (*id, UNFIT, plain(reason).into_bytes()),
                Answer::Away(reason) => (*id, AWAY, plain(reason).into_bytes()),
                Answer::Signed(signature) => (*id, SIGNED, signature.clone()),
                Answer::Failed(reason) => (*id, FAILED, plain(reason).into_bytes()),
            },
            Self::State(Ok(())) => (0, READY, Vec::new()),
            Self::State(Err(reason)) => (0, NOT_READY, plain(reason).into_bytes()),
        };
        let length = HEAD_BYTES + rest.len();
        if length > MAX_FROM_AGENT_BYTES {
            return Err(FrameError::TooLong { length, max: MAX_FROM_AGENT_BYTES });
        }
        frame(id, kind, [&rest, &[]])
    }

    /// Reads the body of a frame.
    ///
    /// # Errors
    /// When it is not from an agent.
    pub fn decode(body: &[u8]) -> Result<Self, FrameError> {
        let (id, kind, rest) = head(body, MAX_FROM_AGENT_BYTES)?;
        let empty = rest.is_empty();
        let answer = match kind {
            FOUND if !empty => Answer::Found(rest.to_vec()),
            SIGNED if !empty => Answer::Signed(rest.to_vec()),
            MISSING if empty => Answer::Missing,
            UNFIT => Answer::Unfit(text(rest)?),
            AWAY => Answer::Away(text(rest)?),
            FAILED => Answer::Failed(text(rest)?),
            READY if empty && id == 0 => return Ok(Self::State(Ok(()))),
            NOT_READY if id == 0 => return Ok(Self::State(Err(text(rest)?))),
            FOUND | SIGNED | MISSING | READY | NOT_READY => {
                return Err(FrameError::Length(body.len()));
            }
            other => return Err(FrameError::Kind(other)),
        };
        Ok(Self::Answer(id, answer))
    }
}

/// Reads one frame of at most `max` bytes and gives its body; `None` at the end of the stream.
///
/// # Errors
/// When the stream breaks, ends inside the frame, or announces more than `max`.
pub(crate) fn read_body(stream: &mut impl Read, max: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = Vec::with_capacity(4);
    stream.take(4).read_to_end(&mut length)?;
    // The end of the stream is clean only before the first byte.
    if length.is_empty() {
        return Ok(None);
    }
    let length = <[u8; 4]>::try_from(length).map_err(|_| std::io::ErrorKind::UnexpectedEof)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > max {
        return Err(std::io::Error::other(FrameError::TooLong { length, max }));
    }
    // Beyond this it grows with what comes, not with what was announced.
    let mut body = Vec::with_capacity(length.min(READ_AT_ONCE_BYTES));
    stream.take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests;
