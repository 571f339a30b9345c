//! The answers of the endpoints, as the browser's algorithms read them.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::error::Error;
use crate::http::{Channel, MARKER_LIFE};
use crate::key::PublicId;
use crate::observe::ProofRefusal;
use crate::protocol::{Challenge, CookieChange};
use crate::time::Timestamp;

/// What a browser has signed.
pub(super) static RESPONSE: HeaderName = HeaderName::from_static("secure-session-response");
/// The session that a browser refreshes.
pub(super) static SESSION_ID: HeaderName = HeaderName::from_static("sec-secure-session-id");
static CHALLENGE: HeaderName = HeaderName::from_static("secure-session-challenge");

/// No page of another site learns anything from an answer.
static RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const POST: HeaderValue = HeaderValue::from_static("POST");

/// What an endpoint answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// The session is bound. The challenge is the next one.
    Bound { id: PublicId, cookie: CookieChange, challenge: Challenge },
    /// The session has another secret. The challenge is the next one.
    Refreshed { id: PublicId, cookie: CookieChange, challenge: Challenge },
    /// The browser has to sign this challenge: it will, and send the request again.
    Challenge { id: PublicId, challenge: Challenge, refusal: Option<ProofRefusal> },
    /// There is no such session any more: the browser forgets it.
    Over(PublicId),
    /// The proof leads to nothing: the browser forgets the session, unless it can try again later.
    Refused(Option<PublicId>, ProofRefusal),
    /// The browser keeps the session, and tries again later.
    Failed(Error),
}

impl Answer {
    /// These sessions are not bound.
    pub(super) fn not_served() -> Response<String> {
        Self::empty(StatusCode::NOT_FOUND)
    }

    pub(super) fn wrong_method() -> Response<String> {
        let mut response = Self::empty(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(ALLOW, POST);
        response
    }

    pub(super) fn response(
        &self,
        channel: &Channel,
        now: impl FnOnce() -> Timestamp,
    ) -> Response<String> {
        match self {
            Self::Bound { id, cookie, challenge } | Self::Refreshed { id, cookie, challenge } => {
                let mut response = Self::json(&instructions(*id, channel));
                if let CookieChange::Send { key, life } = cookie {
                    let cookie = channel.cookie.as_ref();
                    let at = now();
                    let set = cookie.and_then(|cookie| cookie.set_value(&key.text(), *life, at));
                    let lasting = Some(MARKER_LIFE);
                    let marker = channel.marker.as_ref();
                    let marker = marker.and_then(|marker| marker.set_value(b"1", lasting, at));
                    let bound = channel.device.as_ref().and_then(|device| {
                        device.marker.set_value(id.to_string().as_bytes(), lasting, at)
                    });
                    for set_cookie in [set, marker, bound].into_iter().flatten() {
                        response.headers_mut().append(SET_COOKIE, set_cookie);
                    }
                }
                with_challenge(response, challenge, *id)
            }
            Self::Challenge { id, challenge, .. } => {
                with_challenge(Self::empty(StatusCode::FORBIDDEN), challenge, *id)
            }
            Self::Over(id) => {
                Self::json(&json!({ "session_identifier": id.to_string(), "continue": false }))
            }
            Self::Refused(_, refusal @ (ProofRefusal::TooMany | ProofRefusal::Overtaken)) => {
                Self::failed(&Error::unavailable(refusal.as_str()))
            }
            Self::Refused(..) => Self::empty(StatusCode::BAD_REQUEST),
            Self::Failed(error) => Self::failed(error),
        }
    }

    /// Whether the browser forgets the session.
    pub(super) const fn is_end(&self) -> bool {
        match self {
            Self::Over(_) => true,
            Self::Refused(_, refusal) => {
                !matches!(refusal, ProofRefusal::TooMany | ProofRefusal::Overtaken)
            }
            Self::Bound { .. }
            | Self::Refreshed { .. }
            | Self::Challenge { .. }
            | Self::Failed(_) => false,
        }
    }

    /// Never a 4xx, which would end the session in the browser.
    fn failed(error: &Error) -> Response<String> {
        let status = Some(error.status()).filter(StatusCode::is_server_error);
        let mut response = Self::empty(status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE));
        if let Some((name, value)) = error.header() {
            response.headers_mut().insert(name, value);
        }
        response
    }

    fn json(value: &serde_json::Value) -> Response<String> {
        let mut response = Self::empty(StatusCode::OK);
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
        *response.body_mut() = value.to_string();
        response
    }

    fn empty(status: StatusCode) -> Response<String> {
        let mut response = Response::new(String::new());
        *response.status_mut() = status;
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        response.headers_mut().insert(RESOURCE_POLICY.clone(), SAME_ORIGIN);
        response
    }
}

/// The session instructions: which cookie is bound, and where it is refreshed.
fn instructions(id: PublicId, channel: &Channel) -> serde_json::Value {
    let cookie = channel.cookie.as_ref();
    json!({
        "session_identifier": id.to_string(),
        "refresh_url": channel.device.as_ref().map(|paths| &*paths.refresh),
        "scope": { "include_site": false },
        "allowed_refresh_initiators": ["*"],
        "credentials": [{
            "type": "cookie",
            "name": cookie.map(crate::http::Cookie::name),
            "attributes": cookie.map(crate::http::Cookie::attributes),
        }],
    })
}

fn with_challenge(
    mut response: Response<String>,
    challenge: &Challenge,
    id: PublicId,
) -> Response<String> {
    let text = format!("\"{}\";id=\"{id}\"", challenge.text());
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(CHALLENGE.clone(), value);
    }
    response
}
