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
    draft::Draft,
    error::{ErrorKind, HostError},
    requests::Request,
};

/// Hands a message to the daemon, and answers once its row is on the disk.
pub(super) async fn send(
    State(gateway): State<Gateway>,
    Segments(agent): Segments<String>,
    Body(message): Body<SendMessage>,
) -> Result<(StatusCode, Json<Accepted>), Refused> {
    let draft = if message.attachments.is_empty() {
        Draft::of(message)?
    } else {
        // Files are written out and hashed: all sessions share the thread that we are on.
        tokio::task::spawn_blocking(move || Draft::of(message)).await.map_err(|error| {
            HostError::new(ErrorKind::Internal, "taking the message broke off").because(error)
        })??
    };
    let ask = |answer| Request::Send(agent, Box::new(draft), answer);
    Ok((StatusCode::ACCEPTED, Json(gateway.inner.daemon.ask(ask).await?)))
}
