//! The session of one request.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use crate::error::Error;
use crate::http::{Headers, HeadersMut, RequestMethod, ResponseHeaders};
use crate::manager::Manager;
#[cfg(any(feature = "tower", feature = "actix"))]
use crate::policy::SameSite;
use crate::session::{RequestState, Session};
use crate::sessions::Sessions;
use crate::store::Io;
use crate::value::{DefaultKind, SessionKind, SessionValue};

/// The session of one request: opens it once, and knows at the end which headers the response
/// needs.
///
/// [`SessionLayer`](crate::SessionLayer) puts one into every request. For a framework without an
/// integration, make the same two calls:
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # let request = http::HeaderMap::new();
/// # let mut response = http::HeaderMap::new();
/// # cloakroom::Io::future(async move {
/// let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// let request_session = sessions.request_session().with_method("GET");
/// let mut session = request_session.session(&request).await?; // no store call without a key
/// session.update(|map| map.insert("seen", true)).await??;
/// request_session.finish(&mut response); // Set-Cookie, Vary, Cache-Control
/// assert!(response.contains_key("set-cookie"));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
pub struct RequestSession<V, K = DefaultKind> {
    pub(crate) request: Arc<RequestState<V>>,
    kind: PhantomData<fn() -> K>,
}

impl<V: SessionValue, K: SessionKind> RequestSession<V, K> {
    pub(crate) fn new(manager: Arc<Manager<V>>, method: RequestMethod, touches: bool) -> Self {
        let request = Arc::new(RequestState::new(manager, method, touches));
        Self { request, kind: PhantomData }
    }

    /// The [`Sessions`] that this request's session belongs to.
    pub fn sessions(&self) -> Sessions<V, K> {
        Sessions::of(Arc::clone(&self.request.manager))
    }

    /// Sets the address of the connection, which
    /// [`ClientPolicy::with_addresses`](crate::http::ClientPolicy::with_addresses) needs.
    ///
    /// Call it before the session is opened.
    pub fn with_peer_addr(self, address: IpAddr) -> Self {
        self.request.set_peer(address);
        self
    }

    /// Tells the request's method (`"POST"`), which the headers do not say.
    ///
    /// Call it before the session is opened. A `HEAD` takes no [`Flash`](crate::Flash) messages,
    /// and a request from another site is treated by whether it can change something. Without the
    /// method, it is guessed from what browsers send.
    pub fn with_method(self, method: &str) -> Self {
        self.request.set_method(RequestMethod::of(method));
        self
    }

    /// Opening the session does not count as a use of it: see
    /// [`Sessions::without_touch`](crate::Sessions::without_touch).
    ///
    /// Call it before the session is opened.
    pub fn without_touch(self) -> Self {
        self.request.set_without_touch();
        self
    }

    /// The request's session.
    ///
    /// The first call opens it; all later ones share it.
    ///
    /// Concurrent calls wait for the one that opens it, so drop a call that is no longer polled. If
    /// there is no session, [`Session::value`] is the default, and nothing is stored before the
    /// first change.
    ///
    /// # Errors
    /// `Unavailable` if the store cannot be asked; `Corrupt` if the value cannot be read and the
    /// policy refuses it.
    pub async fn session(&self, request: &(impl Headers + ?Sized)) -> Result<Session<V, K>, Error> {
        self.session_io(request).await
    }

    /// Like [`session`](RequestSession::session), but ready if the store answers at once.
    pub(crate) fn session_io<'a>(
        &'a self,
        request: &(impl Headers + ?Sized),
    ) -> Io<'a, Result<Session<V, K>, Error>> {
        self.request
            .open_headers(request)
            .map(|opened| opened.map(|opened| Session::opened(Arc::clone(&self.request), opened)))
    }

    /// Like `session_io`, for a server whose futures cannot borrow the request.
    #[cfg(feature = "actix")]
    pub(crate) fn session_io_static(
        &self,
        request: &impl Headers,
    ) -> Io<'static, Result<Session<V, K>, Error>> {
        let state = Arc::clone(&self.request);
        let incoming = state.read(request);
        Io::future(async move {
            let opened = state.open(incoming).await?;
            Ok(Session::opened(state, opened))
        })
    }

    /// The request's session if it has been opened, for code that cannot wait.
    pub fn opened(&self) -> Option<Session<V, K>> {
        self.request.is_open().then(|| Session::of(Arc::clone(&self.request)))
    }

    /// True if the session was asked for, and the browser may have kept the cookie back.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn is_withheld(&self) -> bool {
        self.request.is_withheld()
    }

    /// The `Refresh` with which a page leads on to `location`, if a redirect would not have the
    /// cookie.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn refresh_to(&self, location: &[u8]) -> Option<http::HeaderValue> {
        let is_strict = self.request.manager.policy.same_site == Some(SameSite::Strict);
        is_strict.then(|| http::HeaderValue::from_bytes(&[b"0; url=", location].concat()).ok())?
    }

    /// Ends the request's part in the session, and returns the headers for its response; see
    /// [`finish`](RequestSession::finish).
    pub fn close(&self) -> ResponseHeaders {
        self.request.close()
    }

    /// Ends the request's part in the session, and writes the headers into its response.
    ///
    /// From then on, whatever needs a new key fails with `HeadersSent`. Values can still be
    /// changed.
    pub fn finish(&self, response: &mut impl HeadersMut) {
        self.request.close().apply_to(response);
    }
}

impl<V, K> Clone for RequestSession<V, K> {
    fn clone(&self) -> Self {
        Self { request: Arc::clone(&self.request), kind: PhantomData }
    }
}

impl<V, K> fmt::Debug for RequestSession<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestSession(..)")
    }
}
