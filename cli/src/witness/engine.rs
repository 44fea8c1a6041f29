//! The witness itself: decides, remembers, and only then lets a cosignature go.

use std::{
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use ::keys::FileKey;
use merkle::{CosignerKey, checkpoint::cosign};
use rpc::CancellationToken;
use web::{Response, StatusCode, response, text};
use witness::{Cosignable, Logs, Refusal, Remembered, Request, State};

use super::{
    evidence::{EvidenceKind, Kept, name},
    show::instant,
    store::Disk,
};

const TEXT: &str = "text/plain; charset=utf-8";
/// How long the line that a tree head has already is given out again, in seconds: checkpoints are
/// public, so anybody may ask for them, and each new line is a write to the disk.
const REPEATED_S: u64 = 60;
/// How far the clock may be behind the last cosignature, in seconds; within that its time is taken.
const BEHIND_MAX_S: u64 = 3_600;

/// Says the time, in seconds since the epoch.
pub(super) type Clock = fn() -> u64;

/// The system's clock; 0 when it is before the epoch.
pub(super) fn system_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The state, and the disk that has it.
struct Held<D> {
    state: State,
    disk: D,
}

/// A witness.
pub(super) struct Engine<D> {
    logs: Logs,
    key: FileKey,
    public: CosignerKey,
    clock: Clock,
    held: Mutex<Held<D>>,
    /// Cancelled once the disk failed: whether it has the old or the new state, only a restart tells.
    broken: CancellationToken,
}

impl<D: Disk> Engine<D> {
    pub(super) fn new(
        logs: Logs,
        (key, public): (FileKey, CosignerKey),
        (disk, state): (D, State),
        clock: Clock,
    ) -> Self {
        let (held, broken) = (Mutex::new(Held { state, disk }), CancellationToken::new());
        Self { logs, key, public, clock, held, broken }
    }

    /// Cancelled once nothing is cosigned any more.
    pub(super) const fn broken(&self) -> &CancellationToken {
        &self.broken
    }

    /// Answers the body of an `add-checkpoint`. Blocks for the disk; requests at the same time wait
    /// for each other.
    pub(super) fn add_checkpoint(&self, body: &[u8]) -> Response {
        let request = match Request::parse(body) {
            Ok(request) => request,
            Err(error) => return self.refuse("", &error.into(), None),
        };
        let origin = request.origin();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if self.broken.is_cancelled() {
            return unavailable(&"the state could not be written: see the log, and restart");
        }
        let cosignable = match held.state.decide(&request, &self.logs) {
            Ok(cosignable) => cosignable,
            Err(refusal) => {
                return self.refuse(origin, &refusal, Some((&mut held, &request.note)));
            }
        };
        let checkpoint = cosignable.checkpoint();
        // Under the lock: of two cosignatures, the later one never has the earlier time.
        let known = held.state.of(origin);
        let time = match time_of(known, (self.clock)()) {
            Ok(time) => time,
            Err(wrong) => {
                let what_to_do = "set the clock, or, where the last cosignature is to come, see \
                                  docs/runbooks/witness-away.md, 'The clock ran ahead'";
                tracing::error!(origin, %wrong, what_to_do, "nothing is cosigned");
                return unavailable(&wrong);
            }
        };
        if let Some(known) = known.filter(|known| known.checkpoint == *checkpoint)
            && time.saturating_sub(known.time) < REPEATED_S
        {
            count("repeated");
            return response(StatusCode::OK, TEXT, known.line().to_owned());
        }
        let Some(line) = self.line(&cosignable, time) else {
            return unavailable(&"the checkpoint cannot be signed");
        };
        let state = match held.state.with(&cosignable, &line, &self.public) {
            Ok(state) => state,
            Err(error) => {
                tracing::error!(origin, %error, "the state does not take the cosignature");
                return unavailable(&"the checkpoint cannot be cosigned: see the log");
            }
        };
        if let Err(error) = held.disk.keep(&state) {
            self.broken.cancel();
            tracing::error!(%error, "the state cannot be written: nothing is cosigned any more");
            return unavailable(&"the state could not be written: see the log, and restart");
        }
        held.state = state;
        drop(held);
        count("cosigned");
        tracing::info!(origin, size = checkpoint.size, root = %checkpoint.root, "cosigned");
        response(StatusCode::OK, TEXT, line)
    }

    fn line(&self, cosignable: &Cosignable, time: u64) -> Option<String> {
        let key = self.key.as_ed25519()?;
        cosign(cosignable.checkpoint(), key, self.public.name(), time).ok()
    }

    /// Says no; `sent` is what the refusal was decided on, and the note that came.
    fn refuse(
        &self,
        origin: &str,
        refusal: &Refusal,
        sent: Option<(&mut Held<D>, &str)>,
    ) -> Response {
        count(refusal.word());
        let status = refusal.status();
        tracing::warn!(origin, status, reason = %refusal, "not cosigned");
        if let Some((held, note)) = sent
            && refusal.may_be_a_fork()
        {
            let cosigned = held.state.of(origin).map_or("", |known| &known.note);
            let kind = match refusal.blames_the_log() {
                true => EvidenceKind::Fork,
                false => EvidenceKind::Unproved,
            };
            let kept = held.disk.evidence(kind, cosigned, note);
            report(origin, kind, (cosigned, note), kept);
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        response(status, refusal.media_type(), refusal.body())
    }
}

/// Says that two notes may be a fork. Both are written to the log only when they are new: they are up to
/// 32 KiB, and whoever has a public checkpoint can send it as often as it likes.
fn report(
    origin: &str,
    kind: EvidenceKind,
    (cosigned, note): (&str, &str),
    kept: std::io::Result<Kept>,
) {
    let (file, bytes) = (name(kind, note), note.len());
    match (kept, kind) {
        (Ok(Kept::Newly), EvidenceKind::Fork) => {
            tracing::error!(origin, file, cosigned, note, "the log forked: both notes prove it");
        }
        (Ok(Kept::Newly), EvidenceKind::Unproved) => {
            tracing::warn!(origin, file, cosigned, note, "no proof joins these: it may be a fork");
        }
        (Ok(Kept::Before), _) => tracing::warn!(origin, file, bytes, "sent again"),
        (Ok(Kept::Full), _) => tracing::error!(
            origin,
            file,
            bytes,
            "evidence/ is full and this is not kept: look at its files, and move them elsewhere"
        ),
        (Err(error), _) => {
            tracing::error!(origin, file, bytes, %error, "the notes cannot be kept");
        }
    }
}

/// A clock that cannot be right, and what it is held against; seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the witness's clock is wrong: it says {}, the last cosignature is of {}",
    instant(*now),
    instant(*last)
)]
struct WrongClock {
    now: u64,
    last: u64,
}

/// The time of a cosignature: never before that of the log's last one. A cosignature says what the largest
/// tree was at its time (C2SP tlog-cosignature).
fn time_of(known: Option<&Remembered>, now: u64) -> Result<u64, WrongClock> {
    let last = known.map_or(0, |known| known.time);
    match now > 0 && now.saturating_add(BEHIND_MAX_S) >= last {
        true => Ok(now.max(last)),
        false => Err(WrongClock { now, last }),
    }
}

fn count(result: &'static str) {
    metrics::counter!("witness_requests_total", "result" => result).increment(1);
}

fn unavailable(why: &dyn std::fmt::Display) -> Response {
    count("unavailable");
    text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"))
}
