//! The session that a handler works with.

mod csrf;
mod detached;
mod device;
mod lifetime;
mod map;
mod other_sessions;
#[expect(
    clippy::inline_always,
    reason = "each request goes through here: inlining saves 2 % of its instructions"
)]
#[expect(clippy::result_large_err, reason = "an operation that waits is moved once")]
mod request;
#[expect(
    clippy::inline_always,
    reason = "each request goes through here: inlining saves 2 % of its instructions"
)]
mod update;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

pub use csrf::CsrfToken;
pub use detached::{DetachedSession, ParseGrantError, SessionGrant};
use request::OpenedSession;
pub(crate) use request::RequestState;

use crate::error::{Error, ErrorKind};
use crate::http::ResponseHeaders;
use crate::key::{Key, PublicId};
pub use crate::manager::Summary;
use crate::manager::{LoadedSession, Manager, SessionState};
use crate::observe::Event;
use crate::policy::{Assurance, ClientInfo, Lifetime, Login, Principal};
use crate::protocol::NoSession;
use crate::protocol::steps::{
    self, Deadlines, End, FormerKey, NoEdit, Renew, SetValue, Start, Write,
};
use crate::time::Timestamp;
use crate::value::{DefaultKind, SessionKind, SessionValue};

/// A client's session: read it through `&`, change it through `&mut`.
///
/// [`value`](Session::value) returns the value as this handle last saw it. A change is in the store
/// once its method has returned `Ok`. A request without a session gets a handle too: its value is
/// the default, and the first change creates the session. All handles of one request share one
/// session: each sees what the others did before it acts.
///
/// # Cancellation
/// Any of these futures can be dropped at any point. The operation then happens completely or not
/// at all. If it was to send a new key, the client can be left without it; there are never two
/// valid keys.
///
/// ```
/// # use cloakroom::{Lifetime, MemoryStore, Principal, Sessions};
/// # cloakroom::Io::future(async {
/// #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
///
/// let sessions: Sessions<Cart> = Sessions::new(MemoryStore::new())?;
/// let mut session = sessions.generate(Cart::default()).await?;
/// let count = session
///     .update(|cart| {
///         cart.items.push("hat".into());
///         cart.items.len()
///     })
///     .await?;
/// assert_eq!((count, session.value().items.len()), (1, 1));
///
/// session.login(&Principal::new("user-42")?).await?; // a fresh key; the old one is invalid
/// session.logout().await?;
/// assert!(!session.exists());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
#[must_use = "an unused `Session` costs a store read for nothing"]
pub struct Session<V: SessionValue, K: SessionKind = DefaultKind> {
    request: Arc<RequestState<V>>,
    /// What this handle saw last: the references that it lends point here.
    seen: SessionState<V>,
    modified: bool,
    kind: PhantomData<fn() -> K>,
}

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// A handle on the request's session, as far as it is known.
    pub(crate) fn of(request: Arc<RequestState<V>>) -> Self {
        let seen = request.session();
        Self { request, seen, modified: false, kind: PhantomData }
    }

    /// A handle on the session that was just opened.
    pub(crate) fn opened(request: Arc<RequestState<V>>, opened: OpenedSession<V>) -> Self {
        Self { request, seen: opened.session, modified: false, kind: PhantomData }
    }

    /// The value, as this handle last saw it; the default if there is no session.
    ///
    /// It cannot be changed here, only by [`update`](Session::update).
    pub fn value(&self) -> &V {
        let typed_value = self.loaded().and_then(|loaded| loaded.value.as_ref());
        &typed_value.unwrap_or(&self.manager().default_value).value
    }

    /// True if there is a session: it was created and has not ended or expired, as far as this
    /// handle knows.
    pub fn exists(&self) -> bool {
        self.loaded().is_some()
    }

    /// True if the session has a value.
    pub(crate) fn is_set(&self) -> bool {
        self.loaded().is_some_and(|loaded| loaded.value.is_some())
    }

    /// Why no session can begin in place of the one that is missing, if that is so.
    pub(crate) fn beginning_refused(&self) -> Option<Error> {
        match &self.seen {
            SessionState::Former(FormerKey { why: NoSession::Superseded, .. }) => {
                Some(Error::new(ErrorKind::Superseded))
            }
            SessionState::Former(FormerKey { why: NoSession::Unreadable, .. }) => {
                Some(Error::unreadable())
            }
            SessionState::Former(FormerKey { why: NoSession::ProofNeeded, .. })
            | SessionState::Absent(NoSession::ProofNeeded) => Some(Error::proof_needed()),
            SessionState::Absent(NoSession::Withheld) => Some(Error::new(ErrorKind::CrossSite)),
            _ => None,
        }
    }

    /// Why there is no session; `None` if there is one.
    ///
    /// Only a client whose key was once valid gets [`NoSession::Ended`] with its reason, so the
    /// page can show it.
    pub fn no_session(&self) -> Option<NoSession> {
        self.seen.no_session()
    }

    /// The public id of the session.
    pub fn id(&self) -> Option<PublicId> {
        self.loaded().map(LoadedSession::id)
    }

    /// The key that opens the session; `None` outside a request ([`DetachedSession`]).
    ///
    /// # Security
    /// Only the client may have it. Give [`Key::expose`] to a bearer client in the response to its
    /// sign-in.
    pub fn key(&self) -> Option<&Key> {
        self.loaded().and_then(LoadedSession::key)
    }

    /// Who is signed in.
    pub fn principal(&self) -> Option<&Principal> {
        self.loaded().and_then(|loaded| loaded.record.principal())
    }

    /// When the user last signed in, or signed in again, on this session.
    #[doc(alias = "signed_in")]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.loaded().and_then(|loaded| loaded.record.authenticated_at())
    }

    /// How strong that sign-in was, as its [`Login`] said; the lowest level if no one is signed in.
    pub fn assurance(&self) -> Assurance {
        self.loaded().map_or_else(Assurance::default, |loaded| loaded.record.assurance())
    }

    /// What is recorded about the client, if there is a session.
    pub fn client(&self) -> Option<&ClientInfo> {
        self.loaded().map(|loaded| loaded.record.client())
    }

    /// The lifetime of this session, or the one it would be created with.
    pub fn lifetime(&self) -> Lifetime {
        self.loaded().map_or_else(|| self.manager().lifetime(), |loaded| *loaded.record.lifetime())
    }

    /// How long the session lasts if it is not used again; zero if there is no session.
    ///
    /// Uses are recorded once per tenth of the idle timeout, so this can be short by up to that
    /// much.
    #[doc(alias = "expiry_period")]
    pub fn expires_in(&self) -> Duration {
        let now = self.manager().now();
        self.loaded().map_or(Duration::ZERO, |loaded| loaded.record.expires_at().since(now))
    }

    /// True once this handle has changed the session.
    #[doc(alias = "modified")]
    pub fn is_modified(&self) -> bool {
        self.modified
    }

    /// The headers that the response must carry for this session, as it is now.
    ///
    /// The call can be repeated. With [`SessionLayer`](crate::SessionLayer) it is not needed.
    #[doc(alias = "to_cookie_hdrs")]
    pub fn headers(&self) -> ResponseHeaders {
        self.request.headers()
    }

    /// Changes the value, and returns what the closure returned once the change is in the store.
    ///
    /// If another writer was first, the closure runs again on the new value, so no concurrent
    /// update is lost; it should do nothing but change the value. If it leaves the value as it was,
    /// nothing is written.
    ///
    /// The closure cannot await anything. Await what the change needs first, and let the closure
    /// judge the value as it is then.
    ///
    /// # Errors
    /// `NotFound` if the session has ended, `Superseded` if its key was replaced, `Conflict` if
    /// other writers won for 10 seconds, `Unavailable`, `Unreadable`, `Unfit`. If a session would
    /// have to be created: `HeadersSent` after the response head was sent, and `CrossSite` in a
    /// request that another site started.
    pub async fn update<R>(
        &mut self,
        mut change: impl FnMut(&mut V) -> R, // cannot be `async`: await first, `update` then
    ) -> Result<R, Error> {
        match self.try_update(|value| Ok::<R, std::convert::Infallible>(change(value))).await? {
            Ok(result) => Ok(result),
            Err(never) => match never {},
        }
    }

    /// Changes the value unless the closure fails: then its error is returned and nothing is
    /// written.
    ///
    /// # Errors
    /// The outer error is one of [`update`](Session::update)'s; the inner one is the closure's own.
    pub async fn try_update<R, E>(
        &mut self,
        change: impl FnMut(&mut V) -> Result<R, E>, // cannot be `async`: see `update`
    ) -> Result<Result<R, E>, Error> {
        self.run(|session| Write::new(session, update::Update(change))).await
    }

    /// Replaces the value, whatever it is.
    ///
    /// The session keeps the lifetime that it was given when it began, at sign-in or by
    /// [`set_lifetime`](Session::set_lifetime). An explicit expiry is over with this call: the idle
    /// timeout counts again, from now.
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn set(&mut self, value: V) -> Result<(), Error> {
        let value = self.manager().typed_value(value);
        self.run(|session| Write::new(session, SetValue { value, expiry: None })).await
    }

    /// Replaces the value and makes the session end exactly `expiry` from now, in one write; see
    /// [`extend`](Session::extend).
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn set_for(&mut self, value: V, expiry: Duration) -> Result<(), Error> {
        if expiry.is_zero() {
            return self.end().await;
        }
        let value = self.manager().typed_value(value);
        let plan = SetValue { value, expiry: Some(expiry) };
        self.run(|session| Write::new(session, plan)).await
    }

    /// Makes the session end exactly `expiry` from now, sooner or later than it would have.
    ///
    /// From then on, no use and no idle timeout moves its end, until [`set`](Session::set) or
    /// another expiry does. The session's absolute timeout ends it all the same: for a longer
    /// session, give it another [lifetime](Session::set_lifetime). Zero ends it now. If the cookie
    /// would end before the session, the key is renewed in the same write. The value is left as it
    /// is.
    ///
    /// # Errors
    /// `NotFound` if there is no session, and those of [`update`](Session::update).
    pub async fn extend(&mut self, expiry: Duration) -> Result<(), Error> {
        if expiry.is_zero() {
            return self.end().await;
        }
        self.run(|session| Write::new(session, Deadlines::Exactly(expiry))).await
    }

    /// Creates the session now, with the default value; a session that exists is left alone.
    ///
    /// # Errors
    /// `Superseded`, `HeadersSent`, `Unavailable`, `Unreadable`, `Unfit`; `CrossSite` if another
    /// site started the request; `NotFound` if this request has ended the session.
    pub async fn start(&mut self) -> Result<(), Error> {
        let value = Some(Arc::clone(&self.manager().default_value));
        let plan = Start { value, lifetime: self.manager().lifetime() };
        self.run(|session| Write::new(session, plan)).await
    }

    /// Ends the session: its key opens nothing from now on, and the browser is told to remove the
    /// cookie.
    ///
    /// If the request presented keys of other sessions, too, as with two cookies of one name, those
    /// are ended as well.
    ///
    /// Nothing revives it: a request in flight that writes later is refused. Without a session,
    /// nothing is ended. This handle can write nothing more; after [`logout`](Session::logout) it
    /// can.
    ///
    /// # Errors
    /// `Unavailable` and `Unreadable` (the session may still be live: try again), `Superseded`;
    /// `CrossSite` if another site started the request.
    #[doc(alias = "clear")]
    #[doc(alias = "destroy")]
    #[doc(alias = "invalidate")]
    pub async fn end(&mut self) -> Result<(), Error> {
        let others = self.request.others();
        let ended = self.run(|session| End::for_good(session, others)).await;
        ended.map(|()| self.request.note_sign_out())
    }

    /// Signs the user out: ends the session, and lets the next change create a new one.
    ///
    /// # Errors
    /// Those of [`end`](Session::end).
    pub async fn logout(&mut self) -> Result<(), Error> {
        let others = self.request.others();
        let ended = self.run(|session| End::logout(session, others)).await;
        ended.map(|()| self.request.note_sign_out())
    }

    /// Signs a user in, under a fresh key: from now on the old one opens and writes nothing.
    ///
    /// Takes a `&Principal`, or a [`Login`] with more details. The value stays, unless another
    /// principal was signed in: that session is ended and a new one created. Both timeouts start
    /// again.
    ///
    /// A sign-in that is sent twice, as by a double click or after a lost response, leads to the
    /// same key within a minute. A client that presents an older key of the session signs in on it
    /// again, if the same principal was signed in. If the session has ended, a new one is created.
    ///
    /// # Errors
    /// `HeadersSent`, `Unavailable`, `Conflict`, `TooManySessions`, `LoginRevoked`; `Superseded` if
    /// it was sent twice and the browser has bound the session since; `CrossSite` if
    /// another site sent the request and the `Login` does not say that this was
    /// [checked](Login::cross_site_verified); `NoBearer`. In each case, no one is signed in.
    #[doc(alias = "regenerate")]
    pub async fn login(
        &mut self,
        login: impl Into<Login>, // `&Principal::new("alice")?`, or a `Login`
    ) -> Result<(), Error> {
        let (login, presented) = (login.into(), self.request.presented());
        let principal = login.principal.clone();
        self.run(|session| steps::Login::new(session, presented, login, NoEdit)).await?;
        self.request.note_sign_in();
        self.end_others(principal).await;
        Ok(())
    }

    /// Signs a user in and changes the value in the same write: for what a user has in the
    /// database, such as a cart, or for what must be removed when the principal changes.
    ///
    /// The closure changes the value that the session has then: the default, if a new session is
    /// created. If another writer was first, it runs again on the new value, and a sign-in that is
    /// sent twice runs it twice: let it set or merge, not add.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, Principal, SessionMap, Sessions};
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// # let mut session = sessions.generate(SessionMap::default()).await?;
    /// let alice = Principal::new("alice")?;
    /// session.login_with(&alice, |map| { let _ = map.insert("theme", "dark"); }).await?;
    /// assert_eq!(session.value().get::<String>("theme")?.as_deref(), Some("dark"));
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`login`](Session::login), and `Unfit`.
    pub async fn login_with(
        &mut self,
        login: impl Into<Login>,
        change: impl FnMut(&mut V),
    ) -> Result<(), Error> {
        let (login, presented) = (login.into(), self.request.presented());
        let (principal, edit) = (login.principal.clone(), update::EditWith(change));
        self.run(|session| steps::Login::new(session, presented, login, edit)).await?;
        self.request.note_sign_in();
        self.end_others(principal).await;
        Ok(())
    }

    /// Ends the other sessions whose keys the request presented: at the next request, one of them
    /// could come first.
    async fn end_others(&self, principal: Principal) {
        let others = self.request.others();
        if !others.is_empty() {
            // The sign-in itself stands.
            let _ = self.request.run(End::others(others, principal)).await;
        }
    }

    /// Lets a session begin in a request that another site started, although the browser may have
    /// kept the cookie of an existing one back ([`NoSession::Withheld`]): for forms on partners'
    /// pages that land on yours.
    ///
    /// # Security
    /// A session that begins then replaces the one that the browser may have: another site can sign
    /// your users out. Do not call it in a request that a session is expected to survive.
    pub fn begin_cross_site(&mut self) {
        self.seen = self.request.begin_cross_site();
    }

    /// Gives the session a fresh key, after the user's rights changed: the old one opens and writes
    /// nothing.
    ///
    /// # Errors
    /// `NotFound` if there is no session, `Superseded`, `HeadersSent`, `Unavailable`, `Conflict`.
    #[doc(alias = "cycle_id")]
    pub async fn renew(&mut self) -> Result<(), Error> {
        self.run(|session| Write::new(session, Renew::default())).await?;
        if let Some(id) = self.id() {
            self.manager().observe(&Event::Renewed { id });
        }
        Ok(())
    }

    fn loaded(&self) -> Option<&LoadedSession<V>> {
        match &self.seen {
            SessionState::Live(loaded) => Some(loaded),
            _ => None,
        }
    }

    fn manager(&self) -> &Manager<V> {
        &self.request.manager
    }
}

impl<V: SessionValue, K: SessionKind> fmt::Debug for Session<V, K> {
    /// Shows the id, never the key or the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id() {
            Some(id) => write!(f, "Session({id})"),
            None => f.write_str("Session(none)"),
        }
    }
}
