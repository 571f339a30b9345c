//! The manager of one kind of session: policy and store, shared by all requests.

mod builder;
mod legacy;
mod request;

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

pub use builder::SessionsBuilder;
pub use request::RequestSession;

use crate::error::{ConfigError, Error, ErrorKind};
use crate::http::{Carrier, Headers, ResponseHeaders};
use crate::key::{Key, PublicId};
use crate::manager::{Manager, Summary};
use crate::observe::Event;
use crate::policy::{Lifetime, Principal};
use crate::protocol::{CookieChange, NoSession};
use crate::record::EndReason;
use crate::session::{DetachedSession, RequestState, Session, SessionGrant};
use crate::store::{Page, Store, StoreError};
use crate::time::Timestamp;
use crate::value::{DefaultKind, SessionKind, SessionValue};

/// The manager of one kind of session: generates, fetches and revokes them, by one policy, on one store.
///
/// Cheap to clone. `V` is what a session carries; `K` tells several kinds of session in one application apart.
///
/// ```
/// # use cloakroom::{Io, MemoryStore, SessionMap, Sessions};
/// # Io::future(async {
/// let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
///
/// let session = sessions.generate(SessionMap::default()).await?;
/// for (name, value) in session.headers().iter() {
///     println!("{name}: {value:?}"); // Set-Cookie, Vary, Cache-Control
/// }
///
/// let key = session.key().expect("it was just generated");
/// assert_eq!(sessions.of_key(key).await?.id(), session.id());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
#[doc(alias = "backend")]
pub struct Sessions<V, K = DefaultKind> {
    manager: Arc<Manager<V>>,
    kind: PhantomData<fn() -> K>,
}

impl<V: SessionValue, K: SessionKind> Sessions<V, K> {
    /// Sessions on `store` by the default policy: cookie `__Host-id`, 30 minutes idle, 12 hours in all.
    ///
    /// # Errors
    /// [`ConfigError`] if the kind's name is no token, or the system has no randomness to give.
    pub fn new(store: impl Store) -> Result<Self, ConfigError> {
        Self::builder(store).build()
    }

    /// Sessions on `store` by a policy of your own.
    pub fn builder(store: impl Store) -> SessionsBuilder<V, K> {
        SessionsBuilder::new(Arc::new(store))
    }

    pub(crate) fn of(manager: Arc<Manager<V>>) -> Self {
        Self { manager, kind: PhantomData }
    }

    /// Begins one request's request_session; see [`RequestSession`].
    pub fn request_session(&self) -> RequestSession<V, K> {
        RequestSession::new(Arc::clone(&self.manager))
    }

