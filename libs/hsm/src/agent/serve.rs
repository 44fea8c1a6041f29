//! The agent's side: a few workers over a key store, and a watchdog over the workers.

use std::{
    io::{ErrorKind, Write as _},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::Builder,
    time::Duration,
};

use keys::{FindKeyError, KeyStore};

use super::{
    Answer, FrameError, FromAgent, QUEUE_MAX, Request, SIGN_DEADLINE_MS, WORKERS,
    frame::{MAX_REQUEST_BYTES, read_body},
};
use crate::watch::Watch;

/// How often the watchdog looks, in milliseconds.
const WATCH_EVERY_MS: u64 = 100;
/// How often the store is asked whether it can sign, in milliseconds.
const STATE_EVERY_MS: u64 = 250;

/// Why an agent must end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A call into the module did not return.
    #[error("a call to the PKCS#11 module did not return within {SIGN_DEADLINE_MS} ms")]
    Hung,
    /// The key store cannot be opened.
    #[error("cannot open the key store: {0}")]
    Open(String),
    /// The service sent what is no request.
    #[error("the service does not speak the agent's protocol")]
    Protocol(#[from] FrameError),
    /// The socket broke, or no thread can be started.
    #[error("the key agent cannot work")]
    System(#[from] std::io::Error),
}

/// What all threads of an agent share.
#[derive(Debug)]
struct Agent {
    stream: UnixStream,
    writing: Mutex<()>,
    /// The calls of each worker, and of the keeper after them, which may hang.
    calls: [Watch; WORKERS + 1],
    /// The store, once it is there: it may hang by itself, as a token does while it is opened.
    store: OnceLock<Arc<dyn KeyStore>>,
    ended: SyncSender<Result<(), ServeError>>,
}

/// The place of the keeper in `Agent::calls`.
const KEEPER: usize = WORKERS;

/// Answers the service at the other end of `stream` with the keys of the store that `open` opens,
/// until the service closes it.
///
/// `open`, and every call to the store, may hang: then this returns, with the threads still in it.
/// So the caller ends the process next, with [`end_process`].
///
/// # Errors
/// When the process must be replaced by a new one.
pub fn serve(
    stream: UnixStream,
    open: impl FnOnce() -> Result<Arc<dyn KeyStore>, String> + Send + 'static,
) -> Result<(), ServeError> {
    let (ended, end) = sync_channel(1);
    let calls = std::array::from_fn(|_| Watch::default());
    let store = OnceLock::new();
    let agent = Arc::new(Agent { stream, writing: Mutex::new(()), calls, store, ended });
    let keeper = Arc::clone(&agent);
    Builder::new().name("keeper".to_owned()).spawn(move || {
        let kept = keeper.keep(open);
        keeper.end(kept);
    })?;
    loop {
        match end.recv_timeout(Duration::from_millis(WATCH_EVERY_MS)) {
            Ok(ended) => return ended,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if agent.hangs() {
            return Err(ServeError::Hung);
        }
    }
}

/// Ends the process at once: exit handlers belong to the module, too, and may hang.
pub fn end_process() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

impl Agent {
    fn end(&self, how: Result<(), ServeError>) {
        // When it is full, the end is known already.
        let _ = self.ended.try_send(how);
    }

    fn hangs(&self) -> bool {
        let store = self.store.get().and_then(|store| store.busy_since());
        let mut since = self.calls.iter().filter_map(Watch::since).chain(store);
        since.any(|since| since.elapsed() >= Duration::from_millis(SIGN_DEADLINE_MS))
    }

    fn send(&self, frame: &FromAgent) -> Result<(), ServeError> {
        let frame = frame.encode()?;
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match (&self.stream).write_all(&frame) {
            // The service is gone: the reader finds the end of the stream, and says so.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }

    /// Opens the store, starts the others, and tells the service how the store is.
    fn keep(
        self: &Arc<Self>,
        open: impl FnOnce() -> Result<Arc<dyn KeyStore>, String>,
    ) -> Result<(), ServeError> {
        let store = match self.calls[KEEPER].watched(open) {
            Ok(store) => Arc::clone(self.store.get_or_init(|| store)),
            Err(reason) => {
                self.send(&FromAgent::State(Err(reason.clone())))?;
                return Err(ServeError::Open(reason));
            }
        };
        let (queue, requests) = sync_channel(QUEUE_MAX);
        let requests = Arc::new(Mutex::new(requests));
        for place in 0..WORKERS {
            let (agent, store) = (Arc::clone(self), Arc::clone(&store));
            let requests = Arc::clone(&requests);
            let work = move || agent.work(place, &*store, &requests);
            Builder::new().name(format!("worker-{place}")).spawn(work)?;
        }
        let agent = Arc::clone(self);
        Builder::new().name("reader".to_owned()).spawn(move || agent.end(agent.read(&queue)))?;
        let mut said = None;
        loop {
            self.calls[KEEPER].watched(|| {
                let state = store.ready().map_err(|error| reason(&error));
                if said.as_ref() == Some(&state) {
                    return Ok(());
                }
                self.send(&FromAgent::State(said.insert(state).clone()))
            })?;
            std::thread::sleep(Duration::from_millis(STATE_EVERY_MS));
        }
    }

    fn read(&self, queue: &SyncSender<Vec<u8>>) -> Result<(), ServeError> {
        let mut stream = &self.stream;
        while let Some(body) = read_body(&mut stream, MAX_REQUEST_BYTES)? {
            // While all workers are busy the service waits: what it sends stays in the socket.
            if queue.send(body).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn work(&self, place: usize, store: &dyn KeyStore, requests: &Mutex<Receiver<Vec<u8>>>) {
        loop {
            let next = requests.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(body) = next else { return };
            let answered = self.calls[place].watched(|| {
                let (id, request) = Request::decode(&body)?;
                self.send(&FromAgent::Answer(id, answer(store, request)))
            });
            if let Err(error) = answered {
                return self.end(Err(error));
            }
        }
    }
}

/// Why the store is away; it knows its own name, the service gives it another.
fn reason(error: &FindKeyError) -> String {
    match error {
        FindKeyError::Missing { .. } => error.to_string(),
        FindKeyError::Unfit { reason, .. } | FindKeyError::Away { reason, .. } => reason.clone(),
    }
}

fn answer(store: &dyn KeyStore, request: Request<'_>) -> Answer {
    let (Request::Find(key_id) | Request::Sign(key_id, _)) = request;
    let key = match store.find(key_id) {
        Ok(key) => key,
        Err(FindKeyError::Missing { .. }) => return Answer::Missing,
        Err(FindKeyError::Unfit { reason, .. }) => return Answer::Unfit(reason),
        Err(away @ FindKeyError::Away { .. }) => return Answer::Away(reason(&away)),
    };
    match request {
        Request::Find(_) => Answer::Found(key.public_key().spki_der().to_vec()),
        Request::Sign(_, message) => match key.sign(message) {
            Ok(signature) => Answer::Signed(signature),
            Err(error) => Answer::Failed(error.reason),
        },
    }
}
