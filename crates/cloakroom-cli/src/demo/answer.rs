//! What every answer has in common: failures that explain themselves, and headers that keep browsers on the safe side.

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
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Gives a failure without words a page or JSON, and every answer its headers.
pub(super) async fn complete(request: Request, next: Next) -> Response {
    let for_a_program = api::owns(request.uri().path());
    let mut response = next.run(request).await;
    if is_wordless_failure(&response) {
        response = explain(response, for_a_program);
    }
    page::harden(response.headers_mut(), POLICY);
    response
}

/// An answer in JSON that says what went wrong.
pub(super) fn error(status: StatusCode, text: &str) -> Response {
    (status, Json(Failure { error: text })).into_response()
}

/// A 401 must name a way to sign in (RFC 9110 section 11.6.1); browsers open no dialog for this one.
pub(super) fn challenge(response: impl IntoResponse) -> Response {
    let way = [(WWW_AUTHENTICATE, "Cookie")];
    (StatusCode::UNAUTHORIZED, way, response).into_response()
}

/// What a status means, for people: a headline, and what to do about it.
pub(super) fn meaning(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => ("cannot read the request", "It is not what was expected here."),
        StatusCode::FORBIDDEN => (
            "refused: it came from another site",
            "Another site's page sent this in your name. Nothing was changed.",
        ),
        StatusCode::NOT_FOUND => ("there is nothing here", "Perhaps the address is mistyped."),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("not this way", "This address takes what a form sends; there is nothing to look at.")
        }
        StatusCode::CONFLICT => (
            "try again",
            "Your session changed while the request was on its way, perhaps in another tab. Nothing was lost.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => {
            ("too large", "Nothing was changed. Try something smaller.")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("send it in another form", "Programs send JSON, pages send forms.")
        }
        StatusCode::UNPROCESSABLE_ENTITY => {
            ("something is missing", "A field is missing or has the wrong form.")
        }
        StatusCode::SERVICE_UNAVAILABLE => (
            "try again in a moment",
            "Sessions cannot be reached just now. Nobody was signed out: yours is safe.",
        ),
        _ => ("something went wrong", "It is not your fault. Nothing more is known here."),
    }
}

#[derive(Serialize)]
struct Failure<'a> {
    error: &'a str,
}

/// True for what the framework or the library said by a status alone, or in plain text that no visitor should read.
fn is_wordless_failure(response: &Response) -> bool {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let kind = response.headers().get(CONTENT_TYPE);
    failed
        && (response.body().is_end_stream()
            || kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain")))
}

/// The same failure with words; its other headers stay, such as `Retry-After`.
fn explain(response: Response, for_a_program: bool) -> Response {
    let status = response.status();
    let (headline, advice) = meaning(status);
    let (words, body) = if for_a_program {
        error(status, headline)
    } else {
        view::failure(headline, advice).into_response()
    }
    .into_parts();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.extend(words.headers);
    Response::from_parts(parts, body)
}
