//! One request's visit to the counter.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use crate::cell::Cell;
use crate::error::Error;
use crate::header_map::{Headers, HeadersMut};
use crate::headers::ResponseHeaders;
use crate::io::Io;
use crate::manager::Manager;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::value::{DefaultKind, Kind, Value};

/// One request's visit to the counter: opens the session once, and knows in the end which headers to send.
///
/// [`SessionLayer`](crate::SessionLayer) keeps one in every request; write the same two calls to serve sessions in
/// a framework that has no integration yet:
///
/// ```
/// # use cloakroom::{Map, MemoryStore, Sessions};
/// # let request = http::HeaderMap::new();
/// # let mut response = http::HeaderMap::new();
/// # cloakroom::Io::future(async move {
/// let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
/// let visit = sessions.visit();
/// let mut session = visit.session(&request).await?; // no store call without a key
/// session.update(|map| map.insert("seen", true)).await??;
/// visit.finish(&mut response); // Set-Cookie, Vary, Cache-Control
/// assert!(response.contains_key("set-cookie"));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
pub struct Visit<V, K = DefaultKind> {
    pub(crate) cell: Arc<Cell<V>>,
    kind: PhantomData<fn() -> K>,
}

impl<V: Value, K: Kind> Visit<V, K> {
    pub(crate) fn new(manager: Arc<Manager<V>>) -> Self {
        Self { cell: Arc::new(Cell::new(manager)), kind: PhantomData }
    }

    /// The manager whose session this request visits.
    pub fn sessions(&self) -> Sessions<V, K> {
        Sessions::of(Arc::clone(&self.cell.manager))
    }

    /// Tells the connection's own address, for what [`ClientPolicy::with_addresses`](crate::ClientPolicy::with_addresses)
    /// notes of the client. Call it before the session is opened.
    pub fn from_peer(self, address: IpAddr) -> Self {
        self.cell.set_peer(address);
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
        self.cell
            .open_headers(request)
            .map(|found| found.map(|found| Session::found(Arc::clone(&self.cell), found)))
    }

    /// The same, for a server whose futures may not borrow the request.
    #[cfg(feature = "actix")]
    pub(crate) fn open(&self, request: &impl Headers) -> Io<'static, Result<Session<V, K>, Error>> {
        let cell = Arc::clone(&self.cell);
        match cell.open_nothing(cell.arrival(request)) {
            Ok(found) => Io::ready(Ok(Session::found(cell, found))),
            Err(arrival) => Io::future(async move {
                let found = cell.open_arrival(arrival).await?;
                Ok(Session::found(cell, found))
            }),
        }
    }

    /// The request's session, if it was opened already: for code that can't wait.
    pub fn opened(&self) -> Option<Session<V, K>> {
        self.cell.holding().map(|_| Session::of(Arc::clone(&self.cell)))
    }

    /// Closes the visit, and says which headers its response needs; see [`finish`](Visit::finish).
    pub fn close(&self) -> ResponseHeaders {
        self.cell.close()
    }

    /// Closes the visit and writes its headers into the response's.
    ///
    /// From here on nothing that needs a new key succeeds (`HeadersSent`); values can still be changed.
    pub fn finish(&self, response: &mut impl HeadersMut) {
        self.cell.close().apply_to(response);
    }
}

impl<V, K> Clone for Visit<V, K> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell), kind: PhantomData }
    }
}

impl<V, K> fmt::Debug for Visit<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Visit(..)")
    }
}
