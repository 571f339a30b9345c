//! Sessions for any tower service.

#[cfg(feature = "device-binding")]
mod device;

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

#[cfg(feature = "device-binding")]
pub use device::{DeviceBindingFuture, DeviceBindingLayer, DeviceBindingService};
use http::header::{CACHE_CONTROL, LOCATION, REFRESH};
use http::{Extensions, HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::http::{RequestMethod, mark_keys_sensitive, path_of};
use crate::sessions::{RequestSession, Sessions};
use crate::value::{DefaultKind, SessionKind, SessionValue};
#[cfg(feature = "axum")]
use crate::web::missing_layer;
use crate::web::shared_cookie::{self, CookieOwners};

/// Gives every request a [`RequestSession`] in its extensions, and every response the headers that
/// its session needs.
///
/// A request that never asks for its session costs no store call and gets no header. Use one layer
/// per kind of session.
///
/// Put it outside layers that end a request early or make its response, such as timeouts and
/// `CatchPanicLayer`: inside them, the key of a sign-in that was stored could be lost. Compression
/// and tracing can be outside it, and `tower_http::csrf::CsrfLayer` should be: it refuses forms of
/// other sites before the session is opened.
///
/// The request's `Cookie` and `Authorization` are marked
/// [sensitive](http::HeaderValue::set_sensitive), so that `Debug` of a request shows no key.
///
/// Wrapping the whole application is cheaper than `Router::layer`, which boxes every request once
/// more: a request that ignores its session then costs half as much and four allocations less.
///
/// ```
/// # use axum::extract::Request;
/// # use axum::{Router, ServiceExt};
/// # use cloakroom::{MemoryStore, SessionLayer, SessionMap, Sessions};
/// # use tower_layer::Layer;
/// # type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
/// # async fn serve(listener: tokio::net::TcpListener) -> Result<()> {
/// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// # let router = Router::new();
/// let app = SessionLayer::new(sessions).layer(router);
/// axum::serve(listener, ServiceExt::<Request>::into_make_service(app)).await?;
/// # Ok(())
/// # }
/// ```
pub struct SessionLayer<V, K = DefaultKind> {
    sessions: Sessions<V, K>,
    peer: Option<FindPeer>,
    /// Where a request goes whose cookie may have been kept back.
    withheld: Option<Arc<HeaderValue>>,
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Finds the address of the connection in a request's extensions.
type FindPeer = fn(&Extensions) -> Option<IpAddr>;

impl<V: SessionValue, K: SessionKind> SessionLayer<V, K> {
    /// A layer for these sessions.
    pub fn new(sessions: Sessions<V, K>) -> Self {
        shared_cookie::register(&sessions);
        #[cfg(feature = "axum")]
        missing_layer::register::<Extensions, V, K>();
        Self { sessions, peer: None, withheld: None }
    }

    /// Reads of these requests do not count as uses of the session; see
    /// [`Sessions::without_touch`].
    ///
    /// Wrap a route that a page polls in it, within the layer of the whole application. A guard
    /// that asks for the session has to be inside it, too: the first to ask opens the session.
    pub fn without_touch(self) -> Self {
        Self { sessions: self.sessions.without_touch(), ..self }
    }

    /// Redirects a request from another site to `location` (303), a page of yours, if its handler
    /// answered 403 because the browser may have kept the cookie back
    /// ([`NoSession::Withheld`](crate::NoSession::Withheld)).
    ///
    /// The browser asks for that page with the cookie, so it can show a signed-in user where they
    /// are: for payments and forms that return from another site. Under `SameSite=Strict` a
    /// redirect would not help, since the browser keeps the cookie back for it, too: the response
    /// is a 200 with a `Refresh` header then, so that a page of yours leads on.
    ///
    /// # Panics
    /// Panics if `location` is not a valid header value.
    #[expect(clippy::panic, reason = "a mistake that shows when the application starts")]
    pub fn redirect_withheld(mut self, location: &str) -> Self {
        let Ok(location) = HeaderValue::from_str(location) else {
            panic!("`{location:?}` is not a location for a redirect")
        };
        self.withheld = Some(Arc::new(location));
        self
    }

    /// Finds the address of the connection in a request's extensions, which
    /// [`ClientPolicy::with_addresses`](crate::http::ClientPolicy::with_addresses) needs.
    ///
    /// ```
    /// # use std::net::SocketAddr;
    /// # use axum::extract::ConnectInfo;
    /// # use cloakroom::{MemoryStore, SessionLayer, SessionMap, Sessions};
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// // axum, served by `into_make_service_with_connect_info::<SocketAddr>()`
    /// let layer = SessionLayer::new(sessions).with_peer_addr(|extensions| {
    ///     extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
    /// });
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn with_peer_addr(mut self, find: fn(&Extensions) -> Option<IpAddr>) -> Self {
        self.peer = Some(find);
        self
    }
}

impl<V, K> Clone for SessionLayer<V, K> {
    fn clone(&self) -> Self {
        let Self { sessions, peer, withheld } = self;
        Self { sessions: sessions.clone(), peer: *peer, withheld: withheld.clone() }
    }
}

impl<V, K> fmt::Debug for SessionLayer<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}

impl<S, V: SessionValue, K: SessionKind> Layer<S> for SessionLayer<V, K> {
    type Service = SessionService<S, V, K>;

    fn layer(&self, inner: S) -> Self::Service {
        self.sessions.tell_of_endpoints("SessionLayer");
        self.service(inner)
    }
}

impl<V, K> SessionLayer<V, K> {
    fn service<S>(&self, inner: S) -> SessionService<S, V, K> {
        let Self { sessions, peer, withheld } = self.clone();
        SessionService { inner, sessions, peer, withheld }
    }
}

/// The service that [`SessionLayer`] produces.
pub struct SessionService<S, V, K = DefaultKind> {
    inner: S,
    sessions: Sessions<V, K>,
    peer: Option<FindPeer>,
    /// Where a request goes whose cookie may have been kept back.
    withheld: Option<Arc<HeaderValue>>,
}

impl<S: Clone, V, K> Clone for SessionService<S, V, K> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            sessions: self.sessions.clone(),
            peer: self.peer,
            withheld: self.withheld.clone(),
        }
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
    V: SessionValue,
    K: SessionKind,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = SessionFuture<S::Future, V, K>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        mark_keys_sensitive(request.headers_mut());
        let outer = request.extensions().get::<RequestSession<V, K>>();
        // The same layer twice: the outer one sends the headers.
        let outer = outer.filter(|request_session| self.sessions.owns(request_session));
        let request_session = match outer {
            Some(outer) => {
                self.sessions.adjust(outer);
                None
            }
            None => Some(self.begin(&mut request)),
        };
        let (path, is_safe) = (request.uri().path(), request.method().is_safe());
        let withheld = self.withheld.as_ref();
        let withheld =
            withheld.filter(|location| leads_elsewhere(location, path, is_safe)).cloned();
        SessionFuture { inner: self.inner.call(request), request_session, withheld }
    }
}

