//! A response's bytes at the client: the deadline holds, faults become clear statuses.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;
use tonic::Status;

use crate::channel::Inner;

/// What the generated client reads from.
pub(crate) struct ClientBody {
    pub(crate) inner: Incoming,
    pub(crate) channel: Arc<Inner>,
    pub(crate) deadline: Option<Pin<Box<Sleep>>>,
    pub(crate) ended: bool,
}

/// Removes status details that are not base64: the generated clients would panic on them.
pub(crate) fn sanitise(headers: &mut HeaderMap) {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let details = headers.get(Status::GRPC_STATUS_DETAILS);
    if details.is_some_and(|value| ENGINE.decode(value).is_err()) {
        headers.remove(Status::GRPC_STATUS_DETAILS);
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) else {
            let late = this.deadline.as_mut().is_some_and(|t| t.as_mut().poll(context).is_ready());
            if late {
                this.ended = true;
                return Poll::Ready(Some(Err(this.channel.late())));
            }
            return Poll::Pending;
        };
        Poll::Ready(match frame {
            None => None,
            Some(Err(error)) => {
                this.ended = true;
                Some(Err(this.channel.lost(error, None)))
            }
            Some(Ok(mut frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    sanitise(trailers);
                }
                Some(Ok(frame))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
