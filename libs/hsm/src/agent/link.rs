//! The service's side of one agent's socket: calls in flight, each with a bound, until it ends.

use std::{
    collections::HashMap,
    io::{self, ErrorKind, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use super::{
    ANSWER_DEADLINE_MS, Answer, FrameError, FromAgent, IN_FLIGHT_MAX, Request,
    frame::{MAX_FROM_AGENT_BYTES, read_body},
};

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    #[error("{IN_FLIGHT_MAX} requests wait for the key agent already: ask again later")]
    Busy,
    #[error("the key agent ended before it answered; a new one is being started: ask again")]
    Gone,
    #[error("the key agent did not answer within {ANSWER_DEADLINE_MS} ms")]
    Late,
    #[error("cannot ask the key agent: {0}")]
    Frame(#[from] FrameError),
}

/// Requests without an answer yet.
#[derive(Debug, Default)]
struct Waiting {
    /// Numbers up to this one were given out.
    last_id: u64,
    closed: bool,
    answers: HashMap<u64, SyncSender<Answer>>,
}

/// The socket of one agent.
#[derive(Debug)]
pub(crate) struct Link {
    stream: UnixStream,
    waiting: Mutex<Waiting>,
    state: Mutex<Result<(), String>>,
    /// Whether somebody is writing a frame; a lock could not be waited for with a bound.
    writing: Mutex<bool>,
    written: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time that is left, which is never zero.
fn left(until: Instant) -> Result<Duration, CallError> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(CallError::Late) } else { Ok(left) }
}

impl Link {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            waiting: Mutex::default(),
            state: Mutex::new(Err("it has not said yet whether it can sign".to_owned())),
            writing: Mutex::new(false),
            written: Condvar::new(),
        }
    }

    /// What the agent said last about its store.
    pub(crate) fn state(&self) -> Result<(), String> {
        lock(&self.state).clone()
    }

    /// Asks, and waits for the answer for at most [`ANSWER_DEADLINE_MS`].
    pub(crate) fn call(&self, request: Request<'_>) -> Result<Answer, CallError> {
        let until = Instant::now() + Duration::from_millis(ANSWER_DEADLINE_MS);
        let (id, answer) = self.register()?;
        let answer = request
            .encode(id)
            .map_err(CallError::from)
            .and_then(|frame| self.write(&frame, until))
            .and_then(|()| match answer.recv_timeout(left(until)?) {
                Ok(answer) => Ok(answer),
                Err(RecvTimeoutError::Timeout) => Err(CallError::Late),
                Err(RecvTimeoutError::Disconnected) => Err(CallError::Gone),
            });
        lock(&self.waiting).answers.remove(&id);
        answer
    }

    fn register(&self) -> Result<(u64, Receiver<Answer>), CallError> {
        let mut waiting = lock(&self.waiting);
        if waiting.closed {
            return Err(CallError::Gone);
        }
        if waiting.answers.len() >= IN_FLIGHT_MAX {
            return Err(CallError::Busy);
        }
        let (sender, receiver) = sync_channel(1);
        waiting.last_id += 1;
        let id = waiting.last_id;
        waiting.answers.insert(id, sender);
        Ok((id, receiver))
    }

    /// Writes one frame when nobody else does. After a part of a frame nothing can follow, so the
    /// link is closed then.
    fn write(&self, frame: &[u8], until: Instant) -> Result<(), CallError> {
        let mut writing = lock(&self.writing);
        while *writing {
            let waited = self.written.wait_timeout(writing, left(until)?);
            writing = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *writing = true;
        drop(writing);
        let written = self.write_by(frame, until);
        *lock(&self.writing) = false;
        self.written.notify_one();
        if written.is_err() {
            self.close();
        }
        written
    }

    fn write_by(&self, mut rest: &[u8], until: Instant) -> Result<(), CallError> {
        while !rest.is_empty() {
            let bound = self.stream.set_write_timeout(Some(left(until)?));
            match bound.and_then(|()| (&self.stream).write(rest)) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(CallError::Late),
                Err(_) => return Err(CallError::Gone),
            }
        }
        Ok(())
    }

    /// Gives the answers to those who wait, until the agent ends or breaks the protocol.
    pub(crate) fn read_until_end(&self) -> io::Result<()> {
        let mut stream = &self.stream;
        while let Some(body) = read_body(&mut stream, MAX_FROM_AGENT_BYTES)? {
            match FromAgent::decode(&body).map_err(io::Error::other)? {
                FromAgent::State(state) => *lock(&self.state) = state,
                FromAgent::Answer(id, answer) => {
                    let mut waiting = lock(&self.waiting);
                    if id == 0 || id > waiting.last_id {
                        return Err(io::Error::other("an answer to a request that was not made"));
                    }
                    // Nobody: it came too late.
                    if let Some(sender) = waiting.answers.remove(&id) {
                        let _ = sender.try_send(answer);
                    }
                }
            }
        }
        Ok(())
    }

    /// Ends the link: the agent sees it, and everybody who waits fails now.
    pub(crate) fn close(&self) {
        // It fails when the agent was faster.
        let _ = self.stream.shutdown(Shutdown::Both);
        let mut waiting = lock(&self.waiting);
        waiting.closed = true;
        waiting.answers.clear();
    }
}
