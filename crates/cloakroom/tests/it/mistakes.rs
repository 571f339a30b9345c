//! What an application says about the most common mistakes of its programmer, in a debug build.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::web;
use axum::Router;
use axum::body::Body;
use axum::middleware::map_response;
use axum::routing::{get, post};
use cloakroom::value::DefaultKind;
use cloakroom::{
    CookiePolicy, Error, ErrorKind, Lifetime, MemoryStore, Principal, Session, SessionKind,
    SessionLayer, SessionMap, SessionMiddleware, SessionValue, Sessions,
};
use http::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// Types that no other test makes a layer for: a message says whether there is one.
macro_rules! values {
    ($($name:ident),+) => {$(
        #[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
        struct $name {
            count: u32,
        }
    )+};
}
values!(Forgotten, Misplaced, Cart, Prefs, Basket, Desk);

struct Staff;

impl SessionKind for Staff {
    const NAME: &'static str = "staff";
}

async fn ask<V: SessionValue>(_: Session<V>) -> &'static str {
    "it has one"
}

fn layer<V: SessionValue, K: SessionKind>() -> SessionLayer<V, K> {
    SessionLayer::new(Sessions::new(MemoryStore::new()).expect("a valid policy"))
}

fn middleware<V: SessionValue, K: SessionKind>() -> SessionMiddleware<V, K> {
    SessionMiddleware::new(Sessions::new(MemoryStore::new()).expect("a valid policy"))
}

async fn answer(app: Router, method: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri("/").body(Body::empty());
    app.oneshot(request.expect("a valid request")).await.expect("infallible")
}

/// The body of a 500.
async fn body(app: Router) -> String {
    let response = answer(app, "GET").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 16).await.expect("a small body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[tokio::test]
async fn axum_says_which_layer_is_missing_and_what_to_write() {
    let route = || Router::new().route("/", get(ask::<Forgotten>));
    let add = ["Forgotten>` wraps this route", ".layer(SessionLayer::new(sessions))", "Sessions<"];
    assert_says(&body(route()).await, &add);

    let route = |handler| Router::new().route("/", handler);
    let early =
        Router::new().layer(layer::<Misplaced, DefaultKind>()).route("/", get(ask::<Misplaced>));
    assert_says(&body(early).await, &["Misplaced>` wraps", "routes that were added before it"]);

    let other_value = route(get(ask::<Cart>)).layer(layer::<Prefs, DefaultKind>());
    let parts = ["Cart>` wraps this route, only for `Session<", "Prefs>`: ask for", "SessionKind"];
    assert_says(&body(other_value).await, &parts);

    let other_kind = route(get(ask::<Basket>)).layer(layer::<Basket, Staff>());
    assert_says(&body(other_kind).await, &["only for `Session<", "Staff>`: ask for", ".layer("]);
}

#[tokio::test]
async fn a_middleware_outside_the_layer_is_told_so() {
    async fn guard(_: Session<Desk>, request: axum::extract::Request) -> axum::extract::Request {
        request
    }
    let app = Router::new()
        .route("/", get(async || ()))
        .layer(layer::<Desk, DefaultKind>())
        .layer(axum::middleware::map_request(guard));
    assert_says(&body(app).await, &["Desk>` wraps", "outside every middleware that asks"]);
}

#[actix_web::test]
async fn actix_says_which_middleware_is_missing_and_what_to_write() {
    use actix_web::App;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};

    /// The body of a 500.
    macro_rules! body {
        ($app:expr) => {{
            let app = init_service($app).await;
            let response = call_service(&app, TestRequest::get().uri("/").to_request()).await;
            assert_eq!(response.status(), 500);
            String::from_utf8(read_body(response).await.to_vec()).expect("text")
        }};
    }

    let app = App::new().route("/", web::get().to(ask::<Forgotten>));
    let add = ["Forgotten>` wraps this route", ".wrap(SessionMiddleware::new(", "Sessions<"];
    assert_says(&body!(app), &add);

    let app = App::new()
        .service(web::scope("/api").wrap(middleware::<Misplaced, DefaultKind>()))
        .route("/", web::get().to(ask::<Misplaced>));
    assert_says(&body!(app), &["Misplaced>` wraps", "`wrap` the `App`"]);

    let app =
        App::new().wrap(middleware::<Prefs, DefaultKind>()).route("/", web::get().to(ask::<Cart>));
    let parts = ["Cart>` wraps this route, only for `Session<", "Prefs>`: ask for", "SessionKind"];
    assert_says(&body!(app), &parts);
}

