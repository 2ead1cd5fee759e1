//! The two bodies of a call on their way through.
//!
//! Owns their bounds: the request's size, the answer's silence. Both are handed on piece by piece as
//! they are asked for, so whoever reads slowly is waited for by whoever writes; nothing is kept and
//! nothing is changed. Dropping one ends what it comes from.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use schemas::model_call::CallError;
use tokio::time::{Instant, Sleep, sleep};

use super::{
    calls::Call,
    usage::{Said, Scanner},
};
use crate::limits::broker as limits;

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The request is larger than may pass.
    #[error("the request is larger than {} bytes", limits::BODY_BYTES)]
    TooLarge,
    /// The answer stopped for too long.
    #[error("nothing came for {} s", limits::ANSWER_SILENCE.as_secs())]
    Silent,
    /// The connection that it came on broke.
    #[error("the connection broke")]
    Connection(#[source] hyper::Error),
}

/// A request's body: at most so many bytes of it.
pub(super) struct Outgoing {
    body: Incoming,
    left: u64,
}

impl Outgoing {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, left: limits::BODY_BYTES }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(Broken::Connection)?;
        // A guest's trailers are nobody's business.
        let Ok(data) = frame.into_data() else { return Poll::Ready(None) };
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            None => Poll::Ready(Some(Err(Broken::TooLarge))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body, looked at as it passes.
pub(super) struct Tapped {
    body: Incoming,
    call: Call,
    scanner: Option<Scanner>,
    silence: Pin<Box<Sleep>>,
}

impl Tapped {
    pub(super) fn new(body: Incoming, call: Call, scanner: Option<Scanner>) -> Self {
        let silence = Box::pin(sleep(limits::ANSWER_SILENCE));
        let mut tapped = Self { body, call, scanner, silence };
        tapped.end_if_whole();
        tapped
    }

    /// Whoever writes it on may know its length, and not ask for more after the last piece.
    fn end_if_whole(&mut self) {
        if self.body.is_end_stream() {
            self.end(None);
        }
    }

    fn end(&mut self, error: Option<CallError>) {
        let said = self.scanner.as_ref().map_or_else(Said::default, Scanner::said);
        self.call.end(error, said);
    }
}

impl Body for Tapped {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(scanner), Some(data)) = (&mut self.scanner, frame.data_ref()) {
                    scanner.look(data);
                }
                self.silence.as_mut().reset(Instant::now() + limits::ANSWER_SILENCE);
                self.end_if_whole();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.end(Some(CallError::Cut));
                Poll::Ready(Some(Err(Broken::Connection(error))))
            }
            Poll::Ready(None) => {
                self.end(None);
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.silence.as_mut().poll(cx));
                self.end(Some(CallError::Timeout));
                Poll::Ready(Some(Err(Broken::Silent)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        // Its guest did not wait; what it used until then was used.
        self.end(Some(CallError::HungUp));
    }
}
