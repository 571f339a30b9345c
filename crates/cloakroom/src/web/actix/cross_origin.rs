//! Refuses requests of other origins before actix-web routes them.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::uri::Authority;
use pin_project_lite::pin_project;

use crate::error::Error;
use crate::http::CrossOriginProtection;

/// A middleware, for an application or a scope:
///
/// ```
/// # use actix_web::{App, web};
/// # use cloakroom::http::CrossOriginProtection;
/// # use cloakroom::{MemoryStore, SessionMap, SessionMiddleware, Sessions};
/// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// let app = App::new()
///     .route("/transfer", web::post().to(async || "done"))
///     .wrap(SessionMiddleware::new(sessions))
///     .wrap(CrossOriginProtection::new()); // what is wrapped last runs first
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// A refused request is answered with 403 and an empty body; in a debug build, the body says why.
impl<S, B> Transform<S, ServiceRequest> for CrossOriginProtection
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
{
    type Response = ServiceResponse<B>;
    type Error = actix_web::Error;
    type Transform = CrossOriginService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(CrossOriginService { inner, protection: self.clone() }))
    }
}

/// The service that [`CrossOriginProtection`] produces.
pub struct CrossOriginService<S> {
    inner: S,
    protection: CrossOriginProtection,
}

impl<S> fmt::Debug for CrossOriginService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrossOriginService")
            .field("protection", &self.protection)
            .finish_non_exhaustive()
    }
}

impl<S, B> Service<ServiceRequest> for CrossOriginService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
{
    type Response = ServiceResponse<B>;
    type Error = actix_web::Error;
    type Future = CrossOriginFuture<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), actix_web::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let uri = request.uri();
        let authority = uri.authority().map(Authority::as_str);
        let (method, headers) = (request.method().as_str(), request.headers());
        match self.protection.check_parts(method, uri.path(), authority, headers) {
            Ok(()) => CrossOriginFuture { inner: Some(self.inner.call(request)), refusal: None },
            Err(error) => CrossOriginFuture { inner: None, refusal: Some(error) },
        }
    }
}

pin_project! {
    /// The response of a [`CrossOriginService`]: the inner one, or an error.
    pub struct CrossOriginFuture<F> {
        #[pin]
        inner: Option<F>,
        refusal: Option<Error>,
    }
}

impl<F, T> Future for CrossOriginFuture<F>
where
    F: Future<Output = Result<T, actix_web::Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(inner) = this.inner.as_pin_mut() {
            return inner.poll(context);
        }
        // A future that is polled again once it is over may do as it likes.
        this.refusal.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error.into())))
    }
}

impl<F> fmt::Debug for CrossOriginFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CrossOriginFuture(..)")
    }
}
