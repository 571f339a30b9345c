//! Encrypted sessions, as a browser and an attacker see them.

mod cookie;
mod cross_site;
mod deadlines;
mod failures;
mod handlers;
mod hostile;
mod rotation;
mod several;
mod speculative;

use std::time::Duration;

use cloakroom::encrypted_cookie::{
    EncryptedSession, EncryptedSessions, EncryptedSessionsBuilder, EncryptionKey, KeyRing,
    NoEncryptedSession,
};
use cloakroom::{SessionKind, SessionValue};
use cloakroom_testkit::{ManualClock, SeededEntropy};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

const ORIGIN: &str = "https://shop.example/";
const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    name: String,
}

fn visitor(name: &str) -> Visitor {
    Visitor { name: name.to_owned() }
}

struct Admin;

impl SessionKind for Admin {
    const NAME: &'static str = "admin";
}

/// One of several keys: the same number gives the same key.
fn key(number: u8) -> EncryptionKey {
    let bytes: [u8; 32] =
        std::array::from_fn(|at| number.wrapping_mul(37).wrapping_add(u8::try_from(at).unwrap()));
    let text = bytes.map(|byte| format!("{byte:02x}")).concat();
    EncryptionKey::from_text(&text).unwrap()
}

fn ring() -> KeyRing {
    KeyRing::new(key(1))
}

fn builder<V: SessionValue>(ring: KeyRing, clock: &ManualClock) -> EncryptedSessionsBuilder<V> {
    EncryptedSessions::builder(ring).clock(clock.clone()).entropy(SeededEntropy::new(1))
}

fn sessions(clock: &ManualClock) -> EncryptedSessions<Visitor> {
    builder(ring(), clock).build().unwrap()
}

/// The headers of a request with these cookies.
fn with(cookies: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, HeaderValue::from_str(cookies).unwrap());
    headers
}

fn response<V: SessionValue, K>(session: &EncryptedSession<V, K>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    session.headers().apply_to(&mut headers);
    headers
}

/// The `name=value` that the response sets, as a browser would send it back.
fn sent<V: SessionValue, K>(session: &EncryptedSession<V, K>) -> Option<String> {
    let headers = response(session);
    let cookie = headers.get(SET_COOKIE)?.to_str().unwrap();
    Some(cookie.split(';').next().unwrap().to_owned())
}

/// The cookie of a new session whose value is `name`.
fn cookie_of(sessions: &EncryptedSessions<Visitor>, name: &str) -> String {
    let mut session = sessions.open(&HeaderMap::new());
    session.set(visitor(name)).unwrap();
    sent(&session).unwrap()
}

/// The response that begins a session whose value is `name`.
fn with_set_cookie(sessions: &EncryptedSessions<Visitor>, name: &str) -> HeaderMap {
    let mut session = sessions.open(&HeaderMap::new());
    session.set(visitor(name)).unwrap();
    response(&session)
}

fn no_session(sessions: &EncryptedSessions<Visitor>, cookies: &str) -> Option<NoEncryptedSession> {
    let session = sessions.open(&with(cookies));
    assert!(session.exists() || *session.value() == Visitor::default());
    session.no_session()
}
