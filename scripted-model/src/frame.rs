//! What goes over the wire of a stream, a piece at a time.

use std::{io, time::Duration};

use axum::body::{Body, Bytes};
use futures_util::stream;
use serde_json::Value;

/// One piece of a stream of server-sent events.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Frame {
    /// An event that says its type on a line of its own.
    Named(Value),
    /// An event that is its data alone.
    Bare(Value),
    /// The line that ends a stream of Chat Completions.
    Done,
    /// Nothing for a while.
    Pause(Duration),
    /// The connection ends here.
    Cut,
}

impl Frame {
    fn text(&self) -> Option<String> {
        match self {
            Self::Named(data) => {
                let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
                Some(format!("event: {name}\ndata: {data}\n\n"))
            }
            Self::Bare(data) => Some(format!("data: {data}\n\n")),
            Self::Done => Some("data: [DONE]\n\n".to_owned()),
            Self::Pause(_) | Self::Cut => None,
        }
    }
}

/// The body that sends them in their time.
pub(crate) fn body(frames: Vec<Frame>) -> Body {
    let frames = frames.into_iter();
    Body::from_stream(stream::unfold(Some(frames), async |frames| {
        let mut frames = frames?;
        loop {
            match frames.next()? {
                Frame::Pause(pause) => tokio::time::sleep(pause).await,
                Frame::Cut => {
                    // What was said before goes out first: the connection ends after it.
                    tokio::task::yield_now().await;
                    return Some((Err(io::Error::other("cut")), None));
                }
                frame @ (Frame::Named(_) | Frame::Bare(_) | Frame::Done) => {
                    let text = frame.text().unwrap_or_default();
                    return Some((Ok(Bytes::from(text)), Some(frames)));
                }
            }
        }
    }))
}
