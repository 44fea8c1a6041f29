//! The keys of a token as the service sees them: each signature is asked of the agent, and checked.

use std::{
    collections::HashMap,
    fmt,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use keys::{FindKeyError, KeyId, KeyStore, PublicKey, SignError, SigningKey};

use super::{
    Answer, Request,
    hand_over::next_agent,
    link::{CallError, Link},
};

/// Keys whose public half is remembered, in number; further ones are asked for each time.
const KNOWN_MAX: usize = 64;

/// The connection to the supervisor cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot wait for key agents")]
pub struct ConnectError(#[source] std::io::Error);

/// The agent of now, or why there is none.
#[derive(Debug)]
struct Current(Mutex<Result<Arc<Link>, String>>);

impl Current {
    fn lock(&self) -> MutexGuard<'_, Result<Arc<Link>, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, request: Request<'_>) -> Result<Answer, String> {
        let link = Arc::clone(self.lock().as_ref().map_err(Clone::clone)?);
        link.call(request).map_err(|error: CallError| error.to_string())
    }

    /// Takes one agent after the other, until the supervisor ends.
    fn follow(&self, control: &UnixStream) {
        loop {
            let stream = match next_agent(control) {
                Ok(Some(stream)) => stream,
                Ok(None) => break tracing::warn!("the supervisor of the key agent ended"),
                Err(error) => break tracing::error!(%error, "no key agent can be received"),
            };
            let link = Arc::new(Link::new(stream));
            *self.lock() = Ok(Arc::clone(&link));
            tracing::info!("a key agent is connected");
            let ended = link.read_until_end();
            *self.lock() = Err("the key agent ended; a new one is being started".to_owned());
            link.close();
            match ended {
                Ok(()) => tracing::warn!("the key agent ended"),
                Err(error) => tracing::error!(%error, "the key agent is cut off"),
            }
        }
        *self.lock() = Err("the supervisor of the key agent ended: restart the service".to_owned());
    }
}

/// The keys of the agent that the supervisor started last.
///
/// A key that was found once works again when a new agent is there, without being found again.
pub struct AgentStore {
    current: Arc<Current>,
    known: Mutex<HashMap<KeyId, Arc<AgentKey>>>,
}

impl AgentStore {
    /// The store over `control`, at whose other end the supervisor hands over agents. Returns at
    /// once; the store is away until the first agent says that it can sign.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn connect(control: UnixStream) -> Result<Self, ConnectError> {
        let starting = Err("the key agent has not started yet".to_owned());
        let current = Arc::new(Current(Mutex::new(starting)));
        let following = Arc::clone(&current);
        std::thread::Builder::new()
            .name("key-agent".to_owned())
            .spawn(move || following.follow(&control))
            .map_err(ConnectError)?;
        Ok(Self { current, known: Mutex::default() })
    }

    fn away(&self, reason: String) -> FindKeyError {
        FindKeyError::Away { store: self.to_string(), reason }
    }
}

impl fmt::Display for AgentStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the PKCS#11 token")
    }
}

impl fmt::Debug for AgentStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentStore").field("ready", &self.ready()).finish_non_exhaustive()
    }
}

impl KeyStore for AgentStore {
    fn find(&self, key_id: KeyId) -> Result<Arc<dyn SigningKey>, FindKeyError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known().get(&key_id) {
            return Ok(Arc::<AgentKey>::clone(key));
        }
        let answer =
            self.current.call(Request::Find(key_id)).map_err(|reason| self.away(reason))?;
        let spki = match answer {
            Answer::Found(spki) => spki,
            Answer::Missing => {
                return Err(FindKeyError::Missing { key_id, store: self.to_string() });
            }
            Answer::Unfit(reason) => {
                return Err(FindKeyError::Unfit { key_id, store: self.to_string(), reason });
            }
            Answer::Away(reason) => return Err(self.away(reason)),
            Answer::Signed(_) | Answer::Failed(_) => {
                return Err(self.away("its agent did not answer what was asked".to_owned()));
            }
        };
        let public = PublicKey::from_spki_der(&spki)
            .ok()
            .filter(|public| public.key_id() == key_id)
            .ok_or_else(|| self.away(format!("its agent gave another key for {key_id}")))?;
        let key = Arc::new(AgentKey { public, current: Arc::clone(&self.current) });
        let mut known = known();
        if known.len() < KNOWN_MAX {
            known.insert(key_id, Arc::clone(&key));
        }
        Ok(key)
    }

    fn ready(&self) -> Result<(), FindKeyError> {
        let state = self.current.lock().as_ref().map_err(Clone::clone).map(|link| link.state());
        state.flatten().map_err(|reason| self.away(reason))
    }
}

/// A key in the token.
#[derive(Debug)]
struct AgentKey {
    public: PublicKey,
    current: Arc<Current>,
}

impl SigningKey for AgentKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let key_id = self.public.key_id();
        let failed = |reason| SignError { key_id, reason };
        match self.current.call(Request::Sign(key_id, message)).map_err(failed)? {
            // The module is not believed: what does not verify never leaves.
            Answer::Signed(signature) => match self.public.verify(message, &signature) {
                Ok(()) => Ok(signature),
                Err(invalid) => Err(failed(format!("the token made a wrong signature: {invalid}"))),
            },
            Answer::Failed(reason) | Answer::Unfit(reason) | Answer::Away(reason) => {
                Err(failed(reason))
            }
            Answer::Missing => Err(failed("the token has it no more".to_owned())),
            Answer::Found(_) => Err(failed("its agent did not answer what was asked".to_owned())),
        }
    }
}
