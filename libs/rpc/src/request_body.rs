//! A request's bytes on their way to the service: message sizes and pauses are bounded here.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use tonic::Status;

use crate::{
    grpc_frames::Frames, meter::Reservation, refusal::Refusal, status::to_status, topology::Rule,
};

/// What the service reads from.
pub(crate) struct RequestBody {
    inner: Incoming,
    frames: Frames,
    rule: &'static Rule,
    reserved: Arc<Reservation>,
    idle: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    failed: bool,
}

impl RequestBody {
    pub(crate) fn new(
        inner: Incoming,
        rule: &'static Rule,
        reserved: Arc<Reservation>,
        idle: Duration,
    ) -> Self {
        let frames = Frames::default();
        Self { inner, frames, rule, reserved, idle, pause: None, waiting: false, failed: false }
    }

    fn check(&mut self, data: &[u8]) -> Result<(), Refusal> {
        let (rule, reserved) = (self.rule, &self.reserved);
        self.frames.follow(data, |length| {
            if length as usize > rule.max_request_bytes {
                let (method, limit) = (rule.method.as_str(), rule.max_request_bytes);
                return Err(Refusal::TooLarge { method, length, limit });
            }
            if reserved.replace(length as usize) { Ok(()) } else { Err(Refusal::Bytes) }
        })
    }

    fn fail(&mut self, refusal: &Refusal) -> Option<Result<Frame<Bytes>, Status>> {
        self.failed = true;
        Some(Err(to_status(refusal)))
    }

    fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let until = Instant::now() + self.idle;
        let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if !self.waiting {
            self.waiting = true;
            pause.as_mut().reset(until);
        }
        pause.as_mut().poll(context)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.failed {
            return Poll::Ready(None);
        }
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) else {
            ready!(this.poll_pause(context));
            let after_ms = this.idle.as_millis();
            return Poll::Ready(this.fail(&Refusal::Idle { after_ms }));
        };
        this.waiting = false;
        Poll::Ready(match frame {
            None => None,
            Some(Err(error)) => Some(Err(Status::from_error(Box::new(error)))),
            Some(Ok(frame)) => {
                match frame.data_ref().map_or(Ok(()), |data| this.check(&data.clone())) {
                    Ok(()) => Some(Ok(frame)),
                    Err(refusal) => this.fail(&refusal),
                }
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.failed || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
