//! A stub of a witness: the protocol of `libs/witness` over a socket, remembering in memory only,
//! and telling lies when told to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use ed25519_dalek::SigningKey;
use merkle::{
    Checkpoint, CosignerKey, Tree, VerifierKey,
    checkpoint::{cosign, sign},
    leaf_hash,
};
use rpc::CancellationToken;
use tokio::sync::Semaphore;
use web::{Request, Response, Server, ServerOptions, StatusCode, response, text};
use witness::{Logs, State};

use crate::cosign::WitnessConfig;

pub(super) const ORIGIN: &str = "log.test/ledger";
/// Of the log's key.
pub(super) const LOG_SEED: u8 = 99;

/// What a stub does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// As it should.
    Honest,
    /// Answers only once it is released.
    Held,
    /// Signs with a key that is not its own.
    OtherKey,
    /// Signs another checkpoint.
    OtherCheckpoint,
    /// Says that all is well, and nothing else.
    Nothing,
    /// Says more than anybody reads.
    Long,
}

struct Inner {
    name: String,
    seed: u8,
    behaviour: Behaviour,
    state: Mutex<State>,
    asked: AtomicUsize,
    released: Semaphore,
}

/// A witness of the test's log, on a port of its own.
pub(super) struct StubWitness {
    inner: Arc<Inner>,
    url: String,
    _stop: tokio_util::sync::DropGuard,
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// Twenty leaves; the branches differ from the sixth on.
pub(super) fn tree(branch: u8) -> Tree {
    let leaf = |index: u8| if index < 5 { [0, index] } else { [branch, index] };
    (0..20).map(|index| leaf_hash(&leaf(index))).collect()
}

pub(super) fn log_note(tree: &Tree, size: u64) -> String {
    let root = tree.root_at(size).unwrap();
    sign(&Checkpoint { origin: ORIGIN.into(), size, root }, &key(LOG_SEED), ORIGIN).unwrap()
}

impl Inner {
    async fn answer(&self, request: Request) -> Response {
        assert_eq!(request.uri().path(), "/add-checkpoint");
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.behaviour == Behaviour::Held {
            self.released.acquire().await.unwrap().forget();
        }
        let asked = witness::Request::parse(request.body()).unwrap();
        let mut state = self.state.lock().unwrap();
        let logs =
            Logs::new().with(VerifierKey::new(ORIGIN, key(LOG_SEED).verifying_key()).unwrap());
        let cosignable = match state.decide(&asked, &logs) {
            Ok(cosignable) => cosignable,
            Err(refusal) => {
                let status = StatusCode::from_u16(refusal.status()).unwrap();
                return response(status, refusal.media_type(), refusal.body());
            }
        };
        let checkpoint = cosignable.checkpoint();
        let line = |checkpoint: &Checkpoint, seed| {
            cosign(checkpoint, &key(seed), &self.name, 1_700_000_000).unwrap()
        };
        let honest = line(checkpoint, self.seed);
        let answer = match self.behaviour {
            Behaviour::Honest | Behaviour::Held => honest.clone(),
            Behaviour::OtherKey => line(checkpoint, 77),
            Behaviour::OtherCheckpoint => {
                let origin = "log.test/other".to_owned();
                line(&Checkpoint { origin, ..checkpoint.clone() }, self.seed)
            }
            Behaviour::Nothing => String::new(),
            Behaviour::Long => honest.repeat(1_000),
        };
        *state = state.with(&cosignable, &honest, &self.key()).unwrap();
        text(StatusCode::OK, answer)
    }

    fn key(&self) -> CosignerKey {
        CosignerKey::new(&self.name, key(self.seed).verifying_key()).unwrap()
    }
}

impl StubWitness {
    fn new(name: &str, seed: u8, behaviour: Behaviour, serves: bool) -> Self {
        rpc::install_crypto();
        let inner = Arc::new(Inner {
            name: name.into(),
            seed,
            behaviour,
            state: Mutex::new(State::new()),
            asked: AtomicUsize::new(0),
            released: Semaphore::new(0),
        });
        let bound = Server::bind(ServerOptions::default()).unwrap();
        let (url, shutdown) = (bound.url(), CancellationToken::new());
        if serves {
            let answering = Arc::clone(&inner);
            let answer = move |request| {
                let answering = Arc::clone(&answering);
                async move { answering.answer(request).await }
            };
            tokio::spawn(bound.serve(answer, shutdown.clone()));
        }
        Self { inner, url, _stop: shutdown.drop_guard() }
    }

    #[expect(clippy::unused_async, reason = "says that it needs a runtime")]
    pub(super) async fn start(name: &str, seed: u8) -> Self {
        Self::new(name, seed, Behaviour::Honest, true)
    }

    #[expect(clippy::unused_async, reason = "says that it needs a runtime")]
    pub(super) async fn lying(name: &str, seed: u8, behaviour: Behaviour) -> Self {
        Self::new(name, seed, behaviour, true)
    }

    pub(super) fn with(name: &str, seed: u8, behaviour: Behaviour) -> Self {
        Self::new(name, seed, behaviour, true)
    }

    /// One that does not answer: its port is closed.
    pub(super) fn away(name: &str, seed: u8) -> Self {
        Self::new(name, seed, Behaviour::Honest, false)
    }

    pub(super) fn config(&self) -> WitnessConfig {
        WitnessConfig { key: self.key().to_string(), url: self.url.clone(), ca: None }
    }

    pub(super) fn key(&self) -> CosignerKey {
        self.inner.key()
    }

    pub(super) fn asked(&self) -> usize {
        self.inner.asked.load(Ordering::SeqCst)
    }

    pub(super) fn release(&self) {
        self.inner.released.add_permits(1);
    }
}
