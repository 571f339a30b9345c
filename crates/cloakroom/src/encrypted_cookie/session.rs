//! The encrypted session that a handler works with.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::contents::Deadlines;
use super::cookie::{EncryptedCookie, FoundCookies, OpenedCookie};
use super::error::EncryptError;
use super::no_session::NoEncryptedSession;
use super::request::RequestFacts;
use super::response::Pending;
use crate::time::Timestamp;
use crate::value::flash::kept_if;
use crate::value::{DefaultKind, Payload, SessionValue};

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
    pub(super) codec: Arc<EncryptedCookie<V>>,
    pub(super) value: V,
    /// The value as the cookie holds it.
    pub(super) payload: Payload,
    pub(super) state: State,
    pub(super) cookie: Pending,
    pub(super) request: RequestFacts,
    /// When the cookie that was read was encrypted.
    pub(super) encrypted_at: Timestamp,
    /// True if the response can remove a cookie in a former scope.
    pub(super) clears_former: bool,
    kind: PhantomData<fn() -> K>,
}

#[derive(Clone, Copy)]
pub(super) enum State {
    Absent(NoEncryptedSession),
    Live(Deadlines),
}

impl<V: SessionValue, K> EncryptedSession<V, K> {
    pub(super) fn new(
        codec: Arc<EncryptedCookie<V>>,
        found: FoundCookies<V>,
        request: RequestFacts,
    ) -> Self {
        let FoundCookies { session, encrypted_at, clears_former } = found;
        let (value, payload, state, cookie) = match session {
            Ok(OpenedCookie { value, payload, deadlines, is_due })
                if is_due && !request.is_speculative =>
            {
                let deadlines = deadlines.used(&codec.lifetime, codec.clock.now());
                (value, payload, State::Live(deadlines), Pending::Reencrypt)
            }
            Ok(OpenedCookie { value, payload, deadlines, .. }) => {
                (value, payload, State::Live(deadlines), Pending::Keep)
            }
            // A late response must not remove a newer cookie, so a dead one stays until a session
            // begins.
            Err(reason) => (V::default(), Payload::unset(), State::Absent(reason), Pending::Keep),
        };
        Self {
            codec,
            value,
            payload,
            state,
            cookie,
            request,
            encrypted_at,
            clears_former,
            kind: PhantomData,
        }
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
    /// In a request that shows its user nothing, or perhaps nothing (`HEAD`, or a prefetch with
    /// `Sec-Purpose`), no [`Flash`](crate::Flash) messages are taken.
    ///
    /// # Errors
    /// [`EncryptError`] if the cookie would have more than 4096 bytes, or cannot be written, or if
    /// a session would begin in a request that another site started
    /// ([`NoEncryptedSession::Withheld`]). The session is then as it was before.
    pub fn update<R>(&mut self, change: impl FnOnce(&mut V) -> R) -> Result<R, EncryptError> {
        let mut value = self.value.clone();
        let answer = kept_if(self.request.is_speculative, || change(&mut value));
        if value != self.value {
            let (now, lifetime) = (self.codec.clock.now(), &self.codec.lifetime);
            let deadlines = match self.state {
                State::Live(deadlines) => deadlines.used(lifetime, now),
                State::Absent(_) => Deadlines::begin(lifetime, now),
            };
            let payload = self.codec.encode(&value, &self.payload)?;
            self.encrypt(value, payload, deadlines)?;
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
    /// A form on another site could sign its visitors in as the attacker, so this fails in a
    /// request that another site started with a method that can change something, even if it
    /// carries a cookie. [`begin_cross_site`](EncryptedSession::begin_cross_site) lifts that.
    ///
    /// # Errors
    /// Those of [`update`](EncryptedSession::update), and
    /// [`CrossSite`](super::EncryptErrorKind::CrossSite).
    pub fn begin(&mut self, value: V) -> Result<(), EncryptError> {
        if self.request.is_login_forged() {
            return Err(EncryptError::cross_site());
        }
        let deadlines = Deadlines::begin(&self.codec.lifetime, self.codec.clock.now());
        let payload = self.codec.encode(&value, &Payload::unset())?;
        self.encrypt(value, payload, deadlines)
    }

    /// Lets a session begin in a request that another site started, although the browser may have
    /// kept the cookie of an existing one back: for forms on partners' pages that land on yours.
    ///
    /// # Security
    /// A session that begins then replaces the one that the browser may have, with its whole value.
    /// Another site can sign your users out, or in as someone else.
    pub fn begin_cross_site(&mut self) {
        self.request.verify();
        if let State::Absent(reason @ NoEncryptedSession::Withheld) = &mut self.state {
            *reason = NoEncryptedSession::NoCookie;
        }
    }

    /// Makes this browser remove the session's cookie.
    ///
    /// If the policy names [former scopes](crate::CookiePolicy::formerly), the browser may have a
    /// cookie there that would open the session again. The session's cookie is then replaced by one
    /// that says only that the session was ended, and the next responses remove the others.
    ///
    /// Nothing happens if the browser may have kept the cookie back
    /// ([`NoEncryptedSession::Withheld`]): another site could sign its visitors out.
    ///
    /// # Security
    /// That is all it does. A copy of the cookie can be used until it expires, and so can this
    /// browser's if another response with a newer cookie is in flight. OWASP ("Session Expiration")
    /// requires that the server invalidates the session: use stored sessions for that.
    #[doc(alias = "clear")]
    #[doc(alias = "logout")]
    pub fn end(&mut self) {
        if self.is_withheld() {
            return;
        }
        (self.value, self.payload) = (V::default(), Payload::unset());
        self.state = State::Absent(NoEncryptedSession::Ended);
        let ended = self.codec.encrypt_end(self.encrypted_at);
        self.cookie = ended.map_or(Pending::Remove, Pending::SetEnded);
    }

    fn encrypt(
        &mut self,
        value: V,
        payload: Payload,
        deadlines: Deadlines,
    ) -> Result<(), EncryptError> {
        if self.is_withheld() {
            return Err(EncryptError::cross_site());
        }
        self.cookie = Pending::Set(self.codec.encrypt(&payload, deadlines, self.encrypted_at)?);
        self.state = State::Live(deadlines);
        (self.value, self.payload) = (value, payload);
        Ok(())
    }

    fn is_withheld(&self) -> bool {
        matches!(self.state, State::Absent(NoEncryptedSession::Withheld))
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
