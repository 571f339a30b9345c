//! The encrypted session that a handler works with.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::contents::Deadlines;
use super::cookie::EncryptedCookie;
use super::error::EncryptError;
use super::no_session::NoEncryptedSession;
use crate::http::ResponseHeaders;
use crate::time::Timestamp;
use crate::value::{DefaultKind, SessionValue};

/// The session in one request's encrypted cookie.
///
/// [`value`](EncryptedSession::value) returns its value, which is the default if there is no
/// session. **A change is kept only if the response carries
/// [`headers`](EncryptedSession::headers)**: there is no store.
///
/// ```
/// # use cloakroom::SessionMap;
/// # use cloakroom::encrypted_cookie::{EncryptedSessions, EncryptionKey, KeyRing};
/// # let ring = KeyRing::new(EncryptionKey::generate()?);
/// # let sessions: EncryptedSessions<SessionMap> = EncryptedSessions::new(ring)?;
/// # let request = http::HeaderMap::new();
/// # let mut response = http::HeaderMap::new();
/// let mut session = sessions.open(&request);
/// session.update(|map| map.insert("theme", &"dark"))??;
/// session.headers().apply_to(&mut response);
/// # assert!(response.contains_key("set-cookie"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # No principal
/// An encrypted session belongs to no principal, as nothing could be listed, limited or revoked.
/// Store who is signed in as a part of the value.
#[must_use = "a change is lost unless the response carries the session's headers"]
pub struct EncryptedSession<V, K = DefaultKind> {
    codec: Arc<EncryptedCookie<V>>,
    value: V,
    state: State,
    cookie: Pending,
    /// Removes the cookie in a former scope.
    former: Option<HeaderValue>,
    kind: PhantomData<fn() -> K>,
}

#[derive(Clone, Copy)]
enum State {
    Absent(NoEncryptedSession),
    Live(Deadlines),
}

/// What the response has to do to the cookie.
enum Pending {
    /// Nothing.
    Keep,
    /// Send the same value again.
    Reencrypt,
    Set(HeaderValue),
    Remove,
}

impl<V: SessionValue, K> EncryptedSession<V, K> {
    pub(super) fn live(
        codec: Arc<EncryptedCookie<V>>,
        value: V,
        deadlines: Deadlines,
        is_due: bool,
    ) -> Self {
        let cookie = if is_due { Pending::Reencrypt } else { Pending::Keep };
        Self {
            codec,
            value,
            state: State::Live(deadlines),
            cookie,
            former: None,
            kind: PhantomData,
        }
    }

    pub(super) fn absent(codec: Arc<EncryptedCookie<V>>, reason: NoEncryptedSession) -> Self {
        // A late response must not remove a newer cookie, so a dead one stays until a session
        // begins.
        let (value, state, cookie) = (V::default(), State::Absent(reason), Pending::Keep);
        Self { codec, value, state, cookie, former: None, kind: PhantomData }
    }

    pub(super) fn with_former_removal(mut self, former: Option<HeaderValue>) -> Self {
        self.former = former;
        self
    }

    /// The value; the default if there is no session.
    pub fn value(&self) -> &V {
        &self.value
    }

    /// True if there is a session.
    pub fn exists(&self) -> bool {
        !matches!(self.state, State::Absent(_))
    }

    /// Why there is no session; `None` if there is one.
    pub fn no_session(&self) -> Option<NoEncryptedSession> {
        match self.state {
            State::Absent(reason) => Some(reason),
            State::Live(_) => None,
        }
    }

