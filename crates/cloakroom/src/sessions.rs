//! The sessions of one kind: policy and store, shared by all requests.

mod builder;
mod create;
#[cfg(feature = "device-binding")]
mod device;
mod legacy;
mod operate;
mod request;

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

pub use builder::SessionsBuilder;
pub use request::RequestSession;

use crate::error::{ConfigError, Error, ErrorKind};
use crate::http::{Headers, RequestMethod, ResponseHeaders};
use crate::key::Key;
use crate::manager::Manager;
use crate::observe::Event;
use crate::policy::Lifetime;
use crate::protocol::NoSession;
use crate::session::{DetachedSession, RequestState, Session, SessionGrant};
use crate::store::{Store, StoreError};
use crate::time::Timestamp;
use crate::value::{DefaultKind, SessionKind, SessionValue};

/// The sessions of one kind, on one store, under one policy: creates, opens, lists and revokes
/// them.
///
/// Cheap to clone. `V` is the type of a session's value; `K` tells several kinds of session in one
/// application apart.
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
    touches: bool,
    kind: PhantomData<fn() -> K>,
}

impl<V: SessionValue, K: SessionKind> Sessions<V, K> {
    /// Sessions on `store` with the default policy: cookie `__Host-id`, 30 minutes idle, 12 hours
    /// absolute.
    ///
    /// # Errors
    /// [`ConfigError`] if the kind's name is not a token, or the system has no randomness.
    pub fn new(store: impl Store) -> Result<Self, ConfigError> {
        Self::builder(store).build()
    }

    /// Sessions on `store` with a policy of your own.
    pub fn builder(store: impl Store) -> SessionsBuilder<V, K> {
        SessionsBuilder::new(Arc::new(store))
    }

    pub(crate) fn of(manager: Arc<Manager<V>>) -> Self {
        Self { manager, touches: true, kind: PhantomData }
    }

    /// The same sessions, whose reads do not count as uses: for a page that polls.
    ///
    /// A session that is opened through them is not extended, so its idle timeout can end it
    /// although the page goes on asking, and its key is not renewed on a timer. A change of the
    /// session does count as a use. Give them to [`SessionLayer`](crate::SessionLayer) to wrap a
    /// route.
    #[must_use = "the sessions themselves stay as they are"]
    pub fn without_touch(&self) -> Self {
        Self { touches: false, ..self.clone() }
    }

    /// Starts serving one request's session; see [`RequestSession`].
    pub fn request_session(&self) -> RequestSession<V, K> {
        self.request_session_of(RequestMethod::Unknown)
    }

    /// The same for a request with this method.
    pub(crate) fn request_session_of(&self, method: RequestMethod) -> RequestSession<V, K> {
        RequestSession::new(Arc::clone(&self.manager), method, self.touches)
    }

