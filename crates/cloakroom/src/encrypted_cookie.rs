//! Sessions in encrypted cookies: for applications that cannot have a store.
//!
//! ```no_run
//! # #[cfg(feature = "axum")] mod example {
//! use axum::{Router, response::IntoResponse, routing::get};
//! use cloakroom::encrypted_cookie::{
//!     EncryptError, EncryptedSession, EncryptedSessions, EncryptionKey, KeyRing,
//! };
//!
//! #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Visitor {
//!     visits: u64,
//! }
//!
//! async fn count(
//!     mut session: EncryptedSession<Visitor>,
//! ) -> Result<impl IntoResponse, EncryptError> {
//!     session.update(|visitor| visitor.visits += 1)?;
//!     let body = format!("Visit number {}", session.value().visits);
//!     Ok((session.headers(), body)) // without the headers, the change is lost
//! }
//!
//! # pub
//! async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//!     let key: EncryptionKey = std::env::var("SESSION_KEY")?.parse()?; // openssl rand -hex 32
//!     let sessions: EncryptedSessions<Visitor> = EncryptedSessions::new(KeyRing::new(key))?;
//!     let app = Router::new().route("/", get(count)).with_state(sessions);
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     Ok(axum::serve(listener, app).await?)
//! }
//! # }
//! ```
//!
//! No layer is needed: nothing is looked up, and a handler responds with the session's headers. If
//! the state has other parts, implement `FromRef` for the extractor, or take
//! `State<EncryptedSessions<Visitor>>` and call [`open`](EncryptedSessions::open), as with any
//! other server and any type of headers:
//!
//! ```
//! # use cloakroom::SessionMap;
//! # use cloakroom::encrypted_cookie::{KeyRing, EncryptedSessions, EncryptionKey};
//! # let ring = KeyRing::new(EncryptionKey::generate()?);
//! # let sessions: EncryptedSessions<SessionMap> = EncryptedSessions::new(ring)?;
//! let request = [("Host", "shop.example"), ("Cookie", "theme=dark")];
//! let mut session = sessions.open(&request);
//! session.update(|map| map.insert("city", &"Ghent"))??;
//! for (name, value) in session.headers().iter() {
//!     println!("{name}: {value:?}"); // set-cookie, vary, cache-control
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is guaranteed
//! The value can be neither read nor changed by anyone without the key. Both timeouts are stored
//! inside, so a cookie that is kept too long opens nothing. Keys can be rotated without signing
//! anyone out. A value that is too large for a browser is refused, with its size.
//!
//! # What cannot be guaranteed
//! No server remembers anything. **A session cannot be revoked, a logout only removes the cookie
//! from this browser, one of two concurrent changes is lost, and a client can return to any earlier
//! cookie until it expires.** So never store a balance, a count of attempts, a one-time token or a
//! right that can be taken away. `docs/encrypted-cookie.md` has the details. If a single file is
//! possible, the crate `cloakroom-sqlite` has none of these limits and needs nothing installed
//! either.

mod builder;
mod cipher;
mod contents;
mod cookie;
mod error;
mod key;
mod key_ring;
mod no_session;
mod request;
mod response;
mod session;
mod text;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub use builder::EncryptedSessionsBuilder;
pub use error::{EncryptError, EncryptErrorKind};
pub use key::{EncryptionKey, EncryptionKeyError};
pub use key_ring::KeyRing;
pub use no_session::NoEncryptedSession;
pub use session::EncryptedSession;

use crate::error::ConfigError;
use crate::http::{Headers, RequestMethod};
use crate::value::{DefaultKind, SessionKind, SessionValue};
use cookie::EncryptedCookie;
use request::RequestFacts;