    /// When the session began: with its first change, or with [`begin`](EncryptedSession::begin).
    ///
    /// Encrypting it again does not change this.
    ///
    /// An application that looks its users up anyway can refuse sessions that are older than the
    /// user's last password change. Without a store, that is the only way to sign a user out
    /// everywhere.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.deadlines().map(|deadlines| deadlines.issued_at)
    }

    /// How long the session lasts if it is not used again; zero if there is no session.
    pub fn expires_in(&self) -> Duration {
        let now = self.codec.clock.now();
        self.deadlines().map_or(Duration::ZERO, |deadlines| deadlines.expires_at().since(now))
    }

    /// Changes the value, and begins a session if there is none.
    ///
    /// If the value stays the same, nothing is sent.
    ///
    /// Unlike a stored session's `update`, this one knows nothing of other requests: of two
    /// concurrent changes, the response that arrives last wins, with the whole of its value.
    ///
    /// # Errors
    /// [`EncryptError`] if the cookie would have more than 4096 bytes, or cannot be written. The
    /// session is then as it was before.
    pub fn update<R>(&mut self, change: impl FnOnce(&mut V) -> R) -> Result<R, EncryptError> {
        let mut value = self.value.clone();
        let answer = change(&mut value);
        if value != self.value {
            let (now, lifetime) = (self.codec.clock.now(), &self.codec.lifetime);
            let deadlines = match self.state {
                State::Live(deadlines) => deadlines.used(lifetime, now),
                State::Absent(_) => Deadlines::begin(lifetime, now),
            };
            self.encrypt(value, deadlines)?;
        }
        Ok(answer)
    }

    /// Replaces the value; see [`update`](EncryptedSession::update).
    ///
    /// # Errors
    /// Those of [`update`](EncryptedSession::update).
    pub fn set(&mut self, value: V) -> Result<(), EncryptError> {
        self.update(|old| *old = value)
    }

    /// Begins a new session with this value, whatever was there before: for a sign-in.
    ///
    /// The cookie is sent even if the value is the same, and the timeouts start again.
    ///
    /// # Security
    /// Nothing of the old session is kept, so a cookie that an attacker planted before the sign-in
    /// is of no use to them (OWASP, "Renew the Session ID After Any Privilege Level Change"). The
    /// old cookie still opens the old session.
    ///
    /// # Errors
    /// Those of [`update`](EncryptedSession::update).
    pub fn begin(&mut self, value: V) -> Result<(), EncryptError> {
        let deadlines = Deadlines::begin(&self.codec.lifetime, self.codec.clock.now());
        self.encrypt(value, deadlines)
    }

    /// Makes this browser remove the session's cookie.
    ///
    /// # Security
    /// That is all it does. A copy of the cookie can be used until it expires, and so can this
    /// browser's if another response with a newer cookie is in flight. OWASP ("Session Expiration")
    /// requires that the server invalidates the session: use stored sessions for that.
    #[doc(alias = "clear")]
    #[doc(alias = "logout")]
    pub fn end(&mut self) {
        self.value = V::default();
        self.state = State::Absent(NoEncryptedSession::Ended);
        self.cookie = Pending::Remove;
    }

    /// The headers that the response must carry: `Set-Cookie` if the cookie must change, with
    /// `Cache-Control: no-store`, and always `Vary: Cookie`, since the request's cookie was read.
    ///
    /// Call it last. Without a change, the cookie is sent again when a tenth of the idle timeout
    /// has passed, and when an old key had encrypted it.
    pub fn headers(&self) -> ResponseHeaders {
        let cookie = match (&self.cookie, self.state) {
            (Pending::Set(cookie), _) => Some(cookie.clone()),
            (Pending::Remove, _) => self.codec.cookie.removal(),
            // If that fails, the client's cookie is still valid for the rest of its lifetime.
            (Pending::Reencrypt, State::Live(deadlines)) => {
                self.codec.encrypt(&self.value, deadlines).ok()
            }
            (Pending::Reencrypt, State::Absent(_)) | (Pending::Keep, _) => None,
        };
        let former = if cookie.is_none() { self.former.clone() } else { None };
        ResponseHeaders::encrypted_cookie(cookie, former)
    }

    fn encrypt(&mut self, value: V, deadlines: Deadlines) -> Result<(), EncryptError> {
        self.cookie = Pending::Set(self.codec.encrypt(&value, deadlines)?);
        self.state = State::Live(deadlines);
        self.value = value;
        Ok(())
    }

    fn deadlines(&self) -> Option<Deadlines> {
        match self.state {
            State::Absent(_) => None,
            State::Live(deadlines) => Some(deadlines),
        }
    }
}

/// Shows whether there is a session, never its value.
impl<V: SessionValue, K> fmt::Debug for EncryptedSession<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.no_session() {
            Some(reason) => write!(f, "EncryptedSession(none: {reason})"),
            None => f.write_str("EncryptedSession(..)"),
        }
    }
}