    /// The name of the cookie that keys travel in, if they do.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn cookie_name(&self) -> Option<&str> {
        self.manager.channel.cookie.as_ref().map(crate::http::Cookie::name)
    }

    /// Says something on the terminal, in a debug build that observes no events.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn tell_developer(&self, what: fmt::Arguments<'_>) {
        self.manager.tell_developer(what);
    }

    /// Tells a developer whose policy binds sessions that this layer does not serve its endpoints.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn tell_of_endpoints(&self, layer: &str) {
        if let Some(paths) = &self.manager.channel.device {
            self.tell_developer(format_args!(
                "browsers are asked to bind sessions at `{}`, which this `{layer}` does not serve: \
                 add `.serving_device_binding()`, or answer with `Sessions::answer_device`",
                paths.register
            ));
        }
    }

    /// What all clones of these sessions have in common, and no others.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.manager) as usize
    }

    /// Applies what an inner layer of these sessions says to the outer one's request.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn adjust(&self, request_session: &RequestSession<V, K>) {
        if !self.touches {
            request_session.request.set_without_touch();
        }
    }

    /// True if `request_session` was made by these sessions.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn owns(&self, request_session: &RequestSession<V, K>) -> bool {
        Arc::ptr_eq(&self.manager, &request_session.request.manager)
    }

    /// The session that `key` opens, whether it travels in a cookie or as a bearer token.
    ///
    /// A key that is presented in this way is never renewed on a timer.
    ///
    /// # Errors
    /// `NotFound` (with [`Error::no_session`]), `NotSet`, `Superseded`, `Unavailable`, `Corrupt`.
    pub async fn of_key(&self, key: &Key) -> Result<Session<V, K>, Error> {
        let request_state = self.request_state();
        let opened = request_state.open_key(key).await?;
        require_value(Session::opened(request_state, opened))
    }

    /// The session that a request's headers open; `None` if they contain no key.
    ///
    /// # Errors
    /// Those of [`of_key`](Sessions::of_key): a key that opens nothing is an error, not `None`.
    /// `Unreadable` if the session is there and cannot be read.
    #[doc(alias = "of_header")]
    pub async fn of_headers(
        &self,
        request: &(impl Headers + ?Sized),
    ) -> Result<Option<Session<V, K>>, Error> {
        let request_state = self.request_state();
        let opened = request_state.open_headers(request).await?;
        if opened.presented {
            require_value(Session::opened(request_state, opened)).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The session that a request's headers open, or a new one with `default` if they open none.
    ///
    /// A key that opens nothing is never adopted: the new session gets a new key.
    ///
    /// # Errors
    /// `Superseded`, `Unreadable`, `Corrupt`, and `Unavailable`: a store that is down is an error,
    /// never a new session. `CrossSite` if another site started the request. `Unfit`.
    #[doc(alias = "of_header_or_create")]
    pub async fn of_headers_or_create(
        &self,
        request: &(impl Headers + ?Sized),
        default: V,
    ) -> Result<Session<V, K>, Error> {
        self.open_or_create(request, default, None).await
    }

    /// The same, where a new session ends exactly `expiry` from now, as with
    /// [`generate_for`](Sessions::generate_for). One that is there keeps its end.
    ///
    /// # Errors
    /// Those of [`of_headers_or_create`](Sessions::of_headers_or_create).
    #[doc(alias = "of_header_or_create")]
    pub async fn of_headers_or_create_for(
        &self,
        request: &(impl Headers + ?Sized),
        default: V,
        expiry: Duration,
    ) -> Result<Session<V, K>, Error> {
        self.open_or_create(request, default, Some(expiry)).await
    }

    async fn open_or_create(
        &self,
        request: &(impl Headers + ?Sized),
        default: V,
        expiry: Option<Duration>,
    ) -> Result<Session<V, K>, Error> {
        let request_state = self.request_state();
        let opened = request_state.open_headers(request).await?;
        let session = Session::opened(Arc::clone(&request_state), opened);
        if let Some(error) = session.beginning_refused() {
            return Err(error);
        }
        match require_value(session) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotSet) => {
                self.begin(Session::of(request_state), Some(default), expiry).await
            }
            opened => opened,
        }
    }

    /// The session that `grant` was taken from ([`DetachedSession::grant`]): for a worker, long
    /// after the request.
    ///
    /// # Errors
    /// `NotFound` for a grant of another kind of session. Whether the session is still live is not
    /// checked here but by [`DetachedSession::session`].
    pub fn detached(&self, grant: &SessionGrant) -> Result<DetachedSession<V, K>, Error> {
        if !grant.is_of(self.manager.policy.kind) {
            return Err(Error::not_found(NoSession::Unknown));
        }
        Ok(DetachedSession::new(Arc::clone(&self.manager), *grant))
    }

    /// The headers that make a client remove its cookie.
    #[doc(alias = "clear_hdrs")]
    pub fn clear_headers(&self) -> ResponseHeaders {
        ResponseHeaders::removal(&self.manager.channel)
    }

    /// The current time, by the clock of these sessions.
    pub fn now(&self) -> Timestamp {
        self.manager.now()
    }

    /// Removes at most `limit` expired sessions and old tombstones from the store.
    ///
    /// Returns how many.
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

    /// Checks that the store can be used at this moment: for a health check.
    ///
    /// # Errors
    /// [`StoreError`], which says why it cannot.
    pub async fn health(&self) -> Result<(), StoreError> {
        self.manager.store.health().await
    }

    /// The lifetime that new sessions get.
    #[doc(alias = "default_period")]
    pub fn lifetime(&self) -> Lifetime {
        self.manager.lifetime()
    }

    /// Changes the lifetime that new sessions get; existing sessions keep theirs.
    #[doc(alias = "set_default_period")]
    pub fn set_lifetime(&self, lifetime: Lifetime) {
        *self.manager.lifetime.lock().unwrap_or_else(PoisonError::into_inner) = lifetime;
    }

    fn request_state(&self) -> Arc<RequestState<V>> {
        let manager = Arc::clone(&self.manager);
        Arc::new(RequestState::new(manager, RequestMethod::Unknown, self.touches))
    }
}

/// Turns a missing session or a missing value into an error.
fn require_value<V: SessionValue, K: SessionKind>(
    session: Session<V, K>,
) -> Result<Session<V, K>, Error> {
    match session.no_session() {
        None if session.is_set() => Ok(session),
        None => Err(Error::new(ErrorKind::NotSet)),
        Some(no_session) => {
            Err(session.beginning_refused().unwrap_or_else(|| Error::never_open(no_session)))
        }
    }
}

impl<V, K> Clone for Sessions<V, K> {
    fn clone(&self) -> Self {
        Self { manager: Arc::clone(&self.manager), touches: self.touches, kind: PhantomData }
    }
}

impl<V, K> fmt::Debug for Sessions<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("store", &self.manager.store).finish_non_exhaustive()
    }
}
