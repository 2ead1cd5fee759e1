//! `GET /v1/status` and `POST /v1/shutdown`.

use axum::{Json, extract::State};
use schemas::admin::Status;

use super::{Gateway, problem::Answer};
use crate::requests::Request;

/// How the host is.
pub(super) async fn show(State(gateway): State<Gateway>) -> Answer<Status> {
    Ok(Json(gateway.inner.daemon.ask(Request::Status).await?))
}

/// Ends the host; the answer comes once it has begun to end.
pub(super) async fn shutdown(State(gateway): State<Gateway>) -> Answer<()> {
    tracing::info!("asked to end over the socket");
    Ok(Json(gateway.inner.daemon.ask(Request::Shutdown).await?))
}
