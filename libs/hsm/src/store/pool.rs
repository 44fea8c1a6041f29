//! The sessions of an open token, lent to one caller each.

use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use cryptoki::session::Session;
use keys::KeyId;

use crate::objects::{Found, MAX_OBJECTS};

/// The longest that a caller waits for a free session, or for the token to be opened.
///
/// An agent counts these waits as time in the module, and a request may wait twice: to find the key
/// and to sign. A wait must not be taken for a call that hangs.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(2);
const _: () = assert!(2 * MAX_WAIT.as_millis() < crate::agent::SIGN_DEADLINE_MS as u128);

/// Sessions, and why there are none.
#[derive(Debug, Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// Counts the times that the token was opened: nothing of one serves in another.
    generation: u64,
    idle: Vec<Session>,
    lent: usize,
    known: HashMap<KeyId, Found>,
    has_signed: bool,
}

/// How an open token ended.
#[derive(Debug)]
pub(super) struct Lost {
    /// Why.
    pub(super) reason: String,
    /// Whether it made a signature before.
    pub(super) has_signed: bool,
}

#[derive(Debug, Default)]
enum Phase {
    /// The first attempt is under way.
    #[default]
    Starting,
    Open,
    /// It was lost for that reason, and the next attempt is under way.
    Lost(String),
    /// The last attempt failed for that reason.
    Away(String),
    /// The store is gone.
    Closed,
}

/// One session is lent, of the token as it was opened then.
#[derive(Debug)]
pub(super) struct Loan<'a> {
    pool: &'a Pool,
    generation: u64,
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is made whole under the lock, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why no session can be had now; waits for nothing.
    pub(super) fn ready(&self) -> Result<(), String> {
        match &self.lock().phase {
            Phase::Open => Ok(()),
            Phase::Starting => Err("it is being opened".to_owned()),
            Phase::Lost(reason) => Err(format!("{reason}; it is being opened again")),
            Phase::Away(reason) => Err(reason.clone()),
            Phase::Closed => Err("it was closed".to_owned()),
        }
    }

    /// Does work with a session, waiting at most [`MAX_WAIT`] for one; an error says why there is
    /// none.
    pub(super) fn lend<T>(&self, work: impl FnOnce(&Session, &Loan<'_>) -> T) -> Result<T, String> {
        // Dropped in the reverse order, also by a panic: a session is closed, then counted as back.
        let (loan, session) = self.take()?;
        let result = work(&session, &loan);
        self.give_back(&loan, session);
        Ok(result)
    }

    /// Does work with a session, and with a key that the token is known to hold where there is one;
    /// does nothing while no session is free.
    pub(super) fn lend_idle<T>(
        &self,
        work: impl FnOnce(&Session, &Loan<'_>, Option<Found>) -> T,
    ) -> Option<T> {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Open) {
            return None;
        }
        let session = state.idle.pop()?;
        state.lent += 1;
        let known = state.known.values().next().cloned();
        let (loan, session) = (Loan { pool: self, generation: state.generation }, session);
        drop(state);
        let result = work(&session, &loan, known);
        self.give_back(&loan, session);
        Some(result)
    }

    fn take(&self) -> Result<(Loan<'_>, Session), String> {
        let begun = Instant::now();
        let mut state = self.lock();
        loop {
            let waiting_for = match &state.phase {
                Phase::Away(reason) => return Err(reason.clone()),
                Phase::Closed => return Err("it was closed".to_owned()),
                Phase::Starting => "it does not open",
                Phase::Lost(_) => "it was lost and does not open again",
                Phase::Open => "all its sessions are busy",
            };
            if matches!(state.phase, Phase::Open)
                && let Some(session) = state.idle.pop()
            {
                state.lent += 1;
                return Ok((Loan { pool: self, generation: state.generation }, session));
            }
            let left = MAX_WAIT.saturating_sub(begun.elapsed());
            if left.is_zero() {
                let waited = MAX_WAIT.as_secs();
                return Err(format!("{waiting_for}: waited {waited} seconds for a session"));
            }
            state = self.wait(state, left);
        }
    }

    /// A session of a token that was lost is closed; it is of no use to anybody.
    fn give_back(&self, loan: &Loan<'_>, session: Session) {
        let mut state = self.lock();
        if state.generation == loan.generation && matches!(state.phase, Phase::Open) {
            state.idle.push(session);
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, most: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0
    }

    /// What the lent token is known to hold.
    pub(super) fn known(&self, loan: &Loan<'_>, key_id: KeyId) -> Option<Found> {
        let state = self.lock();
        let known = state.known.get(&key_id).cloned();
        known.filter(|_| state.generation == loan.generation)
    }

    /// Remembers a key that the lent token holds.
    pub(super) fn learn(&self, loan: &Loan<'_>, found: &Found) {
        let mut state = self.lock();
        if state.generation == loan.generation && state.known.len() < MAX_OBJECTS {
            state.known.insert(found.public.key_id(), found.clone());
        }
    }

    /// The lent token made a signature.
    pub(super) fn has_signed(&self, loan: &Loan<'_>) {
        let mut state = self.lock();
        state.has_signed |= state.generation == loan.generation;
    }

    /// The token was opened.
    pub(super) fn open(&self, sessions: Vec<Session>) {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Closed) {
            state.phase = Phase::Open;
        }
        state.generation += 1;
        state.known.clear();
        state.has_signed = false;
        state.idle = sessions;
        self.changed.notify_all();
    }

    /// The lent token is gone, or its session is: nobody gets a session of it any more.
    pub(super) fn lose(&self, loan: &Loan<'_>, reason: &str) {
        let mut state = self.lock();
        if state.generation == loan.generation && matches!(state.phase, Phase::Open) {
            tracing::warn!(reason, "the token was lost");
            state.phase = Phase::Lost(reason.to_owned());
            self.changed.notify_all();
        }
    }

    /// The token could not be opened.
    pub(super) fn fail(&self, reason: String) {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Closed) {
            state.phase = Phase::Away(reason);
            self.changed.notify_all();
        }
    }

    /// The store is gone.
    pub(super) fn close(&self) {
        self.lock().phase = Phase::Closed;
        self.changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.lock().phase, Phase::Closed)
    }

    /// Waits for `time`, or until the token is lost or the store is gone: then it is true.
    pub(super) fn is_lost_within(&self, time: Duration) -> bool {
        let begun = Instant::now();
        let mut state = self.lock();
        while matches!(state.phase, Phase::Open) {
            let left = time.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return false;
            }
            state = self.wait(state, left);
        }
        true
    }

    /// The sessions that nobody has, of a token that was lost; to be closed.
    pub(super) fn take_idle(&self) -> Vec<Session> {
        std::mem::take(&mut self.lock().idle)
    }

    /// Waits until nobody has a session any more.
    pub(super) fn wait_until_returned(&self) -> Lost {
        // The module may be finalised only when nobody is inside it any more. A call that hangs
        // there keeps the token away until the process is restarted.
        let mut state = self.lock();
        while state.lent > 0 {
            state = self.wait(state, MAX_WAIT);
        }
        let reason = match &state.phase {
            Phase::Lost(reason) => reason.clone(),
            _ => "it was closed".to_owned(),
        };
        Lost { reason, has_signed: state.has_signed }
    }

    /// Waits for `time`, or until the store is gone.
    pub(super) fn pause(&self, time: Duration) {
        let begun = Instant::now();
        let mut state = self.lock();
        while !matches!(state.phase, Phase::Closed) {
            let left = time.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return;
            }
            state = self.wait(state, left);
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.pool.lock().lent -= 1;
        self.pool.changed.notify_all();
    }
}
