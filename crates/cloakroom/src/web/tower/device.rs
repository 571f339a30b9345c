//! Serves the endpoints of device binding in front of the session layer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{SessionFuture, SessionLayer, SessionService};
use crate::value::{DefaultKind, SessionKind, SessionValue};

/// A [`SessionLayer`] that also serves the endpoints of
/// [device binding](crate::device_binding); see [`SessionLayer::serving_device_binding`].
pub struct DeviceBindingLayer<V, K = DefaultKind>(SessionLayer<V, K>);

impl<V: SessionValue, K: SessionKind> SessionLayer<V, K> {
    /// The same layer, which also serves the endpoints at which browsers bind sessions to a device
    /// and refresh their cookies.
    ///
    /// Put it where all requests arrive with their whole path, and let no other middleware around
    /// it refuse a `POST` of the same site. It answers requests to the two paths of the policy
    /// itself, and passes on all others. With axum, call `Router::layer` on the whole application
    /// and after the last `merge` and `nest`: a router that is merged later takes unknown paths,
    /// and these two are unknown to it.
    ///
    /// ```
    /// # use axum::Router;
    /// # use cloakroom::{MemoryStore, SessionLayer, SessionMap, Sessions};
    /// # use cloakroom::device_binding::DeviceBinding;
    /// # let router: Router = Router::new();
    /// let sessions: Sessions<SessionMap> =
    ///     Sessions::builder(MemoryStore::new()).device_binding(DeviceBinding::offer()).build()?;
    /// let app = router.layer(SessionLayer::new(sessions).serving_device_binding());
    /// # let _: Router = app;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn serving_device_binding(self) -> DeviceBindingLayer<V, K> {
        DeviceBindingLayer(self)
    }
}

impl<V, K> Clone for DeviceBindingLayer<V, K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V, K> fmt::Debug for DeviceBindingLayer<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeviceBindingLayer").field(&self.0).finish()
    }
}

impl<S, V: SessionValue, K: SessionKind> Layer<S> for DeviceBindingLayer<V, K> {
    type Service = DeviceBindingService<S, V, K>;

    fn layer(&self, inner: S) -> Self::Service {
        DeviceBindingService(self.0.service(inner))
    }
}

/// The service that [`DeviceBindingLayer`] produces.
pub struct DeviceBindingService<S, V, K = DefaultKind>(SessionService<S, V, K>);

impl<S: Clone, V, K> Clone for DeviceBindingService<S, V, K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: fmt::Debug, V, K> fmt::Debug for DeviceBindingService<S, V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeviceBindingService").field(&self.0).finish()
    }
}

impl<S, B, R, V, K> Service<Request<B>> for DeviceBindingService<S, V, K>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<String>,
    V: SessionValue,
    K: SessionKind,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = DeviceBindingFuture<S::Future, V, K>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let sessions = &self.0.sessions;
        let Some(endpoint) = sessions.device_endpoint(request.uri().path()) else {
            return DeviceBindingFuture::Inner { inner: self.0.call(request) };
        };
        let sessions = sessions.clone();
        let (parts, _) = request.into_parts();
        let answer = Box::pin(async move {
            sessions.answer_device(endpoint, parts.method.as_str(), &parts.headers).await
        });
        DeviceBindingFuture::Endpoint { answer }
    }
}

/// The answer of an endpoint, on its way.
type AnswerFuture = Pin<Box<dyn Future<Output = Response<String>> + Send>>;

pin_project! {
    /// The response of a [`DeviceBindingService`].
    #[project = DeviceBindingProjection]
    pub enum DeviceBindingFuture<F, V, K = DefaultKind> {
        #[doc(hidden)]
        Inner { #[pin] inner: SessionFuture<F, V, K> },
        #[doc(hidden)]
        Endpoint { answer: AnswerFuture },
    }
}

impl<F, R, E, V, K> Future for DeviceBindingFuture<F, V, K>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: From<String>,
    V: SessionValue,
    K: SessionKind,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.project() {
            DeviceBindingProjection::Inner { inner } => inner.poll(context),
            DeviceBindingProjection::Endpoint { answer } => {
                Poll::Ready(Ok(ready!(answer.as_mut().poll(context)).map(R::from)))
            }
        }
    }
}

impl<F, V, K> fmt::Debug for DeviceBindingFuture<F, V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceBindingFuture(..)")
    }
}
