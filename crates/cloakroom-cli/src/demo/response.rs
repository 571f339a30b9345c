//! What every response has: an explanation if it failed, and security headers.

use axum::body::HttpBody;
use axum::extract::{Json, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{api, view};
use crate::page;

/// No scripts, no frames, nothing from elsewhere.
const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                   base-uri 'none'; frame-ancestors 'none'";

/// Completes each response: a bare error gets a page or JSON, and all get security headers.
pub(super) async fn complete(request: Request, next: Next) -> Response {
    let is_api = api::has_path(request.uri().path());
    let mut response = next.run(request).await;
    if is_bare_error(&response) {
        response = explain(response, is_api);
    }
    page::harden(response.headers_mut(), CSP);
    response
}

/// An error in JSON.
pub(super) fn error(status: StatusCode, text: &str) -> Response {
    (status, Json(ErrorBody { error: text })).into_response()
}

/// A 401 with this body. It must name an authentication scheme (RFC 9110 section 11.6.1); browsers
/// open no dialog for this one.
pub(super) fn unauthorized(body: impl IntoResponse) -> Response {
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Cookie")], body).into_response()
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
}

/// What a status means: an error message, and a sentence for the visitor.
fn meaning(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => ("cannot read the request", "The request is malformed."),
        StatusCode::FORBIDDEN => (
            "refused: the request came from another site",
            "A page of another site sent this request. Nothing was changed.",
        ),
        StatusCode::NOT_FOUND => ("not found", "There is no page at this address."),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method not allowed", "This address only accepts forms. There is no page to show.")
        }
        StatusCode::CONFLICT => (
            "try again",
            "Your session changed during the request, perhaps in another tab. Nothing was lost.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => {
            ("request too large", "Nothing was changed. Try something shorter.")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("unsupported media type", "The API accepts JSON, and the pages accept forms.")
        }
        StatusCode::UNPROCESSABLE_ENTITY => {
            ("invalid or missing field", "A field is missing or invalid.")
        }
        StatusCode::SERVICE_UNAVAILABLE => (
            "try again in a moment",
            "Sessions cannot be read or written at the moment. You have not been signed out.",
        ),
        _ => ("something went wrong", "The server failed to answer your request."),
    }
}

/// Whether the response is an error with no body, or with plain text that is not for visitors.
fn is_bare_error(response: &Response) -> bool {
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let media_type = response.headers().get(CONTENT_TYPE);
    is_error
        && (response.body().is_end_stream()
            || media_type.is_none_or(|media_type| media_type.as_bytes().starts_with(b"text/plain")))
}

/// Replaces the body by an explanation. Other headers, such as `Retry-After`, stay.
fn explain(response: Response, is_api: bool) -> Response {
    let status = response.status();
    let (message, advice) = meaning(status);
    let (explained, body) = if is_api {
        error(status, message)
    } else {
        view::failure(message, advice).into_response()
    }
    .into_parts();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.extend(explained.headers);
    Response::from_parts(parts, body)
}
