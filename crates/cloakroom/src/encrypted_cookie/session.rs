//! What a handler holds.

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

/// One visitor's encrypted_cookie session, as one request brought it.
///
/// Reads go through `Deref`; a vacant session reads as `V::default()`. **What was changed is kept only if the response carries
/// [`headers`](EncryptedSession::headers)**: there is no store that could remember it.
///
/// ```
/// # use cloakroom::SessionMap;
/// # use cloakroom::encrypted_cookie::{KeyRing, EncryptedSessions, EncryptionKey};
/// # let sessions: EncryptedSessions<SessionMap> = EncryptedSessions::new(KeyRing::new(EncryptionKey::generate()?))?;
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
/// A encrypted_cookie session belongs to nobody that could be listed, limited or revoked. Who is signed in is a part of the value.
#[must_use = "what it changed is lost unless the response carries its headers"]
pub struct EncryptedSession<V, K = DefaultKind> {
    codec: Arc<EncryptedCookie<V>>,
    value: V,
    state: State,
    cookie: Pending,
    kind: PhantomData<fn() -> K>,
}

#[derive(Clone, Copy)]
enum State {
    Absent(NoEncryptedSession),
    Live(Deadlines),
}

/// What the visitor's cookie has to become.
enum Pending {
    /// Nothing new.
    Keep,
    /// The same value, encrypted_cookie anew.
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
        Self { codec, value, state: State::Live(deadlines), cookie, kind: PhantomData }
    }

    pub(super) fn absent(
        codec: Arc<EncryptedCookie<V>>,
        reason: NoEncryptedSession,
        is_navigation: bool,
    ) -> Self {
        let cookie =
            if reason.is_for_good() && is_navigation { Pending::Remove } else { Pending::Keep };
        Self { codec, value: V::default(), state: State::Absent(reason), cookie, kind: PhantomData }
    }

    /// The value; the default for a vacant session.
    pub fn value(&self) -> &V {
        &self.value
    }

    /// True if this request has a session.
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

    /// When the session began: with its first change, or with [`begin`](EncryptedSession::begin). However often it is encrypted_cookie anew, this stays.
    ///
    /// An application that looks its users up anyway can refuse a session that is older than the user's last password change,
    /// which is the only "log out everywhere" there can be without a store of sessions.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.deadlines().map(|deadlines| deadlines.issued_at)
    }

    /// How long the session lives if nobody uses it again; zero if it is vacant.
    pub fn expires_in(&self) -> Duration {
        let now = self.codec.clock.now();
        self.deadlines().map_or(Duration::ZERO, |deadlines| deadlines.expire_at().since(now))
    }

    /// Changes the value, and begins the session if it is vacant. An unchanged value changes nothing and sends nothing.
    ///
    /// Unlike a stored session's, this `update` knows nothing of other requests: of two at once, the response that arrives last
    /// wins, with the absolute_timeout of its value.
    ///
    /// # Errors
    /// [`EncryptError`] if the cookie would have more than 4096 bytes, or can't be written. The session is then as it was before.
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

    /// Puts `value` in the place of what is there; see [`update`](EncryptedSession::update).
    ///
    /// # Errors
    /// As `update`.
    pub fn set(&mut self, value: V) -> Result<(), EncryptError> {
        self.update(|old| *old = value)
    }

    /// Begins a new session with this value, whatever was there: for a sign-in. It is sent even if the value is the same,
    /// and its deadlines run from now.
    ///
    /// # Security
    /// Nothing of the old session is kept, so a encrypted_cookie cookie that somebody planted before the sign-in gains nothing by it
    /// (OWASP, "Renew the Session ID After Any Privilege EventLevel Change"). The old cookie still opens what it did before.
    ///
    /// # Errors
    /// As `update`.
    pub fn begin(&mut self, value: V) -> Result<(), EncryptError> {
        let deadlines = Deadlines::begin(&self.codec.lifetime, self.codec.clock.now());
        self.encrypt(value, deadlines)
    }

    /// Makes this browser forget the session.
    ///
    /// # Security
    /// That is all it does. Whoever copied the cookie can go on using it until it expires, and so does this browser if another
    /// response with a newer cookie is under way (OWASP, "Session Expiration", asks for a server that forgets: use stored sessions).
    #[doc(alias = "clear")]
    #[doc(alias = "logout")]
    pub fn end(&mut self) {
        self.value = V::default();
        self.state = State::Absent(NoEncryptedSession::Ended);
        self.cookie = Pending::Remove;
    }

    /// What the response must carry: `Set-Cookie` if the cookie must change, `Vary: Cookie` in any case, since the request's
    /// cookie was looked at, `Cache-Control: no-store` with a `Set-Cookie`.
    ///
    /// Ask for them last. Without a change a session is sent again when a tenth of its idle timeout has passed, and when an older key
    /// had encrypted_cookie it.
    pub fn headers(&self) -> ResponseHeaders {
        let cookie = match (&self.cookie, self.state) {
            (Pending::Set(cookie), _) => Some(cookie.clone()),
            (Pending::Remove, _) => self.codec.cookie.removal(),
            // Where that fails, the visitor's cookie is still good for what is left of it.
            (Pending::Reencrypt, State::Live(deadlines)) => {
                self.codec.encrypt(&self.value, deadlines).ok()
            }
            (Pending::Reencrypt, State::Absent(_)) | (Pending::Keep, _) => None,
        };
        ResponseHeaders::encrypted_cookie(cookie)
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

/// Whether there is a session, never what it carries.
impl<V: SessionValue, K> fmt::Debug for EncryptedSession<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.no_session() {
            Some(reason) => write!(f, "EncryptedSession(vacant: {reason})"),
            None => f.write_str("EncryptedSession(..)"),
        }
    }
}
