//! Reading requests, so that whatever is wrong with one is told as a `Problem`.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::BytesRejection},
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use super::{Gateway, problem::Refused};
use crate::{
    error::{ErrorKind, HostError},
    limits,
};

/// A JSON body. The content type is not asked for: there is only one.
pub(super) struct Body<T>(pub(super) T);

/// The variable segments of the path.
pub(super) struct Segments<T>(pub(super) T);

/// What stands behind the `?`.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned + Send + 'static> FromRequest<Gateway> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, gateway: &Gateway) -> Result<Self, Refused> {
        let bytes = Bytes::from_request(request, gateway).await.map_err(|why| unread(&why))?;
        // Reading a large one takes long, and all sessions share the thread that we are on.
        if bytes.len() > limits::BODY_IN_PLACE {
            let read = tokio::task::spawn_blocking(move || read_body(&bytes));
            return read.await.map_err(|error| {
                HostError::new(ErrorKind::Internal, "reading the body broke off").because(error)
            })?;
        }
        read_body(&bytes)
    }
}

fn read_body<T: DeserializeOwned>(bytes: &Bytes) -> Result<Body<T>, Refused> {
    match serde_json::from_slice(bytes) {
        Ok(body) => Ok(Body(body)),
        Err(error) => Err(HostError::new(ErrorKind::Invalid, "the body cannot be read")
            .because(error)
            .hint("send one JSON object with the fields of this request")
            .into()),
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Gateway> for Segments<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Refused> {
        let read = Path::from_request_parts(parts, gateway).await;
        read.map(|Path(segments)| Self(segments)).map_err(|why| invalid(why.body_text()))
    }
}

impl<T: DeserializeOwned> FromRequestParts<Gateway> for Params<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Refused> {
        let read = Query::from_request_parts(parts, gateway).await;
        read.map(|Query(params)| Self(params)).map_err(|why| invalid(why.body_text()))
    }
}

fn unread(why: &BytesRejection) -> Refused {
    if why.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let most = limits::REQUEST_BYTES / (1024 * 1024);
        let what = format!("the request is larger than {most} MiB");
        return HostError::new(ErrorKind::TooLarge, what)
            .hint("send fewer or smaller files; 100 MiB of them fit in one message")
            .into();
    }
    invalid(why.body_text())
}

fn invalid(what: String) -> Refused {
    HostError::new(ErrorKind::Invalid, what).into()
}
