//! `GET /v1/health`, what only this process may open, and `GET /v1/backup`, which is sent while it
//! is made.

use axum::{
    Json,
    body::Body,
    extract::{Query, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{
    Gateway,
    problem::{Answer, Refused},
};
use crate::{limits::upkeep as limits, store::Health, upkeep::Ask};

/// How the central database is.
pub(super) async fn health(State(gateway): State<Gateway>) -> Answer<Health> {
    Ok(Json(gateway.inner.daemon.ask(|answer| Ask::Health(answer).into()).await?))
}

/// What is to be in a backup.
#[derive(Debug, Deserialize)]
pub(super) struct What {
    work: bool,
}

/// Sends a backup. A failure in the middle breaks the answer off before its end.
pub(super) async fn backup(
    State(gateway): State<Gateway>,
    Query(what): Query<What>,
) -> Result<Response, Refused> {
    let (sender, pieces) = mpsc::channel(limits::BACKUP_PIECES);
    let ask = |answer| Ask::Backup(what.work, sender, answer).into();
    gateway.inner.daemon.ask(ask).await?;
    let pieces =
        stream::unfold(pieces, async |mut pieces: mpsc::Receiver<std::io::Result<Bytes>>| {
            pieces.recv().await.map(|piece| (piece, pieces))
        });
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    Ok(([kind], Body::from_stream(pieces)).into_response())
}
