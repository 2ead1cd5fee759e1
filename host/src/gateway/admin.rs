//! `POST /v1/admin`: one of the operator's commands.

use axum::{Json, extract::State};
use schemas::admin::AdminAnswer;

use super::{Gateway, extract::Body, problem::Answer};
use crate::{
    admin::{Command, Done},
    error::{ErrorKind, HostError},
    people::Who,
    requests::Request,
};

/// Does it. Whoever reached this socket is the operator: the kernel said so.
pub(super) async fn run(
    State(gateway): State<Gateway>,
    Body(command): Body<Command>,
) -> Answer<AdminAnswer> {
    let ask = |answer| Request::Admin(Who::Operator, Box::new(command), answer);
    match gateway.inner.daemon.ask(ask).await? {
        Done::Answered(answer) => Ok(Json(answer)),
        Done::Held(..) => {
            Err(HostError::new(ErrorKind::Internal, "the operator was told to wait").into())
        }
    }
}
