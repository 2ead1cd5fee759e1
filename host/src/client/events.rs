//! One reader of a room's events.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1::SendRequest};
use schemas::admin::RoomEvent;

use super::sse::Parser;
use crate::{
    error::{ErrorKind, HostError, Result},
    limits,
};

/// The events of a room, in order.
#[derive(Debug)]
pub struct EventStream {
    body: Incoming,
    parser: Parser,
    /// Held, for the connection ends when it is dropped.
    _connection: SendRequest<Full<Bytes>>,
}

impl EventStream {
    pub(super) fn new(body: Incoming, connection: SendRequest<Full<Bytes>>) -> Self {
        Self { body, parser: Parser::default(), _connection: connection }
    }

    /// The next event; `None` when the host ended the stream. Dropping the future loses nothing.
    ///
    /// # Errors
    /// `HostDown` when the host is gone, `Internal` when it says what cannot be read.
    pub async fn next(&mut self) -> Result<Option<RoomEvent>> {
        loop {
            if let Some(data) = self.parser.event() {
                return serde_json::from_slice(&data).map(Some).map_err(|error| {
                    HostError::new(ErrorKind::Internal, "an event of the host cannot be read")
                        .because(error)
                        .hint("client and host may be of different versions")
                });
            }
            if self.parser.held() > limits::EVENT_BYTES {
                return Err(HostError::new(
                    ErrorKind::TooLarge,
                    "an event of the host is too long",
                ));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Some(piece) = frame.data_ref() {
                        self.parser.feed(piece);
                    }
                }
                Some(Err(error)) => {
                    let what = "the connection to the host broke";
                    return Err(HostError::new(ErrorKind::HostDown, what).because(error));
                }
            }
        }
    }
}
