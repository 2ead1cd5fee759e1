//! Errors on the wire: a `Problem` body under the status of its kind.

use axum::{
    Json,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};

use crate::error::{ErrorKind, HostError};

/// What a handler answers instead of its result.
#[derive(Debug)]
pub(super) struct Refused(HostError);

/// What a handler answers.
pub(super) type Answer<T> = Result<Json<T>, Refused>;

impl From<HostError> for Refused {
    fn from(error: HostError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.kind.http_status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::warn!(error = self.0.chain(), "a request failed");
        }
        (status, Json(self.0.problem())).into_response()
    }
}

/// Answers a path that nothing lies at.
pub(super) async fn no_such_route(uri: Uri) -> Refused {
    HostError::new(ErrorKind::NotFound, format!("nothing lies at {}", uri.path()))
        .hint("client and host may be of different versions")
        .into()
}

/// Answers a method that a path does not have.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> Refused {
    HostError::new(ErrorKind::Invalid, format!("{} does not take {method}", uri.path())).into()
}
