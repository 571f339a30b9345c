//! The same routes on actix-web: alone, with cloakroom, and with actix-session.

mod peer;
mod store;

use std::hint::black_box;

use actix_http::Request;
use actix_http::header::{COOKIE, HeaderValue};
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::test::init_service;
use actix_web::{App, Error, web};
use cloakroom::{MemoryStore, SessionMiddleware, Sessions};

use crate::Failure;
use crate::answer::Answer;
use crate::case::Visitor;
use crate::ours;
use crate::server::{Serve, Server, Serving};

pub(crate) use peer::server as peer;

/// actix-web alone.
pub(crate) async fn plain(sessions: usize) -> Result<Server, Failure> {
    let app = App::new()
        .route("/ignore", web::get().to(async || "ignored"))
        .route("/read", web::get().to(async || black_box(0_u64).to_string()))
        .route("/write", web::get().to(async || black_box(1_u64).to_string()));
    let keys: Vec<String> = (0..sessions).map(|number| format!("{number:0>43}")).collect();
    Server::new(service(app).await, &keys)
}

/// Cloakroom over a `MemoryStore` that keeps typed values.
pub(crate) async fn cloakroom(sessions: usize) -> Result<Server, Failure> {
    let manager: Sessions<Visitor> = Sessions::new(MemoryStore::new())?;
    let keys = ours::seed(&manager, sessions).await?;
    let app = App::new()
        .wrap(SessionMiddleware::new(manager))
        .route("/ignore", web::get().to(async || "ignored"))
        .route("/read", web::get().to(ours::read))
        .route("/write", web::get().to(ours::write));
    Server::new(service(app).await, &keys)
}

/// The application as a server would have it of one of its threads.
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

impl<S, B> Serve for Actix<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    fn serve(&self, path: &'static str, cookies: Option<&http::HeaderValue>) -> Serving<'_> {
        let mut request = Request::new();
        let head = request.head_mut();
        head.uri = actix_http::Uri::from_static(path);
        if let Some(value) = cookies.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok()) {
            head.headers.insert(COOKIE, value);
        }
        Box::pin(async move {
            let answer = self.0.call(request).await;
            Answer::Actix(answer.map(ServiceResponse::map_into_boxed_body).map_err(|error| error.to_string()))
        })
    }
}
