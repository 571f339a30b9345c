//! An application under actix-session's middleware, and a client of it.

use actix_http::Request;
use actix_session::config::SessionMiddlewareBuilder;
use actix_session::{Session, SessionExt, SessionMiddleware};
use actix_web::body::to_bytes;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, Key};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::{App, Error, guard, test, web};
use cloakroom::Store;
use cloakroom_actix_session::ActixSessionStore;
use tokio::sync::Notify;

use crate::bridge::Bridge;

type Middleware = SessionMiddlewareBuilder<ActixSessionStore>;

pub(crate) struct Site<S> {
    pub(crate) bridge: Bridge,
    pub(crate) pause: web::Data<Pause>,
    service: S,
}

/// Holds a handler until the test lets it continue.
#[derive(Default)]
pub(crate) struct Pause {
    pub(crate) reached: Notify,
    pub(crate) over: Notify,
}

impl Pause {
    async fn wait(&self) {
        self.reached.notify_one();
        self.over.notified().await;
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    pub(crate) cookies: Vec<Cookie<'static>>,
}

/// The middleware reads no clock, so the store's clock is the only one.
pub(crate) async fn site(
    store: impl Store,
    adjust: impl FnOnce(Middleware) -> Middleware,
) -> Site<impl Service<Request, Response = ServiceResponse, Error = Error>> {
    let (bridge, pause) = (Bridge::over(store), web::Data::new(Pause::default()));
    let middleware = SessionMiddleware::builder(bridge.sessions.clone(), Key::generate());
    let app = App::new()
        .wrap(adjust(middleware).build())
        .app_data(web::Data::clone(&pause))
        .service(web::resource("/idle").to(async || "idle"))
        .service(web::resource("/count").to(count))
        .service(web::resource("/read").to(read))
        .service(web::resource("/login").to(login))
        .service(web::resource("/logout").to(async |session: Session| purge(&session)))
        .service(web::resource("/clear").to(async |session: Session| clear(&session)))
        .service(web::resource("/slow").to(slow))
        .service(web::resource("/slow-read").to(slow_read))
        .service(
            web::scope("/members")
                .guard(guard::fn_guard(is_member))
                .route("/read", web::get().to(read)),
        );
    Site { bridge, pause, service: test::init_service(app).await }
}

impl<S: Service<Request, Response = ServiceResponse, Error = Error>> Site<S> {
    /// Sends a GET request, with the cookie if given.
    pub(crate) async fn get(&self, path: &str, cookie: Option<&Cookie<'_>>) -> Answer {
        let mut request = test::TestRequest::with_uri(path);
        if let Some(cookie) = cookie {
            request = request.cookie(cookie.clone());
        }
        let response = match self.service.call(request.to_request()).await {
            Ok(answered) => answered.into_parts().1,
            // The answer that a server would make of the error.
            Err(error) => error.error_response(),
        };
        let status = response.status();
        let cookies = response.cookies().map(Cookie::into_owned).collect();
        let body = to_bytes(response.into_body()).await.unwrap_or_default();
        Answer { status, body: String::from_utf8(body.to_vec()).unwrap(), cookies }
    }

    /// The cookie of a visitor who was counted once.
    pub(crate) async fn visitor(&self) -> Cookie<'static> {
        self.get("/count", None).await.cookie()
    }

    /// What a request with the cookie reads.
    pub(crate) async fn read(&self, cookie: &Cookie<'_>) -> String {
        self.get("/read", Some(cookie)).await.body
    }
}

impl Answer {
    /// The one Set-Cookie of the response.
    pub(crate) fn cookie(self) -> Cookie<'static> {
        assert_eq!(self.cookies.len(), 1, "{self:?}");
        self.cookies.into_iter().next().unwrap()
    }
}

pub(crate) fn is_removal(cookie: &Cookie<'_>) -> bool {
    cookie.value().is_empty() && cookie.max_age().is_some_and(Duration::is_zero)
}

async fn count(session: Session) -> Result<String, Error> {
    let count = session.get::<u32>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(told(&session))
}

async fn read(session: Session) -> String {
    told(&session)
}

async fn login(session: Session) -> Result<String, Error> {
    session.insert("user", "ada")?;
    session.renew();
    Ok(told(&session))
}

fn purge(session: &Session) -> &'static str {
    session.purge();
    "bye"
}

fn clear(session: &Session) -> &'static str {
    session.clear();
    "clear"
}

async fn slow(session: Session, pause: web::Data<Pause>) -> Result<String, Error> {
    pause.wait().await;
    count(session).await
}

async fn slow_read(session: Session, pause: web::Data<Pause>) -> String {
    pause.wait().await;
    told(&session)
}

fn is_member(context: &guard::GuardContext<'_>) -> bool {
    context.get_session().get::<String>("user").is_ok_and(|user| user.is_some())
}

/// Who is signed in and their count.
fn told(session: &Session) -> String {
    let user = session.get::<String>("user").unwrap().unwrap_or("no one".to_owned());
    let count = session.get::<u32>("count").unwrap().unwrap_or(0);
    format!("{user} {count}")
}
