//! A contender's service and the browsers that call it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use axum::routing::Route;
use http::header::COOKIE;
use http::{HeaderValue, Request, Uri};
use tower_layer::Layer;
use tower_service::Service;

use crate::Failure;
use crate::answer::Answer;
use crate::case::{Case, cookies};

/// A service, and the cookie headers of the browsers that have a session there.
pub(crate) struct Server {
    service: Box<dyn Serve>,
    browsers: Vec<HeaderValue>,
}

/// Any contender's service: behind one pointer, with one boxed future, whoever it is and wherever its layer, so that the
/// difference is the layer's.
pub(crate) trait Serve {
    /// A request that is served when it is awaited.
    fn serve(&self, path: &'static str, cookies: Option<&HeaderValue>) -> Serving<'_>;
}

/// A request on its way.
pub(crate) type Serving<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

impl Server {
    pub(crate) fn new(service: Box<dyn Serve>, keys: &[String]) -> Result<Self, Failure> {
        let browsers = keys.iter().map(|key| cookies(key)).collect::<Result<_, _>>()?;
        Ok(Self { service, browsers })
    }

    /// With the browsers of sessions that its route `/seed` began.
    pub(crate) async fn seeded(mut self, sessions: usize) -> Result<Self, Failure> {
        for _ in 0..sessions {
            let answer = self.service.serve("/seed", None).await;
            let key = answer.key()?.ok_or("a seed without a cookie")?;
            self.browsers.push(cookies(&key)?);
        }
        Ok(self)
    }

    /// Request number `number` of a run, from the browsers in turn.
    pub(crate) fn request(&self, case: Case, number: usize) -> Serving<'_> {
        self.request_of(case, &self.browsers[number % self.browsers.len()])
    }

    /// The request of a browser of which these are the cookies, where the case has it send some.
    pub(crate) fn request_of(&self, case: Case, known: &HeaderValue) -> Serving<'_> {
        self.service.serve(case.path(), case.cookies(known).as_ref())
    }
}

/// Where the layer of a contender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mount {
    /// Inside the router, by `Router::layer`, which boxes once more.
    Inner,
    /// Around the router.
    Outer,
}

impl Mount {
    /// A server of `router` with `layer`.
    pub(crate) fn server<L>(self, router: Router, layer: L, keys: &[String]) -> Result<Server, Failure>
    where
        L: Layer<Route, Service: Answering>
            + Layer<Router, Service: Answering>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        match self {
            Self::Inner => Server::new(tower(router.layer(layer)), keys),
            Self::Outer => Server::new(tower(layer.layer(router)), keys),
        }
    }
}

/// What a layered router is.
pub(crate) trait Answering:
    Service<Request<Body>, Response = axum::response::Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Answering for S where
    S: Service<Request<Body>, Response = axum::response::Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// A tower service, as one of many.
pub(crate) fn tower(service: impl Answering) -> Box<dyn Serve> {
    Box::new(Tower(service))
}

struct Tower<S>(S);

impl<S: Answering> Serve for Tower<S> {
    fn serve(&self, path: &'static str, cookies: Option<&HeaderValue>) -> Serving<'_> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static(path);
        if let Some(cookies) = cookies {
            request.headers_mut().insert(COOKIE, cookies.clone());
        }
        Box::pin(async move {
            match self.0.clone().call(request).await {
                Ok(response) => Answer::Axum(response),
                Err(never) => match never {},
            }
        })
    }
}
