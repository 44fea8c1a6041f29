//! The witness itself: decides, remembers, and only then lets a cosignature go.

use std::sync::{Mutex, PoisonError};

use ::keys::FileKey;
use merkle::{CosignerKey, checkpoint::cosign};
use web::{Response, StatusCode, response, text};
use witness::{Logs, Refusal, Request, State};

use super::store::Disk;

/// The state, and whether the disk still takes it.
struct Held<D> {
    state: State,
    disk: D,
    broken: bool,
}

/// A witness.
pub(super) struct Engine<D> {
    logs: Logs,
    key: FileKey,
    public: CosignerKey,
    held: Mutex<Held<D>>,
}

impl<D: Disk> Engine<D> {
    pub(super) fn new(
        logs: Logs,
        (key, public): (FileKey, CosignerKey),
        (disk, state): (D, State),
    ) -> Self {
        Self { logs, key, public, held: Mutex::new(Held { state, disk, broken: false }) }
    }

    /// Answers the body of an `add-checkpoint`, at `time` in seconds since the epoch. Blocks for
    /// the disk; requests at the same time wait for each other.
    pub(super) fn add_checkpoint(&self, body: &[u8], time: u64) -> Response {
        let request = match Request::parse(body) {
            Ok(request) => request,
            Err(error) => return self.refuse("", &error.into(), None),
        };
        let origin = request.origin();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.broken {
            return unavailable("the state could not be written: see the log, and restart");
        }
        let cosignable = match held.state.decide(&request, &self.logs) {
            Ok(cosignable) => cosignable,
            Err(refusal) => {
                drop(held);
                return self.refuse(origin, &refusal, Some(&request.note));
            }
        };
        let checkpoint = cosignable.checkpoint();
        let line = self
            .key
            .as_ed25519()
            .ok_or(())
            .and_then(|key| cosign(checkpoint, key, self.public.name(), time).map_err(drop));
        let Ok(line) = line else { return unavailable("the checkpoint cannot be signed") };
        let state = match held.state.with(&cosignable, &line, &self.public) {
            Ok(state) => state,
            Err(error) => {
                tracing::error!(%error, "our own cosignature does not verify");
                return unavailable("the checkpoint cannot be signed");
            }
        };
        if let Err(error) = held.disk.keep(&state) {
            // Whether the disk has the old or the new state, only a restart can tell.
            held.broken = true;
            tracing::error!(%error, "the state cannot be written: nothing is cosigned any more");
            return unavailable("the state could not be written: see the log, and restart");
        }
        held.state = state;
        drop(held);
        count("cosigned");
        tracing::info!(origin, size = checkpoint.size, root = %checkpoint.root, "cosigned");
        response(StatusCode::OK, "text/plain; charset=utf-8", line)
    }

    fn refuse(&self, origin: &str, refusal: &Refusal, note: Option<&str>) -> Response {
        count(refusal.word());
        let status = refusal.status();
        if refusal.blames_the_log() {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let mut known = held.state.remembered();
            let cosigned = known.find(|known| known.checkpoint.origin == origin);
            let (cosigned, note) = (cosigned.map(|known| &*known.note), note.unwrap_or_default());
            tracing::error!(
                origin,
                cosigned,
                note,
                "the log forked: keep both notes, they prove it"
            );
        } else {
            tracing::warn!(origin, status, reason = %refusal, "not cosigned");
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        response(status, refusal.media_type(), refusal.body())
    }
}

fn count(result: &'static str) {
    metrics::counter!("witness_requests_total", "result" => result).increment(1);
}

fn unavailable(why: &'static str) -> Response {
    count("unavailable");
    text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"))
}
