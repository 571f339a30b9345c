//! The operations of cloakroom.

use std::sync::Arc;

use cloakroom::key::{KindTag, Secret};
use cloakroom::record::Stored;
use cloakroom::{Io, Key, MemoryStore, PublicId, SessionMap, Sessions, Store as _};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::{Case, Prepared};
use crate::Failure;
use crate::overhead::case::{STRANGER, cookies};
use crate::visitor::Visitor;

pub const RECORD_TO_BYTES: &str = "record to bytes";
pub const RECORD_WITH_VALUE: &str = "record from bytes, value decoded";
pub const KEY_TO_TEXT: &str = "key to text";
pub const KEY_FROM_TEXT: &str = "key from text";
pub const REQUEST_WITHOUT_KEY: &str = "Cookie header without a key";
pub const REQUEST_WITH_UNKNOWN_KEY: &str = "Cookie header with an unknown key";

const RECORD_WITHOUT_VALUE: &str = "record from bytes, value not decoded";
const OURS: &str = "cloakroom";
const WHOLE_REQUEST: &str = "cloakroom, whole request";

pub const CASES: [Case; 10] = [
    Case::new(RECORD_TO_BYTES, OURS, || {
        let stored = stored()?;
        Ok(Prepared::new(stored.to_bytes()?.len(), move || stored.to_bytes()))
    }),
    Case::new(RECORD_WITHOUT_VALUE, OURS, || {
        let bytes = stored()?.to_bytes()?;
        Ok(Prepared::new(bytes.len(), move || Stored::from_bytes(&bytes)))
    }),
    Case::new(RECORD_WITH_VALUE, OURS, || {
        let bytes = stored()?.to_bytes()?;
        Ok(Prepared::new(bytes.len(), move || {
            let stored = Stored::from_bytes(&bytes).ok()?;
            let Stored::Live(record) = &stored else { return None };
            let payload = record.payload().to_bytes().ok()??;
            // Two bytes name the value's format.
            let visitor: Visitor = serde_json::from_slice(payload.get(2..)?).ok()?;
            Some((stored, visitor))
        }))
    }),
    Case::new(KEY_TO_TEXT, OURS, || {
        let key = key();
        Ok(Prepared::new(key.expose().len(), move || key.expose()))
    }),
    Case::new(KEY_FROM_TEXT, OURS, || {
        let text = key().expose();
        Ok(Prepared::new(text.len(), move || Key::from_text(text.as_bytes())))
    }),
    Case::new("key to verifier (SHA-256)", OURS, || {
        let (key, kind) = (key(), KindTag::of(""));
        Ok(Prepared::new(32, move || key.verifier(kind)))
    }),
    // `Set-Cookie`, `Cache-Control` and `Vary`, as they go into a response.
    Case::new("response headers of a session", OURS, || {
        let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
        let value = SessionMap::default();
        let session = Io::future(async move { sessions.generate(value).await }).wait()?;
        let make = move || {
            let mut response = HeaderMap::new();
            session.headers().apply_to(&mut response);
            response
        };
        let bytes = make().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        Ok(Prepared::new(bytes, make))
    }),
    Case::new(REQUEST_WITHOUT_KEY, WHOLE_REQUEST, || {
        request(Some(HeaderValue::from_static(STRANGER)))
    }),
    Case::new(REQUEST_WITH_UNKNOWN_KEY, WHOLE_REQUEST, || request(Some(cookies(&key().expose())?))),
    Case::new("no Cookie header", WHOLE_REQUEST, || request(None)),
];

fn visitor() -> Visitor {
    Visitor { visits: 7, ..Visitor::new(1_234_567) }
}

/// A session with a typed value, as a store is given it.
fn stored() -> Result<Stored, Failure> {
    let store = Arc::new(MemoryStore::new());
    let sessions: Sessions<Visitor> = Sessions::new(Arc::clone(&store))?;
    let session = Io::future(async move { sessions.generate(visitor()).await }).wait()?;
    let id = session.id().ok_or("a new session has no id")?;
    store.get(id).wait()?.ok_or_else(|| "a new session is not in the store".into())
}

fn key() -> Key {
    Key::new(PublicId::from_bytes([0xA5; 16]), Secret::from_bytes([0x5A; 16]))
}

/// A request that begins and ends no session, from its headers to the response's.
fn request(cookies: Option<HeaderValue>) -> Result<Prepared, Failure> {
    let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    let bytes = cookies.as_ref().map_or(0, HeaderValue::len);
    let request: HeaderMap = cookies.map(|cookies| (COOKIE, cookies)).into_iter().collect();
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
