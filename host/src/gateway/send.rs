//! `POST /v1/agents/{agent}/messages`: a person at the terminal says something.
//!
//! 202 means that the message is durable, not that it was worked on.

use axum::{Json, extract::State, http::StatusCode};
use schemas::admin::{Accepted, SendMessage};

use super::{
    Gateway,
    extract::{Body, Segments},
    problem::Refused,
};
use crate::{
    error::{ErrorKind, HostError},
    requests::Request,
};

/// Hands a message to the daemon, and answers once its row is on the disk.
pub(super) async fn send(
    State(gateway): State<Gateway>,
    Segments(agent): Segments<String>,
    Body(message): Body<SendMessage>,
) -> Result<(StatusCode, Json<Accepted>), Refused> {
    if message.text.trim().is_empty() && message.attachments.is_empty() {
        let error = HostError::new(ErrorKind::Invalid, "the message is empty");
        return Err(error.hint("give it a text or a file").into());
    }
    let ask = |answer| Request::Send(agent, Box::new(message), answer);
    Ok((StatusCode::ACCEPTED, Json(gateway.inner.daemon.ask(ask).await?)))
}
