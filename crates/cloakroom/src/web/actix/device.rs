//! Serves the endpoints of device binding in front of the session middleware.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, EitherBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::StatusCode;
use pin_project_lite::pin_project;

use super::SessionMiddleware;
use super::middleware::{SessionFuture, SessionService};
use crate::http::HeadersMut;
use crate::value::{DefaultKind, SessionKind, SessionValue};

/// A [`SessionMiddleware`] that also serves the endpoints of
/// [device binding](crate::device_binding); see [`SessionMiddleware::serving_device_binding`].
pub struct DeviceBindingMiddleware<V, K = DefaultKind>(SessionMiddleware<V, K>);

impl<V: SessionValue, K: SessionKind> SessionMiddleware<V, K> {
    /// The same middleware, which also serves the endpoints at which browsers bind sessions to a
    /// device and refresh their cookies.
    ///
    /// Wrap the `App` in it, and let no middleware around it refuse a `POST` of the same site. It
    /// answers requests to the two paths of the policy itself, and passes on all others.
    ///
    /// ```
    /// # use actix_web::App;
    /// # use cloakroom::{MemoryStore, SessionMap, SessionMiddleware, Sessions};
    /// # use cloakroom::device_binding::DeviceBinding;
    /// let sessions: Sessions<SessionMap> =
    ///     Sessions::builder(MemoryStore::new()).device_binding(DeviceBinding::offer()).build()?;
    /// let app = App::new().wrap(SessionMiddleware::new(sessions).serving_device_binding());
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn serving_device_binding(self) -> DeviceBindingMiddleware<V, K> {
        DeviceBindingMiddleware(self)
    }
}

impl<V, K> Clone for DeviceBindingMiddleware<V, K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V, K> fmt::Debug for DeviceBindingMiddleware<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeviceBindingMiddleware").field(&self.0).finish()
    }
}

impl<S, B, V, K> Transform<S, ServiceRequest> for DeviceBindingMiddleware<V, K>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    V: SessionValue,
    K: SessionKind,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = DeviceBindingService<S, V, K>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        let middleware = self.0.clone();
        ready(Ok(DeviceBindingService(SessionService { inner: Rc::new(inner), middleware })))
    }
}

/// The service that [`DeviceBindingMiddleware`] produces.
pub struct DeviceBindingService<S, V, K>(SessionService<S, V, K>);

impl<S, V, K> fmt::Debug for DeviceBindingService<S, V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceBindingService(..)")
    }
}

impl<S, B, V, K> Service<ServiceRequest> for DeviceBindingService<S, V, K>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    V: SessionValue,
    K: SessionKind,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = DeviceBindingFuture<S, V, K>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), actix_web::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let sessions = &self.0.middleware.sessions;
        let Some(endpoint) = sessions.device_endpoint(request.path()) else {
            return DeviceBindingFuture::Inner { inner: self.0.call(request) };
        };
        let sessions = sessions.clone();
        let answer = Box::pin(async move {
            let (method, headers) = (request.method().as_str(), request.headers());
            let answer = sessions.answer_device(endpoint, method, headers).await;
            let (parts, body) = answer.into_parts();
            let status = StatusCode::from_u16(parts.status.as_u16());
            let mut response =
                HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)).body(body);
            response.headers_mut().clear();
            for (name, value) in &parts.headers {
                HeadersMut::append(response.headers_mut(), name.clone(), value.clone());
            }
            request.into_response(response)
        });
        DeviceBindingFuture::Endpoint { answer }
    }
}

/// The answer of an endpoint, on its way.
type AnswerFuture = Pin<Box<dyn Future<Output = ServiceResponse<BoxBody>>>>;

pin_project! {
    /// The response of a [`DeviceBindingService`].
    #[project = DeviceBindingProjection]
    pub enum DeviceBindingFuture<S, V, K>
    where
        S: Service<ServiceRequest>,
        V: SessionValue,
        K: SessionKind,
    {
        #[doc(hidden)]
        Inner { #[pin] inner: SessionFuture<S, V, K> },
        #[doc(hidden)]
        Endpoint { answer: AnswerFuture },
    }
}

impl<S, B, V, K> Future for DeviceBindingFuture<S, V, K>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    V: SessionValue,
    K: SessionKind,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, actix_web::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project() {
            DeviceBindingProjection::Inner { inner } => {
                ready!(inner.poll(context)).map(ServiceResponse::map_into_left_body)
            }
            DeviceBindingProjection::Endpoint { answer } => {
                Ok(ready!(answer.as_mut().poll(context)).map_into_right_body())
            }
        })
    }
}

impl<S: Service<ServiceRequest>, V: SessionValue, K: SessionKind> fmt::Debug
    for DeviceBindingFuture<S, V, K>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceBindingFuture(..)")
    }
}
