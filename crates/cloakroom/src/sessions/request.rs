//! One request's request_session to the counter.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use crate::error::Error;
use crate::http::{Headers, HeadersMut, ResponseHeaders};
use crate::manager::Manager;
use crate::session::{RequestState, Session};
use crate::sessions::Sessions;
use crate::store::Io;
use crate::value::{DefaultKind, SessionKind, SessionValue};

/// One request's request_session to the counter: opens the session once, and knows in the end which headers to send.
///
/// [`SessionLayer`](crate::SessionLayer) keeps one in every request; write the same two calls to serve sessions in
/// a framework that has no integration yet:
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # let request = http::HeaderMap::new();
/// # let mut response = http::HeaderMap::new();
/// # cloakroom::Io::future(async move {
/// let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// let request_session = sessions.request_session();
/// let mut session = request_session.session(&request).await?; // no store call without a key
/// session.update(|map| map.insert("seen", true)).await??;
/// request_session.finish(&mut response); // Set-Cookie, Vary, Cache-Control
/// assert!(response.contains_key("set-cookie"));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
pub struct RequestSession<V, K = DefaultKind> {
    pub(crate) shared: Arc<RequestState<V>>,
    kind: PhantomData<fn() -> K>,
}

impl<V: SessionValue, K: SessionKind> RequestSession<V, K> {
    pub(crate) fn new(manager: Arc<Manager<V>>) -> Self {
        Self { shared: Arc::new(RequestState::new(manager)), kind: PhantomData }
    }

    /// The manager whose session this request visits.
    pub fn sessions(&self) -> Sessions<V, K> {
        Sessions::of(Arc::clone(&self.shared.manager))
    }

    /// Tells the connection's own address, for what [`ClientPolicy::with_addresses`](crate::http::ClientPolicy::with_addresses)
    /// notes of the client. Call it before the session is opened.
    pub fn with_peer_addr(self, address: IpAddr) -> Self {
        self.shared.set_peer(address);
        self
    }

    /// The request's session: opened by the first call, shared by all later ones, and by those that come at the same time: they wait
    /// for the one that opens it, so a call that is not polled any more must be dropped.
    ///
    /// A visitor without a session gets a vacant one: [`Session::value`] is the default, and nothing is stored
    /// before the first write.
    ///
    /// # Errors
    /// `Unavailable` if the store can't be asked; `Corrupt` if the value can't be read and the policy refuses it.
    pub async fn session(&self, request: &(impl Headers + ?Sized)) -> Result<Session<V, K>, Error> {
        self.opening(request).await
    }

    /// The same, done already if the store answers at once.
    pub(crate) fn opening<'a>(
        &'a self,
        request: &(impl Headers + ?Sized),
    ) -> Io<'a, Result<Session<V, K>, Error>> {
        self.shared
            .open_headers(request)
            .map(|found| found.map(|found| Session::found(Arc::clone(&self.shared), found)))
    }

    /// The same, for a server whose futures may not borrow the request.
    #[cfg(feature = "actix")]
    pub(crate) fn open(&self, request: &impl Headers) -> Io<'static, Result<Session<V, K>, Error>> {
        let shared = Arc::clone(&self.shared);
        match shared.open_nothing(shared.incoming(request)) {
            Ok(found) => Io::ready(Ok(Session::found(shared, found))),
            Err(incoming) => Io::future(async move {
                let found = shared.open_incoming(incoming).await?;
                Ok(Session::found(shared, found))
            }),
        }
    }

    /// The request's session, if it was opened already: for code that can't wait.
    pub fn opened(&self) -> Option<Session<V, K>> {
        self.shared.holding().map(|_| Session::of(Arc::clone(&self.shared)))
    }

    /// Closes the request_session, and says which headers its response needs; see [`finish`](RequestSession::finish).
    pub fn close(&self) -> ResponseHeaders {
        self.shared.close()
    }

    /// Closes the request_session and writes its headers into the response's.
    ///
    /// From here on nothing that needs a new key succeeds (`HeadersSent`); values can still be changed.
    pub fn finish(&self, response: &mut impl HeadersMut) {
        self.shared.close().apply_to(response);
    }
}

impl<V, K> Clone for RequestSession<V, K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), kind: PhantomData }
    }
}

impl<V, K> fmt::Debug for RequestSession<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestSession(..)")
    }
}
