//! From tower-sessions to Cloakroom's own sessions without a sign-out.

use std::collections::HashMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::{get, post};
use cloakroom::{Error, Login, MemoryStore, Principal, Session, SessionLayer, Sessions};
use cloakroom_testkit::{Client, Fault, FaultyStore, SpyStore};
use cloakroom_tower_sessions::{ImportLayer, TowerSessionStore};
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower::ServiceExt;
use tower_sessions::SessionManagerLayer;

const ORIGIN: &str = "https://shop.example/";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    visits: u64,
}

type Old = SpyStore<FaultyStore<MemoryStore>>;

/// The application before and after the change, and the store of the old sessions.
struct Change {
    before: Router,
    after: Router,
    old: Old,
    faulty: FaultyStore<MemoryStore>,
    browser: Client,
}

async fn greet(session: Session<Visitor>) -> String {
    let user = session.principal().map_or("no one", Principal::as_str);
    format!("{user} {}", session.value().visits)
}

fn convert(mut data: HashMap<String, Value>) -> Option<(Visitor, Option<Login>)> {
    let visits = data.remove("visits")?.as_u64()?;
    let user = data.remove("user").and_then(|user| Principal::new(user.as_str()?).ok());
    Some((Visitor { visits }, user.as_ref().map(Login::of)))
}

fn after(import: ImportLayer<Visitor>) -> Router {
    Router::new()
        .route("/", get(greet))
        .route("/logout", post(async |mut session: Session<Visitor>| session.logout().await))
        .layer(import)
        .layer(SessionLayer::new(Sessions::<Visitor>::new(MemoryStore::new()).unwrap()))
}

impl Change {
    fn new() -> Self {
        let faulty = FaultyStore::new(MemoryStore::new());
        let old = SpyStore::new(faulty.clone());
        let store = TowerSessionStore::new(old.clone()).unwrap();
        let before = Router::new()
            .route(
                "/",
                post(async |session: tower_sessions::Session| {
                    session.insert("user", "alice").await.unwrap();
                    session.insert("visits", 7).await.unwrap();
                }),
            )
            .layer(SessionManagerLayer::new(store.clone()));
        let after = after(ImportLayer::from_0_15(store, convert));
        Self { before, after, old, faulty, browser: Client::new() }
    }

    /// With a session that Alice had before the change.
    async fn with_alice() -> Self {
        let mut change = Self::new();
        let request =
            change.browser.request(http::Method::POST, ORIGIN).body(Body::empty()).unwrap();
        let response = change.before.clone().oneshot(request).await.unwrap();
        change.browser.take(ORIGIN, &response);
        change
    }

    async fn send(&mut self, method: http::Method, path: &str) -> Response<Body> {
        let url = format!("{ORIGIN}{path}");
        let request = self.browser.request(method, &url).body(Body::empty()).unwrap();
        let response = self.after.clone().oneshot(request).await.unwrap();
        self.browser.take(&url, &response);
        response
    }

    async fn get(&mut self) -> String {
        let body = self.send(http::Method::GET, "").await.into_body();
        String::from_utf8(to_bytes(body, 1024).await.unwrap().to_vec()).unwrap()
    }

    fn cookies(&self) -> String {
        self.browser
            .cookies_for(ORIGIN)
            .map(|cookies| cookies.to_str().unwrap().to_owned())
            .unwrap_or_default()
    }
}

#[tokio::test]
async fn a_visitor_stays_signed_in_and_gets_the_new_cookie_instead_of_the_old() {
    let mut change = Change::with_alice().await;
    assert!(change.cookies().starts_with("id="));
    assert_eq!(change.get().await, "alice 7");
    assert!(
        change.cookies().starts_with("__Host-id=") && !change.cookies().contains(';'),
        "{}",
        change.cookies()
    );
    change.old.reset();
    assert_eq!(change.get().await, "alice 7");
    assert_eq!(change.old.calls().total(), 0, "the old store is not asked again");
}

