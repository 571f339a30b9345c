//! The manager of one kind of session: policy and store, shared by all requests.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::attendance::{Attendance, Stub};
use crate::builder::{Builder, ConfigError};
use crate::cell::Cell;
use crate::error::{Error, ErrorKind};
use crate::header_map::Headers;
use crate::headers::ResponseHeaders;
use crate::key::{Key, SessionId};
use crate::lifetime::Lifetime;
use crate::manager::Manager;
use crate::observer::Event;
use crate::principal::Principal;
use crate::protocol::{CookieChange, Vacancy};
use crate::record::EndReason;
use crate::session::Session;
use crate::store::{Page, Store, StoreError};
use crate::summary::Summary;
use crate::time::Timestamp;
use crate::transport::Carrier;
use crate::value::{DefaultKind, Kind, Value};
use crate::visit::Visit;

/// The manager of one kind of session: generates, fetches and revokes them, by one policy, on one store.
///
/// Cheap to clone. `V` is what a session carries; `K` tells several kinds of session in one application apart.
///
/// ```
/// # use cloakroom::{Io, Map, MemoryStore, Sessions};
/// # Io::future(async {
/// let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
///
/// let session = sessions.generate(Map::default()).await?;
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

impl<V: Value, K: Kind> Sessions<V, K> {
    /// Sessions on `store` by the default policy: cookie `__Host-id`, 30 minutes idle, 12 hours in all.
    ///
    /// # Errors
    /// [`ConfigError`] if the kind's name is no token, or the system has no randomness to give.
    pub fn new(store: impl Store) -> Result<Self, ConfigError> {
        Self::builder(store).build()
    }

    /// Sessions on `store` by a policy of your own.
    pub fn builder(store: impl Store) -> Builder<V, K> {
        Builder::new(Arc::new(store))
    }

    pub(crate) fn of(manager: Arc<Manager<V>>) -> Self {
        Self { manager, kind: PhantomData }
    }

    /// Begins one request's visit; see [`Visit`].
    pub fn visit(&self) -> Visit<V, K> {
        Visit::new(Arc::clone(&self.manager))
    }

    /// True if it was these very sessions that put the visit into its request.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn is_visited(&self, visit: &Visit<V, K>) -> bool {
        Arc::ptr_eq(&self.manager, &visit.cell.manager)
    }

    /// A new session with this value and the present lifetime, stored before this returns.
    ///
    /// # Errors
    /// `Unavailable`, `Unfit`.
    pub async fn generate(&self, value: V) -> Result<Session<V, K>, Error> {
        let mut session = self.vacant();
        session.begin_anew(Some(value), self.lifetime()).await?;
        Ok(session)
    }

    /// A new session that ends exactly `expiry` from now; zero gives one that has ended already.
    ///
    /// # Errors
    /// `Unavailable`, `Unfit`.
    pub async fn generate_for(&self, value: V, expiry: Duration) -> Result<Session<V, K>, Error> {
        let mut session = self.vacant();
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
        let mut session = self.vacant();
        session.begin_anew(None, self.lifetime()).await?;
        Ok(session)
    }

    /// The session that `key` opens.
    ///
    /// # Errors
    /// `NotFound` (with [`Error::vacancy`]), `NotSet`, `Superseded`, `Unavailable`, `Corrupt`.
    pub async fn of_key(&self, key: &Key) -> Result<Session<V, K>, Error> {
        let cell = self.cell();
        let found = cell.open_key(key).await?;
        fetched(Session::found(cell, found))
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
        let cell = self.cell();
        let found = cell.open_headers(request).await?;
        if found.presented { fetched(Session::found(cell, found)).map(Some) } else { Ok(None) }
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
        let cell = self.cell();
        let found = cell.open_headers(request).await?;
        match fetched(Session::found(Arc::clone(&cell), found)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotSet) => {
                let mut session = Session::of(cell);
                session.begin_anew(Some(default), self.lifetime()).await?;
                Ok(session)
            }
            fetched => fetched,
        }
    }

    /// Attends the session that `stub` was taken from ([`Attendance::stub`]): in a worker, long after the request.
    ///
    /// # Errors
    /// `NotFound` for a stub of another kind of session. Whether the session still lives, the attendance will say.
    pub fn attend(&self, stub: &Stub) -> Result<Attendance<V, K>, Error> {
        if !stub.is_of(self.manager.kind) {
            return Err(Error::vacant(Vacancy::Unknown));
        }
        Ok(Attendance::new(Arc::clone(&self.manager), *stub))
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
    pub async fn revoke(&self, id: SessionId) -> Result<(), Error> {
        self.manager.end(id, EndReason::Revoked).await
    }

    /// Live sessions on which `principal` is signed in, by id, at most `page.limit()`; fewer means that there are no more.
    ///
    /// ```
    /// # use cloakroom::{Map, MemoryStore, Page, Principal, Sessions};
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
    /// # let mut session = sessions.generate(Map::default()).await?;
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
    /// For a password change (OWASP, "Renew the Session ID After Any Privilege Level Change"):
    ///
    /// ```
    /// # use cloakroom::{Map, MemoryStore, Principal, Sessions};
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
    /// # let mut session = sessions.generate(Map::default()).await?;
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

    fn cell(&self) -> Arc<Cell<V>> {
        Arc::new(Cell::new(Arc::clone(&self.manager)))
    }

    fn vacant(&self) -> Session<V, K> {
        let cell = self.cell();
        cell.ask();
        Session::of(cell)
    }
}

/// A session that was asked for by its key: here, with a value, or an error that says why not.
fn fetched<V: Value, K: Kind>(session: Session<V, K>) -> Result<Session<V, K>, Error> {
    match session.vacancy() {
        None if session.is_set() => Ok(session),
        None => Err(Error::new(ErrorKind::NotSet)),
        Some(_) if session.is_superseded() => Err(Error::new(ErrorKind::Superseded)),
        Some(Vacancy::NoKey) => Err(Error::vacant(Vacancy::NoKey)),
        Some(vacancy) => Err(Error::vacant(vacancy)),
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
