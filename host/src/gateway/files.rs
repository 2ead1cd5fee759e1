//! `GET /v1/sessions/{session}/files/{message}/{name}`: a file that an agent sent.
//!
//! Name and bytes are a guest's, so they are hostile: the type is always opaque, and the name in
//! the header is cleaned. The file was opened by the daemon; no path is joined here.

use std::fmt::Write;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use schemas::ids::{MessageId, SessionId};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::{Gateway, extract::Segments, problem::Refused};
use crate::{
    error::{ErrorKind, HostError},
    requests::Request,
};

/// Streams the file.
pub(super) async fn file(
    State(gateway): State<Gateway>,
    Segments((session, message, name)): Segments<(String, String, String)>,
) -> Result<Response, Refused> {
    let session = SessionId::parse(&session).map_err(|error| bad_id(&error))?;
    let message = MessageId::parse(&message).map_err(|error| bad_id(&error))?;
    let disposition = content_disposition(&name);
    let ask = |answer| Request::File(session, message, name, answer);
    let (file, size) = gateway.inner.daemon.ask(ask).await?;
    // Cut at the size that was told: a guest may be writing to it still.
    let bytes = ReaderStream::new(tokio::fs::File::from_std(file).take(size));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_LENGTH, HeaderValue::from(size)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from_stream(bytes)).into_response())
}

fn bad_id(error: &schemas::ids::BadId) -> Refused {
    HostError::new(ErrorKind::Invalid, error.to_string()).into()
}

/// The name in both forms of RFC 6266: plain ASCII with what could confuse a reader replaced, and
/// the whole name in percent encoding.
fn content_disposition(name: &str) -> HeaderValue {
    let plain = name.chars().map(|c| match c {
        '"' | '\\' | '/' | '%' | ';' => '_',
        c if c == ' ' || c.is_ascii_graphic() => c,
        _ => '_',
    });
    let mut value =
        format!("attachment; filename=\"{}\"; filename*=UTF-8''", plain.collect::<String>());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            let _written = write!(value, "%{byte:02X}").is_ok();
        }
    }
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_cannot_leave_its_quotes_or_its_line() {
        let check = |name: &str, expected: &str| {
            assert_eq!(content_disposition(name).to_str().unwrap(), expected);
        };
        check("a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
        check("\"; x=\"", "attachment; filename=\"__ x=_\"; filename*=UTF-8''%22%3B%20x%3D%22");
        check("a\r\nb: c", "attachment; filename=\"a__b: c\"; filename*=UTF-8''a%0D%0Ab%3A%20c");
        check("é", "attachment; filename=\"_\"; filename*=UTF-8''%C3%A9");
    }
}
