//! A token as a key store that heals: it is opened in the background, and anew when it was lost.

mod pool;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use cryptoki::session::Session;
use keys::{FindKeyError, KeyId, KeyStore, PublicKey, SignError, SigningKey};

use crate::{
    PinGuard, Token, TokenError, Uri,
    module::{CallError, CallKind},
    objects::{self, FindFailure, Found},
    sign::{SignFailure, sign},
    token,
    watch::Watch,
};
use pool::{Loan, Lost, Pool};

/// The wait before the token is opened again; it doubles with every failure.
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// The longest such wait.
pub const MAX_RETRY: Duration = Duration::from_secs(2);
/// How often an open token is asked whether it is still there: nobody may sign for hours.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// How often a signature is tried: a session may have died while it lay idle.
const SIGN_TRIES: usize = 2;
/// How often in a row a token may be opened and lost without one signature before we wait.
const MAX_USELESS: usize = 2;

/// The keys of the token that a PKCS#11 URI names.
///
/// A thread opens the token, asks it every second whether it is still there, and opens it again when
/// it was lost; callers wait for it for a bounded time. A call that hangs inside the module hangs
/// its caller, or that thread, as [`KeyStore::busy_since`] tells: run the module in a process that
/// somebody may kill. The thread begins in [`TokenStore::new`]: confine the process before.
#[derive(Debug)]
pub struct TokenStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    uri: Uri,
    name: String,
    guard: PinGuard,
    pool: Pool,
    /// The calls of the thread that keeps the token open.
    watch: Watch,
}

impl TokenStore {
    /// The store over the token that `uri` names, and begins to open it. With `pin_state`, a file
    /// in a directory that exists, what became of a PIN is remembered across restarts.
    ///
    /// # Errors
    /// When the URI names no module or no PIN file, or no thread can be started.
    pub fn new(uri: Uri, pin_state: Option<PathBuf>) -> Result<Self, StartError> {
        if let Err(reason) = token::check(&uri) {
            return Err(TokenError::Uri { uri: Box::new(uri), reason }.into());
        }
        let name = match (&uri.token, &uri.serial) {
            (Some(label), _) => format!("the token {label:?}"),
            (None, Some(serial)) => format!("the token with serial number {serial}"),
            (None, None) => format!("the token of {uri}"),
        };
        let guard = PinGuard::new(pin_state);
        let shared =
            Arc::new(Shared { uri, name, guard, pool: Pool::default(), watch: Watch::default() });
        let kept = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("token".to_owned())
            .spawn(move || kept.keep_open())
            .map_err(StartError::Thread)?;
        Ok(Self { shared })
    }
}

/// Why a store over a token cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The URI does not say enough.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The system gives no thread.
    #[error("cannot start the thread that keeps the token open")]
    Thread(#[source] std::io::Error),
}

impl Drop for TokenStore {
    fn drop(&mut self) {
        self.shared.pool.close();
    }
}

impl KeyStore for TokenStore {
    fn find(&self, key_id: KeyId) -> Result<Arc<dyn SigningKey>, FindKeyError> {
        let found = self.shared.find(key_id)?;
        Ok(Arc::new(TokenKey { shared: Arc::clone(&self.shared), public: found.public }))
    }

    fn ready(&self) -> Result<(), FindKeyError> {
        self.shared.pool.ready().map_err(|reason| self.shared.away(reason))
    }

    fn busy_since(&self) -> Option<Instant> {
        self.shared.watch.since()
    }
}

impl Shared {
    fn away(&self, reason: String) -> FindKeyError {
        FindKeyError::Away { store: self.name.clone(), reason }
    }

    /// Opens the token, waits until it is lost, and begins again, until the store is dropped.
    fn keep_open(&self) {
        let mut wait = FIRST_RETRY;
        let mut reported = String::new();
        let mut useless = 0;
        while !self.pool.is_closed() {
            let opened = self
                .watch
                .watched(|| Token::open_watched(&self.uri, &self.guard, || self.watch.next_call()));
            let failed = match opened {
                Ok(token) => {
                    let lost = self.use_until_lost(token);
                    useless = if lost.has_signed { 0 } else { useless + 1 };
                    // Sessions die in their sleep; one that opens and never signs is no better than
                    // one that does not open.
                    (useless >= MAX_USELESS).then_some(lost.reason)
                }
                Err(error) => Some(error.to_string()),
            };
            let Some(reason) = failed else {
                wait = FIRST_RETRY;
                continue;
            };
            if reason != reported {
                tracing::warn!(token = %self.name, reason, "the token is away");
                reported.clone_from(&reason);
            }
            self.pool.fail(reason);
            self.pool.pause(wait);
            wait = MAX_RETRY.min(wait * 2);
        }
    }