    /// True if it was these very sessions that put the request_session into its request.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn is_visited(&self, request_session: &RequestSession<V, K>) -> bool {
        Arc::ptr_eq(&self.manager, &request_session.shared.manager)
    }

    /// A new session with this value and the present lifetime, stored before this returns.
    ///
    /// # Errors
    /// `Unavailable`, `Unfit`.
    pub async fn generate(&self, value: V) -> Result<Session<V, K>, Error> {
        let mut session = self.absent();
        session.begin_anew(Some(value), self.lifetime()).await?;
        Ok(session)
    }

    /// A new session that ends exactly `expiry` from now; zero gives one that has ended already.
    ///
    /// # Errors
    /// `Unavailable`, `Unfit`.
    pub async fn generate_for(&self, value: V, expiry: Duration) -> Result<Session<V, K>, Error> {
        let mut session = self.absent();
        if expiry.is_zero() {
            session.end().await?;
        } else {
            session.begin_anew(Some(value), self.lifetime().exactly(expiry)).await?;
        }
        Ok(session)
    }

    /// A new session without a value: fetching it is [`ErrorKind::NotSet`] until it is set.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn allocate(&self) -> Result<Session<V, K>, Error> {
        let mut session = self.absent();
        session.begin_anew(None, self.lifetime()).await?;
        Ok(session)
    }

    /// The session that `key` opens.
    ///
    /// # Errors
    /// `NotFound` (with [`Error::no_session`]), `NotSet`, `Superseded`, `Unavailable`, `Corrupt`.
    pub async fn of_key(&self, key: &Key) -> Result<Session<V, K>, Error> {
        let shared = self.shared();
        let found = shared.open_key(key).await?;
        fetched(Session::found(shared, found))
    }

    /// The session that a request's headers open; `None` if they carry no key.
    ///
    /// # Errors
    /// Those of [`of_key`](Sessions::of_key): a key that opens nothing is an error, not `None`.
    #[doc(alias = "of_header")]
    pub async fn of_headers(
        &self,
        request: &(impl Headers + ?Sized),
    ) -> Result<Option<Session<V, K>>, Error> {
        let shared = self.shared();
        let found = shared.open_headers(request).await?;
        if found.presented { fetched(Session::found(shared, found)).map(Some) } else { Ok(None) }
    }

    /// The session that a request's headers open, or a new one with `default` if they open none.
    ///
    /// A key that opens nothing is never adopted: the new session has a new key.
    ///
    /// # Errors
    /// `Superseded`, `Corrupt`, and `Unavailable`: a store that is down is an error, never a new session.
    #[doc(alias = "of_header_or_create")]
    pub async fn of_headers_or_create(
        &self,
        request: &(impl Headers + ?Sized),
        default: V,
    ) -> Result<Session<V, K>, Error> {
        let shared = self.shared();
        let found = shared.open_headers(request).await?;
        match fetched(Session::found(Arc::clone(&shared), found)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotSet) => {
                let mut session = Session::of(shared);
                session.begin_anew(Some(default), self.lifetime()).await?;
                Ok(session)
            }
            fetched => fetched,
        }
    }

    /// Attends the session that `grant` was taken from ([`DetachedSession::grant`]): in a worker, long after the request.
    ///
    /// # Errors
    /// `NotFound` for a grant of another kind of session. Whether the session still lives, the detached will say.
    pub fn detached(&self, grant: &SessionGrant) -> Result<DetachedSession<V, K>, Error> {
        if !grant.is_of(self.manager.kind) {
            return Err(Error::not_found(NoSession::Unknown));
        }
        Ok(DetachedSession::new(Arc::clone(&self.manager), *grant))
    }

    /// The headers that make a client forget its key.
    #[doc(alias = "clear_hdrs")]
    pub fn clear_headers(&self) -> ResponseHeaders {
        ResponseHeaders::new(&self.manager.channel, Carrier::Cookie, &CookieChange::Remove, true)
    }

    /// Ends session `id` from outside; one that is absent or ended is success.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn revoke(&self, id: PublicId) -> Result<(), Error> {
        self.manager.end(id, EndReason::Revoked).await
    }

    /// Live sessions on which `principal` is signed in, by id, at most `page.limit()`; fewer means that there are no more.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, Principal, SessionMap, Sessions};
    /// # use cloakroom::store::Page;
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// # let mut session = sessions.generate(SessionMap::default()).await?;
    /// let alice = Principal::new("alice")?;
    /// session.login(&alice).await?;
    /// for device in sessions.list(&alice, Page::first(100)).await? {
    ///     println!("{} since {:?}, last seen {:?}", device.id(), device.created(), device.last_seen());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// Sessions of other kinds on the same store are listed too, with what can be read of their value.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list(&self, principal: &Principal, page: Page) -> Result<Vec<Summary<V>>, Error> {
        self.manager.list(principal, page).await
    }

    /// Ends all sessions on which `principal` is signed in; how many there were.
    ///
    /// A login in flight may still succeed after this; [`revoke_issued_before`](Sessions::revoke_issued_before) refuses
    /// those too. For a visitor's own request there is [`Session::logout_everywhere`].
    ///
    /// # Errors
    /// `Unavailable`; some sessions may have been ended. `Corrupt` if a record could not be read; all others were ended.
    pub async fn revoke_all(&self, principal: &Principal) -> Result<usize, Error> {
        self.manager.end_all_of(principal, None, EndReason::Revoked).await
    }

    /// Ends `principal`'s sessions whose visitor proved who they are before `before`, and refuses logins whose proof is
    /// that old ([`Login::checked_at`](crate::Login::checked_at)), also those that have begun; how many sessions ended.
    ///
    /// For a password change (OWASP, "Renew the Session ID After Any Privilege EventLevel Change"):
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, Principal, SessionMap, Sessions};
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// # let mut session = sessions.generate(SessionMap::default()).await?;
    /// # let alice = Principal::new("alice")?;
    /// // .. the new password is in the database ..
    /// let changed = sessions.now();
    /// session.login(&alice).await?; // this session goes on, under a fresh key
    /// sessions.revoke_issued_before(&alice, changed).await?;
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// Nodes compare their clocks here: one that is behind refuses logins for as long as it is. A moment more than a minute
    /// ahead counts as a minute ahead.
    ///
    /// # Errors
    /// Those of [`revoke_all`](Sessions::revoke_all).
    pub async fn revoke_issued_before(
        &self,
        principal: &Principal,
        before: Timestamp,
    ) -> Result<usize, Error> {
        self.manager.revoke_before(principal, before, EndReason::Revoked).await
    }

    /// The time, as these sessions are judged by it.
    pub fn now(&self) -> Timestamp {
        self.manager.now()
    }

    /// Removes at most `limit` expired sessions and old tombstones from the store; how many went.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn sweep(&self, limit: usize) -> Result<usize, Error> {
        let count = self.manager.store.sweep(self.manager.now(), limit).await?;
        if count > 0 {
            self.manager.observe(&Event::Swept { count });
        }
        Ok(count)
    }

    /// Whether the store can be used at this moment: for a health check.
    ///
    /// # Errors
    /// [`StoreError`] saying why not.
    pub async fn health(&self) -> Result<(), StoreError> {
        self.manager.store.health().await
    }

    /// The lifetime that new sessions are given.
    #[doc(alias = "default_period")]
    pub fn lifetime(&self) -> Lifetime {
        self.manager.lifetime()
    }

    /// Changes the lifetime that sessions are given from now on; those that exist keep theirs.
    #[doc(alias = "set_default_period")]
    pub fn set_lifetime(&self, lifetime: Lifetime) {
        *self.manager.lifetime.lock().unwrap_or_else(PoisonError::into_inner) = lifetime;
    }

    fn shared(&self) -> Arc<RequestState<V>> {
        Arc::new(RequestState::new(Arc::clone(&self.manager)))
    }

    fn absent(&self) -> Session<V, K> {
        let shared = self.shared();
        shared.ask();
        Session::of(shared)
    }
}

/// A session that was asked for by its key: here, with a value, or an error that says why not.
fn fetched<V: SessionValue, K: SessionKind>(
    session: Session<V, K>,
) -> Result<Session<V, K>, Error> {
    match session.no_session() {
        None if session.is_set() => Ok(session),
        None => Err(Error::new(ErrorKind::NotSet)),
        Some(_) if session.is_superseded() => Err(Error::new(ErrorKind::Superseded)),
        Some(NoSession::NoKey) => Err(Error::not_found(NoSession::NoKey)),
        Some(no_session) => Err(Error::not_found(no_session)),
    }
}

impl<V, K> Clone for Sessions<V, K> {
    fn clone(&self) -> Self {
        Self { manager: Arc::clone(&self.manager), kind: PhantomData }
    }
}

impl<V, K> fmt::Debug for Sessions<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("store", &self.manager.store).finish_non_exhaustive()
    }
}
