//! The same routes on actix-web: alone, with cloakroom, and with actix-session.

mod store;

use std::hint::black_box;

use actix_http::Request;
use actix_http::header::{COOKIE, HeaderValue};
use actix_session::Session;
use actix_web::body::MessageBody;
use actix_web::cookie::Key;
use actix_web::dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::test::init_service;
use actix_web::{App, Error, Route, web};
use cloakroom::{MemoryStore, SessionMiddleware, Sessions};
use cloakroom_bench::Failure;
use cloakroom_bench::overhead::answer::{Answer, Ask, Asking};
use cloakroom_bench::overhead::apps;
use cloakroom_bench::overhead::case::COOKIE_NAME;
use cloakroom_bench::overhead::server::{Serve, Serving};
use cloakroom_bench::visitor::{VISITOR, Visitor, next_visitor};

use self::store::MemoryStore as PeerStore;

/// Adds routes of these handlers.
fn routes(read: Route, write: Route, seed: Route) -> impl FnOnce(&mut web::ServiceConfig) {
    |app| {
        app.route("/ignore", web::get().to(async || "ignored"))
            .route("/read", read)
            .route("/write", write)
            .route("/seed", seed);
    }
}

/// actix-web alone.
pub(crate) fn plain(app: &mut web::ServiceConfig) {
    let read = web::get().to(async || black_box(0_u64).to_string());
    let write = web::get().to(async || black_box(1_u64).to_string());
    routes(read, write, web::get().to(async || ""))(app);
}

pub(super) async fn plain_service() -> Box<dyn Serve> {
    service(App::new().configure(plain)).await
}

pub(crate) fn cloakroom_sessions() -> Result<Sessions<Visitor>, Failure> {
    Ok(Sessions::new(MemoryStore::new())?)
}

/// Cloakroom's handlers, which are those of axum.
pub(crate) fn cloakroom(app: &mut web::ServiceConfig) {
    let seed = async |session| apps::seed(session).await.map(|()| "");
    let (read, write) = (web::get().to(apps::read), web::get().to(apps::write));
    routes(read, write, web::get().to(seed))(app);
}

pub(super) async fn cloakroom_service() -> Result<Box<dyn Serve>, Failure> {
    let middleware = SessionMiddleware::new(cloakroom_sessions()?);
    Ok(service(App::new().wrap(middleware).configure(cloakroom)).await)
}

/// actix-session with an encrypted cookie, its default.
pub(crate) fn peer_middleware(
    store: PeerStore,
    key: Key,
) -> actix_session::SessionMiddleware<PeerStore> {
    let builder = actix_session::SessionMiddleware::builder(store, key);
    builder.cookie_name(COOKIE_NAME.into()).build()
}

pub(crate) fn peer_state() -> (PeerStore, Key) {
    (PeerStore::default(), Key::generate())
}

pub(crate) fn peer(app: &mut web::ServiceConfig) {
    let (read, write) = (web::get().to(peer_read), web::get().to(peer_write));
    routes(read, write, web::get().to(peer_seed))(app);
}

pub(super) async fn peer_service() -> Box<dyn Serve> {
    let (store, key) = peer_state();
    service(App::new().wrap(peer_middleware(store, key)).configure(peer)).await
}

async fn peer_read(session: Session) -> Result<String, Error> {
    let visitor: Visitor = session.get(VISITOR)?.unwrap_or_default();
    Ok(visitor.visits.to_string())
}

async fn peer_write(session: Session) -> Result<String, Error> {
    let mut visitor: Visitor = session.get(VISITOR)?.unwrap_or_default();
    visitor.visits += 1;
    let visits = visitor.visits;
    session.insert(VISITOR, visitor)?;
    Ok(visits.to_string())
}

async fn peer_seed(session: Session) -> Result<String, Error> {
    session.insert(VISITOR, next_visitor())?;
    Ok(String::new())
}

/// The application as one thread of a server has it.
async fn service<T, B>(app: App<T>) -> Box<dyn Serve>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    Box::new(Actix(init_service(app).await))
}

struct Actix<S>(S);

fn request(path: &'static str, cookies: Option<&http::HeaderValue>) -> Request {
    let mut request = Request::new();
    let head = request.head_mut();
    head.uri = actix_http::Uri::from_static(path);
    if let Some(value) = cookies.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok()) {
        head.headers.insert(COOKIE, value);
    }
    request
}

impl<S, B> Serve for Actix<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    fn serve(&self, path: &'static str, cookies: Option<&http::HeaderValue>) -> Serving<'_> {
        let request = request(path, cookies);
        Box::pin(async move { drop(self.0.call(request).await) })
    }
}

impl<S, B> Ask for Actix<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    fn ask(&self, path: &'static str, cookies: Option<&http::HeaderValue>) -> Asking<'_> {
        let request = request(path, cookies);
        Box::pin(async move {
            let response = self.0.call(request).await.map_err(|error| error.to_string())?;
            let (head, body) = response.into_parts().1.into_parts();
            let body = actix_web::body::to_bytes(body).await;
            let body = body.map_err(|_| "a body cannot be read")?;
            let headers = head.headers().iter();
            let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
            Answer::new(head.status().as_u16(), headers, &body)
        })
    }
}
