//! Keys and cookies as browsers send and receive them.
#![expect(clippy::unnecessary_wraps, reason = "functions that prepare a case have one type")]

use cloakroom::key::{KindTag, Secret};
use cloakroom::{Io, Key, MemoryStore, PublicId, SessionMap, Sessions};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::Prepared;
use crate::Failure;
use crate::overhead::case::{STRANGER, cookies};

fn key() -> Key {
    Key::new(PublicId::from_bytes([0xA5; 16]), Secret::from_bytes([0x5A; 16]))
}

fn key_text() -> String {
    key().expose()
}

pub(super) fn key_to_text() -> Result<Prepared, Failure> {
    let key = key();
    Ok(Prepared::new(key.expose().len(), move || key.expose()))
}

pub(super) fn key_from_text() -> Result<Prepared, Failure> {
    let text = key_text();
    Ok(Prepared::new(text.len(), move || Key::from_text(text.as_bytes())))
}

pub(super) fn verifier() -> Result<Prepared, Failure> {
    let (key, kind) = (key(), KindTag::of(""));
    Ok(Prepared::new(32, move || key.verifier(kind)))
}

/// `Set-Cookie`, `Cache-Control` and `Vary`, as they go into a response.
pub(super) fn response_headers() -> Result<Prepared, Failure> {
    let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    let session =
        Io::future(async move { sessions.generate(SessionMap::default()).await }).wait()?;
    let make = move || {
        let mut response = HeaderMap::new();
        session.headers().apply_to(&mut response);
        response
    };
    let bytes = make().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    Ok(Prepared::new(bytes, make))
}

/// A request that begins and ends no session, from its headers to the response's.
fn request(cookies: Option<HeaderValue>) -> Result<Prepared, Failure> {
    let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    let mut request = HeaderMap::new();
    let bytes = cookies.as_ref().map_or(0, HeaderValue::len);
    if let Some(cookies) = cookies {
        request.insert(COOKIE, cookies);
    }
    Ok(Prepared::new(bytes, move || {
        let request_session = sessions.request_session();
        // The memory store answers at once.
        let session = ready(request_session.session(&request));
        let mut response = HeaderMap::new();
        request_session.finish(&mut response);
        (session, response)
    }))
}

/// The output of a future that is ready when first polled.
fn ready<F: Future>(future: F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

pub(super) fn request_without_header() -> Result<Prepared, Failure> {
    request(None)
}

pub(super) fn request_without_key() -> Result<Prepared, Failure> {
    request(Some(HeaderValue::from_static(STRANGER)))
}

pub(super) fn request_with_key() -> Result<Prepared, Failure> {
    request(Some(cookies(&key_text())?))
}
