//! The middleware that gives every request its `RequestSession`.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::dev::{Extensions, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, LOCATION, REFRESH};
use actix_web::{HttpMessage, HttpResponse};
use pin_project_lite::pin_project;

use super::headers::mark_keys_sensitive;
use crate::error::Error;
use crate::http::path_of;
use crate::session::Session;
use crate::sessions::{RequestSession, Sessions};
use crate::store::Io;
use crate::value::{DefaultKind, SessionKind, SessionValue};
use crate::web::missing_layer;
use crate::web::shared_cookie::{self, CookieOwners};

/// Gives every request of an actix-web application a [`RequestSession`], and every response the
/// headers that its session needs.
///
/// A request that never asks for its session costs no store call and gets no header. `Debug` shows
/// no request's `Cookie` and `Authorization`: they are marked sensitive. Wrap the application or a
/// scope, once per kind of session. actix-web runs what was wrapped last first, so
/// wrap other middleware that uses the session before this one. The middleware passes the
/// connection's address on to
/// [`ClientPolicy::with_addresses`](crate::http::ClientPolicy::with_addresses).
///
/// ```no_run
/// use actix_web::{App, HttpServer, web};
/// use cloakroom::{Error, MemoryStore, Session, SessionMiddleware, Sessions};
///
/// #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Visitor {
///     visits: u64,
/// }
///
/// async fn count(mut session: Session<Visitor>) -> Result<String, Error> {
///     session.update(|visitor| visitor.visits += 1).await?;
///     Ok(format!("Visit number {}", session.value().visits))
/// }
///
/// # pub
/// async fn serve() -> Result<(), Box<dyn std::error::Error>> {
///     // Outside the closure: one for all of the server's threads.
///     let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new())?;
///     let app = move || {
///         let layer = SessionMiddleware::new(sessions.clone());
///         App::new().wrap(layer).route("/", web::get().to(count))
///     };
///     Ok(HttpServer::new(app).bind("127.0.0.1:3000")?.run().await?)
/// }
/// ```
pub struct SessionMiddleware<V, K = DefaultKind> {
    pub(super) sessions: Sessions<V, K>,
    before_routing: bool,
    /// Where a request goes whose cookie may have been kept back.
    withheld: Option<HeaderValue>,
}

impl<V: SessionValue, K: SessionKind> SessionMiddleware<V, K> {
    /// A middleware for these sessions.
    pub fn new(sessions: Sessions<V, K>) -> Self {
        shared_cookie::register(&sessions);
        missing_layer::register::<Extensions, V, K>();
        Self { sessions, before_routing: false, withheld: None }
    }

    /// Reads of these requests do not count as uses of the session; see
    /// [`Sessions::without_touch`].
    ///
    /// Wrap a resource that a page polls in it, within the middleware of the whole application. A
    /// middleware that asks for the session has to be inside it, too: the first to ask opens it.
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
        self.withheld = Some(location);
        self
    }

    /// Opens the session of every request before it is routed, so that guards, which cannot wait,
    /// can use it.
    ///
    /// Each request with a key then costs a store call, whether the session is used or not. While
    /// the store is down, every such request is refused with 503. Every response varies on the
    /// cookie.
    ///
    /// ```
    /// # use actix_web::{App, guard, web};
    /// # use cloakroom::{MemoryStore, RequestSession, SessionMap, SessionMiddleware, Sessions};
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// let signed_in = guard::fn_guard(|request| {
    ///     let data = request.req_data();
    ///     let session = data.get::<RequestSession<SessionMap>>().and_then(RequestSession::opened);
    ///     session.is_some_and(|session| session.principal().is_some())
    /// });
    /// let account = web::scope("/account")
    ///     .guard(signed_in)
    ///     .route("/", web::get().to(async || "welcome back"));
    /// let app = App::new()
    ///     .wrap(SessionMiddleware::new(sessions).before_routing())
    ///     .service(account);
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn before_routing(mut self) -> Self {
        self.before_routing = true;
        self
    }
}

impl<V, K> Clone for SessionMiddleware<V, K> {
    fn clone(&self) -> Self {
        let Self { sessions, before_routing, withheld } = self;
        let (sessions, withheld) = (sessions.clone(), withheld.clone());
        Self { sessions, before_routing: *before_routing, withheld }
    }
}

impl<V, K> fmt::Debug for SessionMiddleware<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddleware")
            .field("sessions", &self.sessions)
            .finish_non_exhaustive()
    }
}

impl<S, B, V, K> Transform<S, ServiceRequest> for SessionMiddleware<V, K>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    V: SessionValue,
    K: SessionKind,
{
    type Response = ServiceResponse<B>;
    type Error = actix_web::Error;
    type Transform = SessionService<S, V, K>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        self.sessions.tell_of_endpoints("SessionMiddleware");
        ready(Ok(SessionService { inner: Rc::new(inner), middleware: self.clone() }))
    }
}

/// The service that [`SessionMiddleware`] produces.
pub struct SessionService<S, V, K> {
    pub(super) inner: Rc<S>,
    pub(super) middleware: SessionMiddleware<V, K>,
}

impl<S, V, K> fmt::Debug for SessionService<S, V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionService(..)")
    }
}