    /// Lends the sessions of the token until it is lost, and closes it.
    fn use_until_lost(&self, mut token: Token) -> Lost {
        tracing::info!(token = %self.name, "the token is open");
        self.pool.open(std::mem::take(&mut token.sessions));
        while !self.pool.is_lost_within(PROBE_EVERY) {
            self.watch.watched(|| self.probe());
        }
        self.watch.watched(|| drop(self.pool.take_idle()));
        let lost = self.pool.wait_until_returned();
        self.watch.watched(|| drop(token));
        lost
    }

    /// Asks the token whether it is still there. While all sessions are busy their users find out.
    fn probe(&self) {
        self.pool.lend_idle(|session, loan, known| {
            let state = session.get_session_info().map_err(CallError::from);
            // SoftHSM keeps its sessions when its files are taken away: only its keys are gone.
            let there = state.and_then(|_| match known {
                Some(known) => objects::is_there(session, &known),
                None => Ok(true),
            });
            match there {
                Ok(true) => {}
                Ok(false) => self.pool.lose(loan, "a key that it held is gone"),
                // The module does not take the question: that says nothing about the token.
                Err(error) if error.kind == CallKind::Refused => {}
                Err(error) => self.pool.lose(loan, &error.to_string()),
            }
        });
    }

    fn find(&self, key_id: KeyId) -> Result<Found, FindKeyError> {
        let store = || self.name.clone();
        let looked_up = self.pool.lend(|session, loan| {
            self.look_up(session, loan, key_id).inspect_err(|failure| {
                if let FindFailure::Call(error) = failure {
                    self.pool.lose(loan, &error.to_string());
                }
            })
        });
        looked_up.map_err(|reason| self.away(reason))?.map_err(|failure| match failure {
            FindFailure::Missing => FindKeyError::Missing { key_id, store: store() },
            FindFailure::Unfit(reason) => FindKeyError::Unfit { key_id, store: store(), reason },
            FindFailure::Call(error) => self.away(error.to_string()),
        })
    }

    fn look_up(
        &self,
        session: &Session,
        loan: &Loan<'_>,
        key_id: KeyId,
    ) -> Result<Found, FindFailure> {
        if let Some(found) = self.pool.known(loan, key_id) {
            return Ok(found);
        }
        let found = objects::find(session, &self.uri, key_id)?;
        self.pool.learn(loan, &found);
        Ok(found)
    }

    fn try_sign(&self, key_id: KeyId, message: &[u8]) -> Result<Vec<u8>, SignFailure> {
        let away = |reason| SignFailure::Refused(format!("{} is away: {reason}", self.name));
        let signed = self.pool.lend(|session, loan| {
            let found = self.look_up(session, loan, key_id).map_err(|failure| match failure {
                FindFailure::Call(error) => SignFailure::Lost(error.to_string()),
                FindFailure::Missing => {
                    SignFailure::Refused(format!("{} no longer has it", self.name))
                }
                FindFailure::Unfit(reason) => SignFailure::Refused(reason),
            });
            let signed = found.and_then(|found| sign(session, &found, message));
            match &signed {
                Ok(_) => self.pool.has_signed(loan),
                Err(SignFailure::Lost(reason)) => self.pool.lose(loan, reason),
                Err(SignFailure::Refused(_)) => {}
            }
            signed
        });
        signed.map_err(away)?
    }
}

/// A key in a token. It stays usable when the token was lost and is back.
#[derive(Debug)]
struct TokenKey {
    shared: Arc<Shared>,
    public: PublicKey,
}

impl SigningKey for TokenKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let key_id = self.public.key_id();
        let mut reason = String::new();
        for _ in 0..SIGN_TRIES {
            match self.shared.try_sign(key_id, message) {
                Ok(signature) => return Ok(signature),
                Err(SignFailure::Refused(reason)) => return Err(SignError { key_id, reason }),
                Err(SignFailure::Lost(lost)) => reason = lost,
            }
        }
        Err(SignError { key_id, reason: format!("{} was lost: {reason}", self.shared.name) })
    }
}
