//! `/v1/sessions`: the list, a session's runs, and a fresh start for one that was set aside.

use axum::{Json, extract::State};
use schemas::admin::{RunInfo, SessionInfo};

use super::{Gateway, extract::Segments, problem::Answer};
use crate::requests::Request;

/// All sessions that are not archived.
pub(super) async fn list(State(gateway): State<Gateway>) -> Answer<Vec<SessionInfo>> {
    Ok(Json(gateway.inner.daemon.ask(Request::Sessions).await?))
}

/// A fresh `out/` for a session that was set aside.
pub(super) async fn reset(
    State(gateway): State<Gateway>,
    Segments(session): Segments<String>,
) -> Answer<SessionInfo> {
    let ask = |answer| Request::ResetSession(session, answer);
    Ok(Json(gateway.inner.daemon.ask(ask).await?))
}

/// The newest runs of a session, newest first.
pub(super) async fn runs(
    State(gateway): State<Gateway>,
    Segments(session): Segments<String>,
) -> Answer<Vec<RunInfo>> {
    Ok(Json(gateway.inner.daemon.ask(|answer| Request::Runs(session, answer)).await?))
}
