//! A contender's service, and the browsers that call it.

use std::future::Future;
use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use http::header::COOKIE;
use http::{HeaderValue, Request, Uri};
use tower_service::Service;

use super::answer::{Answer, Ask, Asking, begin};
use super::case::Case;
use super::contender::Contender;
use crate::Failure;

/// Any contender's service: behind one pointer and with one boxed future, so that contenders
/// differ only by their layers.
pub trait Serve: Ask {
    /// Prepares a request, which is served when the future is awaited.
    fn serve(&self, path: &'static str, cookies: Option<&HeaderValue>) -> Serving<'_>;
}

pub type Serving<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A service, and the `Cookie` headers of browsers that have a session there.
pub(super) struct Server {
    pub(super) service: Box<dyn Serve>,
    browsers: Vec<HeaderValue>,
}

impl Server {
    pub(super) async fn open(contender: &Contender, sessions: usize) -> Result<Self, Failure> {
        let service = (contender.open)().await?;
        let mut browsers = Vec::with_capacity(sessions);
        for number in 0..sessions {
            browsers.push(begin(&*service, contender.keeps_sessions(), number).await?);
        }
        Ok(Self { service, browsers })
    }

    /// Request number `number` of a run; browsers take turns.
    pub(super) fn request(&self, case: Case, number: usize) -> Serving<'_> {
        let known = &self.browsers[number % self.browsers.len()];
        self.service.serve(case.path(), case.cookies(known).as_ref())
    }
}

/// The service of a router with its layers.
#[must_use]
pub fn on_router(router: Router) -> Box<dyn Serve> {
    Box::new(OnRouter(router))
}

struct OnRouter(Router);

fn request(path: &'static str, cookies: Option<&HeaderValue>) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static(path);
    if let Some(cookies) = cookies {
        request.headers_mut().insert(COOKIE, cookies.clone());
    }
    request
}

impl Serve for OnRouter {
    fn serve(&self, path: &'static str, cookies: Option<&HeaderValue>) -> Serving<'_> {
        let request = request(path, cookies);
        Box::pin(async move { drop(self.0.clone().call(request).await) })
    }
}

impl Ask for OnRouter {
    fn ask(&self, path: &'static str, cookies: Option<&HeaderValue>) -> Asking<'_> {
        let request = request(path, cookies);
        Box::pin(async move {
            let Ok(response) = self.0.clone().call(request).await;
            let (head, body) = response.into_parts();
            let body = axum::body::to_bytes(body, 1024).await?;
            let headers =
                head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            Answer::new(head.status.as_u16(), headers, &body)
        })
    }
}
