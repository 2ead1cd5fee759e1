//! `GET` and `POST /v1/agents`.

use axum::{Json, extract::State, http::StatusCode};
use schemas::admin::{Agent, NewAgent};

use super::{
    Gateway,
    extract::Body,
    problem::{Answer, Refused},
};
use crate::requests::Request;

/// All agents by name.
pub(super) async fn list(State(gateway): State<Gateway>) -> Answer<Vec<Agent>> {
    Ok(Json(gateway.inner.daemon.ask(Request::Agents).await?))
}

/// A new agent.
pub(super) async fn create(
    State(gateway): State<Gateway>,
    Body(agent): Body<NewAgent>,
) -> Result<(StatusCode, Json<Agent>), Refused> {
    let ask = |answer| Request::CreateAgent(Box::new(agent), answer);
    Ok((StatusCode::CREATED, Json(gateway.inner.daemon.ask(ask).await?)))
}