/// Ids and records are the same in both.
#[tokio::test]
async fn what_one_version_saved_is_imported_from_a_store_of_the_other() {
    let mut change = Change::with_alice().await;
    let store = TowerSessionStore::new(change.old.clone()).unwrap();
    change.after = after(ImportLayer::from_0_14(store, convert));
    assert_eq!(change.get().await, "alice 7");
}

/// Like a page and its images, whose responses arrive in any order.
#[tokio::test]
async fn concurrent_requests_import_one_session() {
    let mut change = Change::with_alice().await;
    let before = change.browser.clone();
    let mut keys = Vec::new();
    for _ in 0..4 {
        change.browser = before.clone();
        assert_eq!(change.get().await, "alice 7");
        keys.push(change.cookies());
    }
    keys.dedup();
    assert_eq!(keys.len(), 1);
}

#[tokio::test]
async fn the_old_cookie_opens_nothing_after_a_sign_out() {
    let mut change = Change::with_alice().await;
    let before = change.browser.clone();
    change.get().await;
    change.send(http::Method::POST, "logout").await;
    assert_eq!(change.get().await, "no one 0");
    change.browser = before;
    assert_eq!(change.get().await, "no one 0");
}

#[tokio::test]
async fn an_outage_of_the_old_store_signs_no_one_out() {
    let mut change = Change::with_alice().await;
    change.faulty.fail_all(Some(Fault::NotSent));
    let response = change.send(http::Method::GET, "").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    change.faulty.fail_all(None);
    assert_eq!(change.get().await, "alice 7");
}

#[tokio::test]
async fn a_request_without_an_old_session_costs_nothing_and_imports_nothing() {
    let mut change = Change::new();
    assert_eq!(change.get().await, "no one 0");
    assert_eq!(change.old.calls().total(), 0);
    for cookie in [
        "id=",
        "id=x",
        "id=AAAAAAAAAAAAAAAAAAAAAA",
        "ID=AAAAAAAAAAAAAAAAAAAAAA",
        "xid=AAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let request = http::Request::get("/").header("cookie", cookie).body(Body::empty()).unwrap();
        let response = change.after.clone().oneshot(request).await.unwrap();
        assert_eq!(
            (response.status(), response.headers().contains_key("set-cookie")),
            (StatusCode::OK, false)
        );
    }
    assert_eq!(change.old.calls().total(), 1, "the one that could be an id of theirs");
}

/// In the wrong order everyone would silently be signed out.
#[tokio::test]
async fn a_layer_outside_the_session_layer_is_an_error_for_the_old_cookie() {
    let store = TowerSessionStore::new(MemoryStore::new()).unwrap();
    let import = ImportLayer::from_0_15(store, |_| None::<(Visitor, _)>);
    let sessions = Sessions::<Visitor>::new(MemoryStore::new()).unwrap();
    let app: Router =
        Router::new().route("/", get(greet)).layer(SessionLayer::new(sessions)).layer(import);
    let with = |cookie: &[u8]| {
        http::Request::get("/").header("cookie", cookie).body(Body::empty()).unwrap()
    };
    let brings = app.clone().oneshot(with(b"x=\xff; id=AAAAAAAAAAAAAAAAAAAAAA")).await.unwrap();
    assert_eq!(brings.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.oneshot(with(b"theme=dark")).await.unwrap().status(), StatusCode::OK);
}

/// A browser keeps the cookie unless every attribute matches.
#[tokio::test]
async fn a_cookie_with_another_name_path_and_domain_is_removed() -> Result<(), Error> {
    let store = TowerSessionStore::new(MemoryStore::new()).unwrap();
    let layer = ImportLayer::from_0_15(store, |_| None::<(Visitor, _)>);
    assert!(layer.clone().with_cookie("a\r\nb", "/", None).is_err());
    let shown = format!("{:?}", layer.with_cookie("__Secure-sid", "/app", Some("example.com")));
    assert!(shown.starts_with("Ok("));
    Ok(())
}
