//! EncryptedSession sessions: the value itself in the visitor's cookie, encrypted. For those who can have no store.
//!
//! ```no_run
//! # #[cfg(feature = "axum")] mod example {
//! use axum::{Router, response::IntoResponse, routing::get};
//! use cloakroom::encrypted_cookie::{KeyRing, EncryptError, EncryptedSession, EncryptedSessions, EncryptionKey};
//!
//! #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Visitor {
//!     visits: u64,
//! }
//!
//! async fn count(mut session: EncryptedSession<Visitor>) -> Result<impl IntoResponse, EncryptError> {
//!     let visits = session.update(|visitor| { visitor.visits += 1; visitor.visits })?;
//!     Ok((session.headers(), format!("Visit number {visits}"))) // without its headers nothing is kept
//! }
//!
//! # pub
//! async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//!     let key: EncryptionKey = std::env::var("SESSION_KEY")?.parse()?; // openssl rand -hex 32
//!     let sessions: EncryptedSessions<Visitor> = EncryptedSessions::new(KeyRing::new(key))?;
//!     let app = Router::new().route("/", get(count)).with_state(sessions);
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! # }
//! ```
//!
//! No layer is needed: nothing is looked up, and a handler answers with the session's headers. In a larger state, give the
//! extractor its part with `FromRef`, or take `State<EncryptedSessions<Visitor>>` and call [`open`](EncryptedSessions::open), as any
//! other server does with whatever it keeps headers in:
//!
//! ```
//! # use cloakroom::SessionMap;
//! # use cloakroom::encrypted_cookie::{KeyRing, EncryptedSessions, EncryptionKey};
//! # let sessions: EncryptedSessions<SessionMap> = EncryptedSessions::new(KeyRing::new(EncryptionKey::generate()?))?;
//! let request = [("Host", "shop.example"), ("Cookie", "theme=dark")];
//! let mut session = sessions.open(&request);
//! session.update(|map| map.insert("city", &"Ghent"))??;
//! for (name, value) in session.headers().iter() {
//!     println!("{name}: {value:?}"); // set-cookie, vary, cache-control
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds
//! Nobody reads or changes what is encrypted_cookie. Both timeouts stand inside, so a cookie that is kept longer than it should be opens nothing.
//! Keys are replaced without anybody noticing. A value that no browser would keep is refused with its size, before it is lost.
//!
//! # What can't hold
//! There is no server that remembers. **A session can't be revoked, a logout makes only this browser forget, of two changes at
//! once one is lost, and the visitor may go back to any earlier cookie until it expires.** Never encrypt a balance, a counter of
//! tries, a one-time token or a right that may be taken back. `docs/encrypted_cookie.md` is the absolute_timeout account, law by law; where one file is
//! possible, crate `cloakroom-sqlite` keeps all the laws and needs nothing installed either.

mod builder;
mod cipher;
mod contents;
mod cookie;
mod error;
mod key;
mod key_ring;
mod no_session;
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
use crate::http::Headers;
use crate::http::is_navigation;
use crate::value::{DefaultKind, SessionKind, SessionValue};
use cookie::EncryptedCookie;

/// Opens and seals the sessions of one kind, by one policy. Cheap to clone.
///
/// `V` is what a session carries; `K` tells several kinds of session in one application apart, each with its own cookie.
///
/// ```
/// # use cloakroom::SessionMap;
/// # use cloakroom::encrypted_cookie::{KeyRing, EncryptedSessions, NoEncryptedSession, EncryptionKey};
/// let key = EncryptionKey::generate()?; // for a test: a server reads its key, or every restart signs everybody out
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
    /// Sessions by the default policy: cookie `__Host-id`, 30 minutes idle, 12 hours in all.
    ///
    /// # Errors
    /// [`ConfigError`] if the kind's name is no token.
    pub fn new(ring: KeyRing) -> Result<Self, ConfigError> {
        Self::builder(ring).build()
    }

    /// Sessions by a policy of your own.
    pub fn builder(ring: KeyRing) -> EncryptedSessionsBuilder<V, K> {
        EncryptedSessionsBuilder::new(ring)
    }

    fn of(codec: EncryptedCookie<V>) -> Self {
        Self { codec: Arc::new(codec), kind: PhantomData }
    }

    /// The session that a request carries: vacant, with the default value, if it carries none that opens. Nothing is waited for,
    /// and no input fails.
    ///
    /// At most four cookies of the name are tried, and none of more than 4096 bytes.
    pub fn open(&self, request: &(impl Headers + ?Sized)) -> EncryptedSession<V, K> {
        let codec = Arc::clone(&self.codec);
        match codec.open(request) {
            Ok(opened) => {
                EncryptedSession::live(codec, opened.value, opened.deadlines, opened.is_due)
            }
            Err(reason) => EncryptedSession::absent(codec, reason, is_navigation(request)),
        }
    }
}

/// False if `text` is read as a encrypted_cookie session whose text is another: what fuzzing is after, both in the encrypt and in its contents.
pub(crate) fn is_read_as_its_only_text(text: &[u8]) -> bool {
    let read =
        text::Envelope::parse(text).is_none_or(|envelope| envelope.to_text().as_bytes() == text);
    let contents = contents::Deadlines::of_contents(text);
    read && contents.is_none_or(|(deadlines, payload)| deadlines.to_contents(payload) == text)
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
