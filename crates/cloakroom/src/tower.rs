//! Sessions for any tower service.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::sessions::Sessions;
use crate::value::{DefaultKind, Kind, Value};
use crate::visit::Visit;

/// Gives every request a [`Visit`] in its extensions, and every response the headers its session needs.
///
/// A request that never asks for its session costs no store call and gets no header. Layer one per kind of session.
///
/// Around the whole application it is cheaper than by `Router::layer`, which boxes every request once more: a request that
/// ignores its session costs half, and four allocations less.
///
/// ```
/// # use axum::extract::Request;
/// # use axum::{Router, ServiceExt};
/// # use cloakroom::{Map, MemoryStore, SessionLayer, Sessions};
/// # use tower_layer::Layer;
/// # async fn serve(listener: tokio::net::TcpListener) -> Result<(), Box<dyn std::error::Error>> {
/// # let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
/// # let router = Router::new();
/// let app = SessionLayer::new(sessions).layer(router);
/// axum::serve(listener, ServiceExt::<Request>::into_make_service(app)).await?;
/// # Ok(())
/// # }
/// ```
pub struct SessionLayer<V, K = DefaultKind> {
    sessions: Sessions<V, K>,
    peer: Option<FindPeer>,
}

/// Where a server keeps the address of the connection that a request came on.
type FindPeer = fn(&Extensions) -> Option<IpAddr>;

impl<V: Value, K: Kind> SessionLayer<V, K> {
    /// The layer for these sessions.
    pub fn new(sessions: Sessions<V, K>) -> Self {
        Self { sessions, peer: None }
    }

    /// Finds the connection's own address in a request's extensions, for what
    /// [`ClientPolicy::with_addresses`](crate::ClientPolicy::with_addresses) notes of clients.
    ///
    /// ```
    /// # use std::net::SocketAddr;
    /// # use axum::extract::ConnectInfo;
    /// # use cloakroom::{Map, MemoryStore, SessionLayer, Sessions};
    /// # let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
    /// // axum, served by `into_make_service_with_connect_info::<SocketAddr>()`
    /// let layer = SessionLayer::new(sessions).with_peer(|extensions| {
    ///     extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
    /// });
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn with_peer(mut self, find: fn(&Extensions) -> Option<IpAddr>) -> Self {
        self.peer = Some(find);
        self
    }
}

impl<V, K> Clone for SessionLayer<V, K> {
    fn clone(&self) -> Self {
        Self { sessions: self.sessions.clone(), peer: self.peer }
    }
}

impl<V, K> fmt::Debug for SessionLayer<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}

impl<S, V: Value, K: Kind> Layer<S> for SessionLayer<V, K> {
    type Service = SessionService<S, V, K>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, sessions: self.sessions.clone(), peer: self.peer }
    }
}

/// The service that [`SessionLayer`] makes.
pub struct SessionService<S, V, K = DefaultKind> {
    inner: S,
    sessions: Sessions<V, K>,
    peer: Option<FindPeer>,
}

impl<S: Clone, V, K> Clone for SessionService<S, V, K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), sessions: self.sessions.clone(), peer: self.peer }
    }
}

impl<S: fmt::Debug, V, K> fmt::Debug for SessionService<S, V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B, R, V, K> Service<Request<B>> for SessionService<S, V, K>
where
    S: Service<Request<B>, Response = Response<R>>,
    V: Value,
    K: Kind,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = SessionFuture<S::Future, V, K>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let outer = request.extensions().get::<Visit<V, K>>();
        // The same sessions twice: the outer layer knows which headers to send.
        let is_inner = outer.is_some_and(|visit| self.sessions.is_visited(visit));
        let visit = (!is_inner).then(|| self.begin(request.extensions_mut()));
        SessionFuture { inner: self.inner.call(request), visit }
    }
}

impl<S, V: Value, K: Kind> SessionService<S, V, K> {
    fn begin(&self, extensions: &mut Extensions) -> Visit<V, K> {
        let mut visit = self.sessions.visit();
        if let Some(address) = self.peer.and_then(|find| find(extensions)) {
            visit = visit.from_peer(address);
        }
        extensions.insert(visit.clone());
        visit
    }
}

pin_project! {
    /// The response of a [`SessionService`]: the inner one, with the session's headers.
    pub struct SessionFuture<F, V, K = DefaultKind> {
        #[pin]
        inner: F,
        visit: Option<Visit<V, K>>,
    }
}

impl<F, R, E, V, K> Future for SessionFuture<F, V, K>
where
    F: Future<Output = Result<Response<R>, E>>,
    V: Value,
    K: Kind,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(context))?;
        if let Some(visit) = this.visit {
            visit.finish(response.headers_mut());
        }
        Poll::Ready(Ok(response))
    }
}

impl<F, V, K> fmt::Debug for SessionFuture<F, V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionFuture(..)")
    }
}
