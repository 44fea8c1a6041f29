//! A response's bytes on their way out: the deadline holds to the last one, and the call ends here.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use tonic::{Code, Status};

use crate::{meter::Call, refusal::Refusal, status::to_status};

/// What the connection writes from.
pub(crate) struct ResponseBody {
    inner: tonic::body::Body,
    call: Option<Call>,
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// The code in `grpc-status`, where these headers or trailers hold one.
pub(crate) fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}

impl ResponseBody {
    /// A body with nothing to account for.
    pub(crate) const fn plain(inner: tonic::body::Body) -> Self {
        Self { inner, call: None, deadline: None, timer: None }
    }

    pub(crate) const fn new(
        inner: tonic::body::Body,
        call: Call,
        deadline: Option<Instant>,
    ) -> Self {
        Self { inner, call: Some(call), deadline, timer: None }
    }

    fn end(&mut self, code: Code) {
        if let Some(mut call) = self.call.take() {
            call.finish(code);
        }
    }

    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let (Some(deadline), Some(_)) = (self.deadline, &self.call) else {
            return false;
        };
        let timer =
            self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        timer.as_mut().poll(context).is_ready()
    }

    fn late(&mut self) -> Frame<Bytes> {
        let mut trailers = HeaderMap::new();
        if let Some(call) = &self.call {
            let (method, after_ms) = (call.method, call.started.elapsed().as_millis());
            let status = to_status(&Refusal::Deadline { method, after_ms });
            if status.add_header(&mut trailers).is_err() {
                trailers.insert(Status::GRPC_STATUS, http::HeaderValue::from_static("4"));
            }
        }
        self.inner = tonic::body::Body::empty();
        self.end(Code::DeadlineExceeded);
        Frame::trailers(trailers)
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) else {
            if this.is_late(context) {
                return Poll::Ready(Some(Ok(this.late())));
            }
            return Poll::Pending;
        };
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.end(code_in(trailers).unwrap_or(Code::Unknown));
                }
            }
            Some(Err(status)) => this.end(status.code()),
            None => this.end(Code::Unknown),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