impl<S, B, V, K> Service<ServiceRequest> for SessionService<S, V, K>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    V: SessionValue,
    K: SessionKind,
{
    type Response = ServiceResponse<B>;
    type Error = actix_web::Error;
    type Future = SessionFuture<S, V, K>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), actix_web::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        mark_keys_sensitive(request.headers_mut());
        let outer = request.extensions().get::<RequestSession<V, K>>().cloned();
        let outer = outer.filter(|request_session| self.middleware.sessions.owns(request_session));
        // The same middleware twice: the outer one sends the headers.
        let finishes = outer.is_none();
        if let Some(outer) = &outer {
            self.middleware.sessions.adjust(outer);
        }
        let request_session = outer.unwrap_or_else(|| {
            let request_session = self.middleware.sessions.request_session();
            let mut request_session = request_session.with_method(request.method().as_str());
            if let Some(host) = request.uri().host() {
                request_session.request.set_authority(host);
            }
            if let Some(peer) = request.peer_addr() {
                request_session = request_session.with_peer_addr(peer.ip());
            }
            if shared_cookie::are_shared() {
                let mut extensions = request.extensions_mut();
                let mut owners = extensions.remove::<CookieOwners>().unwrap_or_default();
                if let Some(mistake) = owners.claim(&self.middleware.sessions) {
                    request_session.request.refuse(mistake);
                }
                extensions.insert(owners);
            }
            request.extensions_mut().insert(request_session.clone());
            request_session
        });
        let is_elsewhere = |location: &&HeaderValue| {
            // Not from the page itself to itself, for ever.
            path_of(location.as_bytes()) != request.path().as_bytes()
        };
        let withheld = self.middleware.withheld.as_ref().filter(is_elsewhere).cloned();
        let stage = if self.middleware.before_routing {
            let opening = request_session.session_io_static(request.headers());
            Stage::Opening { opening, waiting: Some((Rc::clone(&self.inner), request)) }
        } else {
            Stage::Serving { inner: self.inner.call(request) }
        };
        SessionFuture {
            stage,
            request_session: Some(request_session).filter(|_| finishes),
            withheld,
        }
    }
}

pin_project! {
    /// The response of a [`SessionService`]: the inner one, with the session's headers.
    pub struct SessionFuture<S, V, K>
    where
        S: Service<ServiceRequest>,
        V: SessionValue,
        K: SessionKind,
    {
        #[pin]
        stage: Stage<S, V, K>,
        request_session: Option<RequestSession<V, K>>,
        withheld: Option<HeaderValue>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, V, K>
    where
        S: Service<ServiceRequest>,
        V: SessionValue,
        K: SessionKind,
    {
        Opening {
            opening: Io<'static, Result<Session<V, K>, Error>>,
            waiting: Option<(Rc<S>, ServiceRequest)>,
        },
        Serving { #[pin] inner: S::Future },
    }
}

impl<S, B, V, K> Future for SessionFuture<S, V, K>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    V: SessionValue,
    K: SessionKind,
{
    type Output = Result<ServiceResponse<B>, actix_web::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let served = loop {
            match this.stage.as_mut().project() {
                StageProjection::Opening { opening, waiting } => {
                    if let Err(error) = ready!(Pin::new(opening).poll(context)) {
                        break Err(error.into());
                    }
                    // Always there: taking it is followed by the next stage.
                    let Some((service, request)) = waiting.take() else { return Poll::Pending };
                    this.stage.set(Stage::Serving { inner: service.call(request) });
                }
                StageProjection::Serving { inner } => break ready!(inner.poll(context)),
            }
        };
        let Some(request_session) = this.request_session else { return Poll::Ready(served) };
        Poll::Ready(match served {
            Ok(mut response) => {
                if let Some(location) = this.withheld.take() {
                    redirect_withheld(request_session, response.response_mut(), location);
                }
                request_session.finish(response.headers_mut());
                Ok(response)
            }
            // Another middleware failed, and actix-web makes a response of its error: a sign-in
            // before that must still reach the client.
            Err(mut error) => {
                let headers = request_session.close();
                error.add_response_mapper(move |mut response: HttpResponse| {
                    headers.clone().apply_to(response.headers_mut());
                    response
                });
                Err(error)
            }
        })
    }
}

/// Redirects a request that was refused because its cookie may have been kept back.
fn redirect_withheld<V: SessionValue, K: SessionKind, B>(
    request_session: &RequestSession<V, K>,
    response: &mut HttpResponse<B>,
    location: HeaderValue,
) {
    if response.status() == StatusCode::FORBIDDEN && request_session.is_withheld() {
        let refresh = request_session.refresh_to(location.as_bytes());
        if let Some(refresh) =
            refresh.and_then(|refresh| HeaderValue::from_bytes(refresh.as_bytes()).ok())
        {
            // Browsers replace an error without a body by a page of their own.
            *response.status_mut() = StatusCode::OK;
            response.headers_mut().insert(REFRESH, refresh);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            return;
        }
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().insert(LOCATION, location);
    }
}

impl<S: Service<ServiceRequest>, V: SessionValue, K: SessionKind> fmt::Debug
    for SessionFuture<S, V, K>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionFuture(..)")
    }
}
