//! Sessions for any tower service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::sessions::Sessions;
use crate::value::{DefaultKind, Kind, Value};
use crate::visit::Visit;

/// Gives every request a [`Visit`] in its extensions, and every response the headers its session needs.
///
/// A request that never asks for its session costs no store call and gets no header. Layer one per kind of session.
/// Wrapping the whole application (`layer.layer(router)`) is cheaper than `Router::layer`, which boxes once more.
pub struct SessionLayer<V, K = DefaultKind> {
    sessions: Sessions<V, K>,
}

impl<V: Value, K: Kind> SessionLayer<V, K> {
    /// The layer for these sessions.
    pub fn new(sessions: Sessions<V, K>) -> Self {
        Self { sessions }
    }
}

impl<V, K> Clone for SessionLayer<V, K> {
    fn clone(&self) -> Self {
        Self { sessions: self.sessions.clone() }
    }
}

impl<V, K> fmt::Debug for SessionLayer<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("sessions", &self.sessions).finish()
    }
}

impl<S, V: Value, K: Kind> Layer<S> for SessionLayer<V, K> {
    type Service = SessionService<S, V, K>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, sessions: self.sessions.clone() }
    }
}

/// The service that [`SessionLayer`] makes.
pub struct SessionService<S, V, K = DefaultKind> {
    inner: S,
    sessions: Sessions<V, K>,
}

impl<S: Clone, V, K> Clone for SessionService<S, V, K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), sessions: self.sessions.clone() }
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
        let visit = self.sessions.visit();
        request.extensions_mut().insert(visit.clone());
        SessionFuture { inner: self.inner.call(request), visit }
    }
}

pin_project! {
    /// The response of a [`SessionService`]: the inner one, with the session's headers.
    pub struct SessionFuture<F, V, K = DefaultKind> {
        #[pin]
        inner: F,
        visit: Visit<V, K>,
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
        this.visit.finish(response.headers_mut());
        Poll::Ready(Ok(response))
    }
}

impl<F, V, K> fmt::Debug for SessionFuture<F, V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionFuture(..)")
    }
}