/// Whether a redirect to `location` leads away from the page with this path: a page that redirects
/// to itself does so for ever.
///
/// A router that nests others takes a prefix off the path. No page that is posted to is the target
/// of a redirect.
fn leads_elsewhere(location: &HeaderValue, path: &str, is_safe: bool) -> bool {
    let (location, path) = (path_of(location.as_bytes()), path.as_bytes());
    location != path && !(is_safe && location.ends_with(path))
}

impl<S, V: SessionValue, K: SessionKind> SessionService<S, V, K> {
    fn begin<B>(&self, request: &mut Request<B>) -> RequestSession<V, K> {
        let method = RequestMethod::of_request(request.method());
        let mut request_session = self.sessions.request_session_of(method);
        if let (false, Some(host)) = (method.is_safe(), request.uri().host()) {
            request_session.request.set_authority(host);
        }
        if let Some(address) = self.peer.and_then(|find| find(request.extensions())) {
            request_session = request_session.with_peer_addr(address);
        }
        if shared_cookie::are_shared() {
            let owners = request.extensions_mut().get_or_insert_default::<CookieOwners>();
            if let Some(mistake) = owners.claim(&self.sessions) {
                request_session.request.refuse(mistake);
            }
        }
        request.extensions_mut().insert(request_session.clone());
        request_session
    }
}

pin_project! {
    /// The response of a [`SessionService`]: the inner one, with the session's headers.
    pub struct SessionFuture<F, V, K = DefaultKind> {
        #[pin]
        inner: F,
        request_session: Option<RequestSession<V, K>>,
        withheld: Option<Arc<HeaderValue>>,
    }
}

impl<F, R, E, V, K> Future for SessionFuture<F, V, K>
where
    F: Future<Output = Result<Response<R>, E>>,
    V: SessionValue,
    K: SessionKind,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(context))?;
        if let Some(request_session) = this.request_session {
            if let Some(location) = this.withheld.take() {
                if response.status() == StatusCode::FORBIDDEN && request_session.is_withheld() {
                    if let Some(refresh) = request_session.refresh_to(location.as_bytes()) {
                        // Browsers replace an error without a body by a page of their own.
                        *response.status_mut() = StatusCode::OK;
                        response.headers_mut().insert(REFRESH, refresh);
                        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
                    } else {
                        *response.status_mut() = StatusCode::SEE_OTHER;
                        response.headers_mut().insert(LOCATION, HeaderValue::clone(&location));
                    }
                }
            }
            request_session.finish(response.headers_mut());
        }
        Poll::Ready(Ok(response))
    }
}

impl<F, V, K> fmt::Debug for SessionFuture<F, V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionFuture(..)")
    }
}
