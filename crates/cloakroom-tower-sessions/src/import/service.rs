//! The service that imports a session before it calls the inner one.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use cloakroom::value::DefaultKind;
use cloakroom::{Error, RequestSession, SessionKind, SessionValue};
use http::header::SET_COOKIE;
use http::{HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::ImportLayer;

/// The service of an [`ImportLayer`].
pub struct ImportService<S, V, K = DefaultKind> {
    pub(super) inner: S,
    pub(super) layer: ImportLayer<V, K>,
}

impl<S: Clone, V, K> Clone for ImportService<S, V, K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S, V, K> fmt::Debug for ImportService<S, V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImportService(..)")
    }
}

impl<S, B, R, V, K> Service<Request<B>> for ImportService<S, V, K>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
    V: SessionValue,
    K: SessionKind,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ImportFuture<S::Future, Response<R>, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let id = self.layer.id(request.headers());
        let Some(id) = id else {
            return ImportFuture { stage: Stage::Plain { inner: self.inner.call(request) } };
        };
        let Some(request_session) = request.extensions().get::<RequestSession<V, K>>().cloned()
        else {
            let misplaced = async {
                let mut response = Response::new(R::default());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                Ok(response)
            };
            return ImportFuture { stage: Stage::Importing { response: Box::pin(misplaced) } };
        };
        // The service that `poll_ready` was called on must be the one that is called.
        let next = self.inner.clone();
        let (mut inner, layer) = (mem::replace(&mut self.inner, next), self.layer.clone());
        let importing = async move {
            let (parts, body) = request.into_parts();
            match layer.legacy.import(&request_session, &parts.headers, id).await {
                Err(error) => Ok(refused(&error)),
                Ok(is_done) => {
                    let mut response = inner.call(Request::from_parts(parts, body)).await?;
                    if is_done {
                        response
                            .headers_mut()
                            .append(SET_COOKIE, HeaderValue::clone(&layer.cookie.removal));
                    }
                    Ok(response)
                }
            }
        };
        ImportFuture { stage: Stage::Importing { response: Box::pin(importing) } }
    }
}

fn refused<R: Default>(error: &Error) -> Response<R> {
    let mut response = Response::new(R::default());
    *response.status_mut() = error.status();
    response.headers_mut().extend(error.header());
    response
}

pin_project! {
    /// The response of an [`ImportService`].
    pub struct ImportFuture<F, R, E> {
        #[pin]
        stage: Stage<F, R, E>,
    }
}

type Importing<R, E> = Pin<Box<dyn Future<Output = Result<R, E>> + Send>>;

pin_project! {
    #[project = StageProjection]
    enum Stage<F, R, E> {
        Plain { #[pin] inner: F },
        Importing { response: Importing<R, E> },
    }
}

impl<F: Future<Output = Result<R, E>>, R, E> Future for ImportFuture<F, R, E> {
    type Output = Result<R, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().stage.project() {
            StageProjection::Plain { inner } => ready!(inner.poll(context)),
            StageProjection::Importing { response } => ready!(response.as_mut().poll(context)),
        })
    }
}

impl<F, R, E> fmt::Debug for ImportFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImportFuture(..)")
    }
}
