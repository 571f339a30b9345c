//! The session a handler holds.

mod csrf;
mod detach;
mod detached;
mod lifetime;
mod map;
mod other_sessions;
mod state;
mod update;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

pub use csrf::CsrfToken;
pub use detached::{DetachedSession, ParseGrantError, SessionGrant};
use state::OpenedSession;
pub(crate) use state::{RequestState, SessionState};

use crate::error::{Error, ErrorKind};
use crate::http::ResponseHeaders;
use crate::key::{Key, PublicId};
use crate::manager::{Draft, LoadedSession, Manager, Plan};
use crate::observe::Event;
use crate::policy::{Assurance, ClientInfo, Lifetime, Login, Principal};
use crate::protocol::{self, NoSession, SignIn};
use crate::record::EndReason;
use crate::time::Timestamp;
use crate::value::{DefaultKind, SessionKind, SessionValue};

/// A visitor's session: read it through `&`, change it through `&mut`.
///
/// It dereferences to its value as this handle last saw it. Every change is in the store when its method returns
/// `Ok`. A *vacant* session has the default value and is stored by its first change. All handles of one request see
/// one session: each adopts what the others did before it acts.
///
/// # Cancellation
/// Any of these futures may be dropped at any point: what it was doing then happened absolute_timeout or not at all. A dropped
/// change that minted a key may cost the request its cookie; it never leaves two working keys.
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
/// session.login(&Principal::new("user-42")?).await?; // a fresh key; the old one opens nothing
/// session.logout().await?;
/// assert!(!session.exists());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
#[must_use = "a session that nobody looks at need not have been opened"]
pub struct Session<V: SessionValue, K: SessionKind = DefaultKind> {
    shared: Arc<RequestState<V>>,
    seen: SessionState<V>,
    modified: bool,
    kind: PhantomData<fn() -> K>,
}

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// A handle on what the shared holds.
    pub(crate) fn of(shared: Arc<RequestState<V>>) -> Self {
        let seen = shared.holding().unwrap_or(SessionState::Absent(NoSession::NoKey));
        Self { shared, seen, modified: false, kind: PhantomData }
    }

    /// A handle on what was just found in the shared.
    pub(crate) fn found(shared: Arc<RequestState<V>>, found: OpenedSession<V>) -> Self {
        Self { shared, seen: found.holding, modified: false, kind: PhantomData }
    }

    /// The value, as this handle last saw it; the default for a vacant session.
    pub fn value(&self) -> &V {
        let typed_value = self.loaded().and_then(|loaded| loaded.value.as_ref());
        &typed_value.unwrap_or(&self.manager().default_value).value
    }

    /// True if there is a session: it began and has not ended or expired, as far as this handle has seen.
    pub fn exists(&self) -> bool {
        self.loaded().is_some()
    }

    /// True if the session was given a value.
    pub(crate) fn is_set(&self) -> bool {
        self.loaded().is_some_and(|loaded| loaded.value.is_some())
    }

    pub(crate) fn is_superseded(&self) -> bool {
        matches!(self.seen, SessionState::Superseded)
    }

    /// Why there is no session; `None` if there is one.
    ///
    /// [`NoSession::Ended`] tells the typed_value of a key that opened it why it was ended: show it on the page.
    pub fn no_session(&self) -> Option<NoSession> {
        match &self.seen {
            SessionState::Live(_) => None,
            SessionState::Absent(no_session) => Some(*no_session),
            SessionState::Superseded => Some(NoSession::Superseded),
            SessionState::Over => Some(NoSession::Ended(EndReason::Ended)),
        }
    }

    /// The public name of the session.
    pub fn id(&self) -> Option<PublicId> {
        self.loaded().map(LoadedSession::id)
    }

    /// The key that opens the session; `None` outside a request ([`DetachedSession`](crate::session::DetachedSession)).
    ///
    /// # Security
    /// For the visitor alone; a bearer client is given [`Key::expose`] in the answer to its login.
    pub fn key(&self) -> Option<&Key> {
        self.loaded().and_then(LoadedSession::key)
    }

    /// Who is signed in.
    pub fn principal(&self) -> Option<&Principal> {
        self.loaded().and_then(|loaded| loaded.record.principal())
    }

    /// When the visitor last proved who they are: signed in, or signed in again on this session.
    #[doc(alias = "signed_in")]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.loaded().and_then(|loaded| loaded.record.authenticated_at())
    }

    /// How well they proved it, as their [`Login`] said; the least if nobody is signed in.
    pub fn assurance(&self) -> Assurance {
        self.loaded().map_or_else(Assurance::default, |loaded| loaded.record.assurance())
    }

    /// What is known of the client that holds the key, if there is a session.
    pub fn client(&self) -> Option<&ClientInfo> {
        self.loaded().map(|loaded| loaded.record.client())
    }

    /// The lifetime of this session, or the one it would be given.
    pub fn lifetime(&self) -> Lifetime {
        self.loaded().map_or_else(|| self.manager().lifetime(), |loaded| *loaded.record.lifetime())
    }

    /// How long the session lives if nobody uses it again; zero if it is vacant.
    ///
    /// Uses are noted once per tenth of the idle timeout, so right after one this may be up to a tenth short.
    #[doc(alias = "expiry_period")]
    pub fn expires_in(&self) -> Duration {
        let now = self.manager().now();
        self.loaded().map_or(Duration::ZERO, |loaded| loaded.record.expires_at().since(now))
    }

    /// How long the session lives, if that is no more than `warning`: what a page tells its visitor ("60 seconds left").
    ///
    /// Loading a page is itself a use, so a page counts down from [`expires_in`](Session::expires_in) on its own.
    pub fn expires_within(&self, warning: Duration) -> Option<Duration> {
        Some(self.expires_in()).filter(|left| self.exists() && *left <= warning)
    }

    /// True once this handle has changed the session.
    #[doc(alias = "modified")]
    pub fn is_modified(&self) -> bool {
        self.modified
    }

    /// The headers that the response must carry for this session, as things stand.
    ///
    /// Asking twice gives the same. Behind [`SessionLayer`](crate::SessionLayer) there is no need to ask.
    #[doc(alias = "to_cookie_hdrs")]
    pub fn headers(&self) -> ResponseHeaders {
        self.shared.headers()
    }

    /// Changes the value; what the closure returns is returned once the change is in the store.
    ///
    /// The closure runs again on a fresh value each time another writer was first, so all concurrent updates count:
    /// let it do nothing but change the value. A value left as it was is not written.
    ///
    /// # Errors
    /// `NotFound` if the session ended meanwhile, `Superseded` if its key was replaced, `Conflict` if other writers won
    /// for 10 seconds, `Unavailable`, `Unfit`, and `HeadersSent` if a vacant session needs a key too late.
    pub async fn update<R>(&mut self, mut change: impl FnMut(&mut V) -> R) -> Result<R, Error> {
        match self.try_update(|value| Ok::<R, std::convert::Infallible>(change(value))).await? {
            Ok(result) => Ok(result),
            Err(never) => match never {},
        }
    }

    /// Changes the value unless the closure fails: then its error is returned and nothing is written.
    ///
    /// # Errors
    /// Outside, those of [`update`](Session::update); inside, the closure's own.
    pub async fn try_update<R, E>(
        &mut self,
        mut change: impl FnMut(&mut V) -> Result<R, E>,
    ) -> Result<Result<R, E>, Error> {
        self.adopt();
        self.check_writable()?;
        if !self.exists() {
            let (value, result) = {
                let mut value = V::clone(self.value());
                let result = match change(&mut value) {
                    Ok(result) => result,
                    failed => return Ok(failed),
                };
                if value == *self.value() {
                    return Ok(Ok(result));
                }
                (self.manager().typed_value(value), result)
            };
            if self.begin(value, self.manager().lifetime()).await? {
                return Ok(Ok(result));
            }
        }
        self.write(|manager, loaded, now| {
            let mut value = loaded
                .value
                .as_ref()
                .map_or_else(V::default, |typed_value| typed_value.value.clone());
            let result = match change(&mut value) {
                Ok(result) => result,
                failed => return Ok(Plan::Keep(failed)),
            };
            Ok(update::to_value(manager, loaded, value, None, now).map(|()| Ok(result)))
        })
        .await
    }

    /// Puts `value` in place of the one there is, whatever that is. The session keeps its lifetime.
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn set(&mut self, value: V) -> Result<(), Error> {
        self.put(value, None).await
    }

    /// Puts `value` in place and lets the session end exactly `expiry` from now, in one write; see
    /// [`extend`](Session::extend).
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn set_for(&mut self, value: V, expiry: Duration) -> Result<(), Error> {
        if expiry.is_zero() {
            return self.end().await;
        }
        self.put(value, Some(expiry)).await
    }

    /// Lets the session end exactly `expiry` from now, sooner or later than it would have; the value is not rewritten.
    ///
    /// From then on no idle timeout cuts it short. Zero ends it now; more than 400 days means 400 days. If the cookie
    /// would end before the session, the key is renewed with it.
    ///
    /// # Errors
    /// `NotFound` for a vacant session, and those of [`update`](Session::update).
    pub async fn extend(&mut self, expiry: Duration) -> Result<(), Error> {
        if expiry.is_zero() {
            return self.end().await;
        }
        self.adopt();
        self.outlive(self.lifetime().exactly(expiry), |record, now| {
            protocol::extend(record, expiry, now)
        })
        .await
    }

    /// Stores a vacant session at once; one that exists is left alone.
    ///
    /// # Errors
    /// `Superseded`, `HeadersSent`, `Unavailable`, `Unfit`; `NotFound` if this request ended the session.
    pub async fn start(&mut self) -> Result<(), Error> {
        self.adopt();
        if !self.exists() {
            let value = self.manager().typed_value(V::clone(self.value()));
            self.begin(value, self.manager().lifetime()).await?;
        }
        Ok(())
    }

    /// Ends the session. Its key opens nothing from now on, and the browser is told to forget it.
    ///
    /// Nothing revives it: a request in flight that writes later is refused. Ending a vacant session does nothing.
    /// This handle can write nothing more; [`logout`](Session::logout) leaves room for a farewell.
    ///
    /// # Errors
    /// `Unavailable` (try again: the session may live), `Superseded`.
    #[doc(alias = "clear")]
    #[doc(alias = "destroy")]
    #[doc(alias = "invalidate")]
    pub async fn end(&mut self) -> Result<(), Error> {
        self.finish(EndReason::Ended, SessionState::Over).await
    }

    /// Signs the visitor out: ends the session and leaves a vacant one, whose first change begins a new session.
    ///
    /// # Errors
    /// Those of [`end`](Session::end).
    pub async fn logout(&mut self) -> Result<(), Error> {
        let after = SessionState::Absent(NoSession::Ended(EndReason::SignedOut));
        self.finish(EndReason::SignedOut, after).await
    }

    /// Signs somebody in, under a fresh key: from now on the old one opens and writes nothing.
    ///
    /// Takes a `&Principal`, or a [`Login`] that says more. The value stays, unless somebody else was signed in: that
    /// session is ended and a new one begins. Both deadlines count from now. If the key was replaced meanwhile (a double
    /// click) a new session begins, so that whoever signs in ends signed in.
    ///
    /// # Errors
    /// `HeadersSent`, `Unavailable`, `Conflict`, `TooManySessions`, `LoginRevoked`; nobody is signed in then.
    #[doc(alias = "regenerate")]
    pub async fn login(&mut self, login: impl Into<Login>) -> Result<(), Error> {
        let login = login.into();
        self.adopt();
        self.shared.check_open()?;
        if let Some(loaded) = self.loaded() {
            match protocol::plan_sign_in(&loaded.record, &login.principal) {
                SignIn::Keep => match self.sign_in_here(&login).await {
                    Err(error)
                        if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Superseded) => {}
                    done => return done,
                },
                SignIn::Switch => {
                    let id = loaded.id();
                    self.manager().end(id, EndReason::SignedInAsAnother).await?;
                }
            }
        }
        self.sign_in_anew(login).await
    }

    /// Gives the session a fresh key after the visitor's rights changed: from now on the old one opens and writes nothing.
    ///
    /// # Errors
    /// `NotFound` for a vacant session, `Superseded`, `HeadersSent`, `Unavailable`, `Conflict`.
    #[doc(alias = "cycle_id")]
    pub async fn renew(&mut self) -> Result<(), Error> {
        self.adopt();
        self.shared.check_open()?;
        let fresh = self.manager().secret()?;
        self.write(|manager, loaded, now| {
            let key = loaded.key_with(&fresh);
            let record = protocol::replace_secret(&loaded.record, manager.verifier(&key), now);
            Ok(Plan::Write(Draft { record, value: loaded.value.clone(), fresh: Some(key) }, ()))
        })
        .await?;
        self.report_renewal();
        Ok(())
    }

    /// Sees what the other handles of this request did.
    fn adopt(&mut self) {
        if let Some(holding) = self.shared.news(&self.seen) {
            self.seen = holding;
        }
    }

    fn report_renewal(&self) {
        if let Some(id) = self.id() {
            self.manager().observe(&Event::Renewed { id });
        }
    }

    fn loaded(&self) -> Option<&LoadedSession<V>> {
        match &self.seen {
            SessionState::Live(loaded) => Some(loaded),
            _ => None,
        }
    }

    fn manager(&self) -> &Manager<V> {
        &self.shared.manager
    }
}

impl<V: SessionValue, K: SessionKind> fmt::Debug for Session<V, K> {
    /// Shows the id, never the key or the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id() {
            Some(id) => write!(f, "Session({id})"),
            None => f.write_str("Session(vacant)"),
        }
    }
}