/// Keeps the level and the message of what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{}{value:?}", self.0);
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut message = Message(format!("{} ", event.metadata().level()));
        event.record(&mut message);
        self.0.lock().expect("no test panics here").push(message.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn a_mistake_is_logged_with_its_message() {
    let log = Log::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    tracing::subscriber::with_default(log.clone(), || {
        let app = Router::new().route("/", get(ask::<Forgotten>));
        runtime.block_on(answer(app, "GET"));
    });
    let lines = log.0.lock().expect("no test panics here");
    assert!(lines.iter().any(|line| line.starts_with("ERROR no session layer")), "{lines:?}");
}

#[tokio::test]
async fn a_page_of_the_applications_own_replaces_the_message() {
    async fn error_page(response: Response<Body>) -> Response<Body> {
        match response.extensions().get::<Arc<Error>>() {
            Some(error) => Response::new(Body::from(format!("sorry: {:?}", error.kind()))),
            None => response,
        }
    }
    let app = Router::new().route("/", get(ask::<Forgotten>)).layer(map_response(error_page));
    let bytes = axum::body::to_bytes(answer(app, "GET").await.into_body(), 1 << 16).await;
    assert_eq!(bytes.expect("a small body"), "sorry: NoLayer");
}

#[tokio::test]
async fn a_session_that_a_task_begins_too_late_names_the_way_out() {
    let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new()).unwrap();
    let request_session = sessions.request_session();
    let mut session = request_session.session(&http::HeaderMap::new()).await.unwrap();
    request_session.finish(&mut http::HeaderMap::new());
    let late = tokio::spawn(async move { session.update(|map| map.insert("a", 1)).await });
    let error = late.await.expect("no panic").expect_err("the response is sent");
    assert_eq!(error.kind(), ErrorKind::HeadersSent);
    assert_says(&error.to_string(), &["before the handler returns", "`Session::detach`"]);
}

#[tokio::test]
async fn a_stream_for_a_visitor_without_a_session_is_a_401() {
    async fn stream(session: Session<SessionMap>) -> Result<(), Error> {
        session.detach().map(drop)
    }
    let app = Router::new().route("/", post(stream)).layer(layer::<SessionMap, DefaultKind>());
    let response = answer(app, "POST").await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn an_error_says_why_the_session_is_over() {
    let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new()).unwrap();
    let mut session = sessions.generate(SessionMap::default()).await.unwrap();
    let detached = session.detach().unwrap();
    session.logout().await.unwrap();
    let error = detached.session().await.unwrap_err();
    assert_eq!(error.to_string(), "the session does not exist: signed out");
}

#[tokio::test]
async fn a_name_that_cannot_be_a_principal_is_a_500_that_says_so() {
    async fn sign_in(mut session: Session<SessionMap>) -> Result<(), Error> {
        session.login(&Principal::new("")?).await
    }
    let app = Router::new().route("/", get(sign_in)).layer(layer::<SessionMap, DefaultKind>());
    assert_says(&body(app).await, &["a principal's name is 1 to 255 bytes long"]);
}

#[test]
fn a_lifetime_of_zero_is_refused_with_the_reason() {
    let idle = Lifetime::default().with_idle_timeout(Duration::from_micros(999));
    for lifetime in [Lifetime::absolute(Duration::ZERO), idle] {
        let sessions = Sessions::<SessionMap>::builder(MemoryStore::new()).lifetime(lifetime);
        assert_says(&sessions.build().unwrap_err().to_string(), &["timeout of zero"]);
    }
}

#[test]
fn a_cookie_for_development_takes_one_line() {
    let sessions = Sessions::<SessionMap>::builder(MemoryStore::new())
        .cookie(CookiePolicy::for_plain_http("shop"))
        .build()
        .unwrap();
    let mut response = http::HeaderMap::new();
    sessions.clear_headers().apply_to(&mut response);
    assert!(response["set-cookie"].to_str().unwrap().starts_with("shop=; "));
}
