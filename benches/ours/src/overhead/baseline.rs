//! The hand-written baseline: what cloakroom does for a request, written for this one program.
//!
//! It has the same duties: a lazy layer, a key checked by its SHA-256, idle and absolute deadlines,
//! writes by compare-and-swap, and the same headers. It leaves out what makes a library: other
//! stores and frameworks, policies, renewal of keys, principals, observers, garbage collection.

mod key;
mod store;

use std::future::{Future, ready};
use std::io::Write as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::extract::FromRequestParts;
use axum::routing::get;
use http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use httpdate::HttpDate;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::apps::router;
use super::case::COOKIE_NAME;
use crate::Failure;
use crate::visitor::{Visitor, next_visitor};
use key::{Key, TEXT};
use store::{Held, Store};

/// The routes and the layer.
pub fn app() -> Result<(Router, Layered<()>), Failure> {
    let layer = Layered { inner: (), store: Arc::new(Store::new()?) };
    Ok((router(get(read), get(write), get(seed)), layer))
}

async fn read(session: Session) -> String {
    session.held.map_or(0, |held| held.entry.visitor.visits).to_string()
}

async fn write(mut session: Session) -> Result<String, StatusCode> {
    let visits = session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits
    })?;
    Ok(visits.to_string())
}

async fn seed(mut session: Session) -> Result<(), StatusCode> {
    session.update(|visitor| *visitor = next_visitor())
}

/// The session state of one request.
struct RequestSession {
    store: Arc<Store>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    asked: bool,
    held: Option<Held>,
    sends: Option<[u8; TEXT]>,
}

impl RequestSession {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the session on the first call.
    fn open(&self, headers: &HeaderMap) -> Option<Held> {
        let mut state = self.lock();
        if !state.asked {
            state.asked = true;
            state.held = self.find(headers);
        }
        state.held.clone()
    }

    /// The session that the first valid key opens. Looks at every cookie and allocates nothing.
    fn find(&self, headers: &HeaderMap) -> Option<Held> {
        let mut found = None;
        for header in headers.get_all(COOKIE) {
            let mut rest = header.as_bytes();
            while !rest.is_empty() {
                let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
                let pair = rest[..end].trim_ascii();
                rest = rest.get(end + 1..).unwrap_or_default();
                let value = pair
                    .strip_prefix(COOKIE_NAME.as_bytes())
                    .and_then(|rest| rest.strip_prefix(b"="));
                if let (None, Some(value)) = (&found, value) {
                    found = Key::from_text(value).and_then(|key| self.store.open(&key));
                }
            }
        }
        found
    }

    fn finish(&self, headers: &mut HeaderMap) {
        let state = self.lock();
        if !state.asked {
            return;
        }
        let listed = |vary: &HeaderValue| {
            let mut listed = vary.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            listed.any(|name| name == b"*" || name.eq_ignore_ascii_case(b"cookie"))
        };
        if !headers.get_all(VARY).iter().any(listed) {
            // A first visit's answer would depend on the site that sent the request, too.
            let vary = if state.sends.is_some() { "cookie, sec-fetch-site" } else { "cookie" };
            headers.append(VARY, HeaderValue::from_static(vary));
        }
        if let Some(cookie) = state.sends.as_ref().and_then(set_cookie) {
            // Only this layer sets this cookie; other cookies stay.
            headers.append(SET_COOKIE, cookie);
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// Writes the header into one buffer of the right size.
fn set_cookie(key: &[u8; TEXT]) -> Option<HeaderValue> {
    const LIFE: Duration = Duration::from_hours(12);
    const MAX_AGE: &str = "; Max-Age=43200; Expires=";
    const DATE_LEN: usize = 29;
    const ATTRIBUTES: &str = "; Path=/; Secure; HttpOnly; SameSite=Lax";
    let fixed = COOKIE_NAME.len() + 1 + MAX_AGE.len() + DATE_LEN + ATTRIBUTES.len();
    let mut text = Vec::with_capacity(TEXT + fixed);
    text.extend_from_slice(COOKIE_NAME.as_bytes());
    text.push(b'=');
    text.extend_from_slice(key);
    text.extend_from_slice(MAX_AGE.as_bytes());
    let now = Duration::from_millis(store::now());
    write!(text, "{}", HttpDate::from(UNIX_EPOCH + now + LIFE)).ok()?;
    text.extend_from_slice(ATTRIBUTES.as_bytes());
    let mut value = HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The session in a handler.
struct Session {
    request: Arc<RequestSession>,
    held: Option<Held>,
}

impl Session {
    /// Writes a changed copy, and starts again if another write came first.
    fn update<R>(&mut self, change: impl Fn(&mut Visitor) -> R) -> Result<R, StatusCode> {
        let Some(mut held) = self.held.take() else {
            let mut visitor = Visitor::default();
            let result = change(&mut visitor);
            let (key, held) = self.request.store.insert(visitor)?;
            let mut state = self.request.lock();
            state.sends = Some(key.text());
            state.held = Some(held.clone());
            self.held = Some(held);
            return Ok(result);
        };
        loop {
            let mut visitor = held.entry.visitor.clone();
            let result = change(&mut visitor);
            match self.request.store.replace(&held, visitor)? {
                Ok(written) => {
                    self.request.lock().held = Some(written.clone());
                    self.held = Some(written);
                    return Ok(result);
                }
                Err(newer) => held = newer,
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = StatusCode;

    fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> impl Future<Output = Result<Self, StatusCode>> + Send {
        let request = parts.extensions.get::<Arc<RequestSession>>();
        ready(request.ok_or(StatusCode::INTERNAL_SERVER_ERROR).map(|request| {
            let held = request.open(&parts.headers);
            Self { request: Arc::clone(request), held }
        }))
    }
}

/// The layer (`Layered<()>`) and its service.
#[derive(Clone)]
pub struct Layered<S> {
    inner: S,
    store: Arc<Store>,
}

impl<S> Layer<S> for Layered<()> {
    type Service = Layered<S>;

    fn layer(&self, inner: S) -> Layered<S> {
        Layered { inner, store: Arc::clone(&self.store) }
    }
}

impl<S: Service<Request<B>, Response = Response<R>>, B, R> Service<Request<B>> for Layered<S> {
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Finishing<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let session =
            Arc::new(RequestSession { store: Arc::clone(&self.store), state: Mutex::default() });
        request.extensions_mut().insert(Arc::clone(&session));
        Finishing { inner: self.inner.call(request), request: session }
    }
}

pin_project! {
    /// The inner response with the session's headers.
    pub struct Finishing<F> {
        #[pin]
        inner: F,
        request: Arc<RequestSession>,
    }
}

impl<R, E, F: Future<Output = Result<Response<R>, E>>> Future for Finishing<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(context))?;
        this.request.finish(response.headers_mut());
        Poll::Ready(Ok(response))
    }
}
