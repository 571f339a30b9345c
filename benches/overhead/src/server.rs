//! A contender's service and the browsers that call it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::Route;
use http::header::SET_COOKIE;
use http::{HeaderValue, Request, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use crate::Failure;
use crate::case::{COOKIE_NAME, Case, cookies};
use crate::contender::Contender;

/// A service, and the cookie headers of the browsers that have a session there.
pub(crate) struct Server {
    service: Box<dyn Serve>,
    browsers: Vec<HeaderValue>,
}

/// Where the layer of a contender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mount {
    /// Inside the router, by `Router::layer`, which boxes once more.
    Inner,
    /// Around the router.
    Outer,
}

type Serving<'a> = Pin<Box<dyn Future<Output = Response> + 'a>>;

/// Any contender's service: behind one pointer, with one boxed future, whoever it is and wherever its layer, so that the
/// difference is the layer's.
trait Serve {
    fn serve(&self, request: Request<Body>) -> Serving<'_>;
}

impl<S: Answering> Serve for S {
    fn serve(&self, request: Request<Body>) -> Serving<'_> {
        let answer = self.clone().call(request);
        Box::pin(async {
            match answer.await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
    }
}

/// What a layered router is.
pub(crate) trait Answering:
    Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<S> Answering for S where
    S: Service<Request<Body>, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
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
            Self::Inner => Server::new(router.layer(layer), keys),
            Self::Outer => Server::new(layer.layer(router), keys),
        }
    }
}

impl Server {
    pub(crate) fn new(service: impl Answering, keys: &[String]) -> Result<Self, Failure> {
        let browsers = keys.iter().map(|key| cookies(key)).collect::<Result<_, _>>()?;
        Ok(Self { service: Box::new(service), browsers })
    }

    /// Request number `number` of a run: the browsers take turns.
    pub(crate) fn request(&self, case: Case, number: usize) -> Request<Body> {
        case.request(&self.browsers[number % self.browsers.len()])
    }

    pub(crate) async fn serve(&self, request: Request<Body>) -> Response {
        self.service.serve(request).await
    }
}

/// Fails unless `contender` answers `case` as it should: a broken server is fast.
pub(crate) async fn verify(contender: Contender, case: Case) -> Result<(), Failure> {
    let server = contender.server(4).await?;
    let stateless = contender == Contender::Plain;
    let sets =
        !stateless && (case == Case::New || case == Case::ReadWrite && contender.sends_cookie_on_write());
    let counts = match case {
        Case::Bot | Case::Anonymous | Case::Untouched => ["ignored", "ignored"],
        Case::Read => ["0", "0"],
        Case::ReadWrite if !stateless => ["1", "2"],
        Case::ReadWrite | Case::New => ["1", "1"],
    };
    for count in counts {
        let response = server.serve(server.request(case, 1)).await;
        let cookie = new_key(&response)?;
        expect(response.status() == StatusCode::OK, || format!("status {}", response.status()))?;
        expect(cookie.is_some() == sets, || format!("Set-Cookie: {cookie:?}"))?;
        let body = body(response).await?;
        expect(body == count, || format!("body `{body}` instead of `{count}`"))?;

        let after = if case == Case::ReadWrite { count } else { "1" };
        if let Some(key) = cookie {
            let response = server.serve(Case::Read.request(&cookies(&key)?)).await;
            let kept = body_of_read(response).await?;
            expect(kept == after, || format!("the session sent keeps `{kept}` instead of `{after}`"))?;
        }
    }
    if case == Case::ReadWrite && !stateless {
        let kept = body_of_read(server.serve(server.request(Case::Read, 1)).await).await?;
        expect(kept == "2", || format!("two writes left `{kept}`"))?;
        let other = body_of_read(server.serve(server.request(Case::Read, 2)).await).await?;
        expect(other == "0", || format!("another session has `{other}`"))?;
    }
    Ok(())
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

async fn body(response: Response) -> Result<String, Failure> {
    let bytes = axum::body::to_bytes(response.into_body(), 1024).await?;
    Ok(String::from_utf8(bytes.to_vec())?)
}

async fn body_of_read(response: Response) -> Result<String, Failure> {
    expect(response.status() == StatusCode::OK, || format!("a read answers {}", response.status()))?;
    body(response).await
}

/// The session cookie's value in the response, if it sets one.
fn new_key(response: &Response) -> Result<Option<String>, Failure> {
    let Some(header) = response.headers().get(SET_COOKIE) else {
        return Ok(None);
    };
    let pair = header.to_str()?.split(';').next().unwrap_or_default();
    match pair.split_once('=') {
        Some((COOKIE_NAME, value)) if !value.is_empty() => Ok(Some(value.to_owned())),
        _ => Err("Set-Cookie is for another cookie".into()),
    }
}