/// The encrypted sessions of one kind, under one policy.
///
/// Cheap to clone.
///
/// `V` is the type of a session's value; `K` tells several kinds of session in one application
/// apart, each with a cookie of its own.
///
/// ```
/// # use cloakroom::SessionMap;
/// # use cloakroom::encrypted_cookie::{EncryptedSessions, EncryptionKey, KeyRing};
/// # use cloakroom::encrypted_cookie::NoEncryptedSession;
/// let key = EncryptionKey::generate()?; // for a test only: it is lost with the process
/// let sessions: EncryptedSessions<SessionMap> = EncryptedSessions::new(KeyRing::new(key))?;
///
/// let session = sessions.open(&[("Cookie", "__Host-id=forged")]);
/// assert_eq!(session.no_session(), Some(NoEncryptedSession::Unopened));
/// assert!(session.value().is_empty()); // it reads as `SessionMap::default()`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EncryptedSessions<V, K = DefaultKind> {
    codec: Arc<EncryptedCookie<V>>,
    kind: PhantomData<fn() -> K>,
}

impl<V: SessionValue, K: SessionKind> EncryptedSessions<V, K> {
    /// Sessions with the default policy: cookie `__Host-id`, 30 minutes idle, 12 hours in all.
    ///
    /// # Errors
    /// [`ConfigError`] if the kind's name is not a token.
    pub fn new(ring: KeyRing) -> Result<Self, ConfigError> {
        Self::builder(ring).build()
    }

    /// Sessions with a policy of your own.
    pub fn builder(ring: KeyRing) -> EncryptedSessionsBuilder<V, K> {
        EncryptedSessionsBuilder::new(ring)
    }

    fn of(codec: EncryptedCookie<V>) -> Self {
        Self { codec: Arc::new(codec), kind: PhantomData }
    }

    /// The session in a request's cookie.
    ///
    /// Without one that opens, the value is the default.
    ///
    /// This neither waits nor fails. At most sixteen cookies of the name are tried, and none of
    /// more than 4096 bytes. Of several that open, the one that was encrypted last counts.
    ///
    /// The headers do not tell the request's method. It is guessed from what browsers send; only
    /// [`open_with_method`](EncryptedSessions::open_with_method) knows a `HEAD`.
    pub fn open(&self, request: &(impl Headers + ?Sized)) -> EncryptedSession<V, K> {
        self.open_request(request, RequestMethod::Unknown, None)
    }

    /// The session in the cookie of a request with this method (`"POST"`); see
    /// [`open`](EncryptedSessions::open).
    ///
    /// A `HEAD` takes no [`Flash`](crate::Flash) messages and sends no cookie again, and a request
    /// from another site is treated by whether it can change something. axum's extractor tells the
    /// method.
    pub fn open_with_method(
        &self,
        request: &(impl Headers + ?Sized),
        method: &str,
    ) -> EncryptedSession<V, K> {
        self.open_request(request, RequestMethod::of(method), None)
    }

    /// The session of a request with this method, to this host if it is not in the headers.
    pub(crate) fn open_request(
        &self,
        request: &(impl Headers + ?Sized),
        method: RequestMethod,
        authority: Option<&str>,
    ) -> EncryptedSession<V, K> {
        let codec = Arc::clone(&self.codec);
        let facts = RequestFacts::of(request, method, authority);
        let mut found = codec.open(request);
        found.session = found.session.map_err(|reason| facts.reason(&codec, request, reason));
        EncryptedSession::new(codec, found, facts)
    }
}

/// False if `text` is parsed, as an envelope or as contents, into something whose text is another:
/// for fuzzing.
pub(crate) fn is_canonical_if_parsed(text: &[u8]) -> bool {
    let envelope_is_canonical =
        text::Envelope::parse(text).is_none_or(|envelope| envelope.to_text().as_bytes() == text);
    let contents = contents::Header::of_contents(text);
    envelope_is_canonical
        && contents.is_none_or(|(header, payload)| header.to_contents(payload) == text)
}

impl<V, K> Clone for EncryptedSessions<V, K> {
    fn clone(&self) -> Self {
        Self { codec: Arc::clone(&self.codec), kind: PhantomData }
    }
}

impl<V, K> fmt::Debug for EncryptedSessions<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedSessions")
            .field("ring", &self.codec.ring)
            .field("lifetime", &self.codec.lifetime)
            .finish_non_exhaustive()
    }
}
