//! What is specific to axum: extractors, statuses, headers, several kinds of session.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use cloakroom::http::{AddressRule, ClientPolicy};
use cloakroom::policy::AuthShortfall;
use cloakroom::store::Page;
use cloakroom::{
    AuthRequirement, Error, MemoryStore, Principal, Session, SessionKind, SessionLayer, Sessions,
    Transport,
};
use cloakroom_testkit::{Client, Fault, FaultyStore, ManualClock, Operation, SpyStore};
use http::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;

const ORIGIN: &str = "https://shop.example";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    visits: u64,
}

struct Admin;

impl SessionKind for Admin {
    const NAME: &'static str = "admin";
}

async fn count(mut session: Session<Visitor>) -> Result<Json<u64>, Error> {
    let visits = session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits
    });
    Ok(Json(visits.await?))
}

async fn read(session: Option<Session<Visitor>>) -> Json<Option<u64>> {
    Json(session.map(|session| session.value().visits))
}

async fn login(mut session: Session<Visitor>) -> Result<StatusCode, Error> {
    session.login(&Principal::new("alice").expect("a valid name")).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn wire_money(mut session: Session<Visitor>) -> Result<StatusCode, Response<Body>> {
    const RECENT: AuthRequirement =
        AuthRequirement::signed_in().within(Duration::from_secs(5 * 60));
    match session.require(RECENT).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        // The application handles one case, and the library all others.
        Err(error) => Err(match error.auth_shortfall() {
            Some(AuthShortfall::TooLongAgo { .. }) => {
                Redirect::to("/sign-in-again").into_response()
            }
            _ => error.into_response(),
        }),
    }
}

async fn logout(mut session: Session<Visitor>) -> Result<StatusCode, Error> {
    session.logout().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revoke(
    sessions: Sessions<Visitor>,
    session: Session<Visitor>,
) -> Result<StatusCode, Error> {
    if let Some(id) = session.id() {
        sessions.revoke(id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn routes() -> Router {
    Router::new()
        .route("/count", post(count))
        .route("/read", get(read))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/revoke", post(revoke))
        .route("/wire-money", post(wire_money))
        .route("/ignore", get(async || "no session here"))
}

fn app(sessions: Sessions<Visitor>) -> Router {
    routes().layer(SessionLayer::new(sessions))
}

async fn send(app: &Router, client: &mut Client, method: &str, path: &str) -> Response<Body> {
    let url = format!("{ORIGIN}{path}");
    let method = method.parse().expect("a method");
    let request = client.request(method, &url).body(Body::empty()).expect("a valid request");
    let response = app.clone().oneshot(request).await.expect("infallible");
    client.take(&url, &response);
    response
}

/// The value of a cookie that the client keeps.
fn cookie(client: &Client, name: &str) -> Option<String> {
    let header = client.cookies_for(ORIGIN)?;
    let pairs = header.to_str().expect("a text").split("; ");
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(given, _)| *given == name)
        .map(|(_, v)| v.into())
}

async fn text(response: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 16).await.expect("a small body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test]
async fn a_session_lasts_from_request_to_request() {
    let app = app(Sessions::new(MemoryStore::new()).unwrap());
    let mut client = Client::new();
    assert_eq!(text(send(&app, &mut client, "GET", "/read").await).await, "null");
    for expected in ["1", "2", "3"] {
        assert_eq!(text(send(&app, &mut client, "POST", "/count").await).await, expected);
    }
    assert_eq!(text(send(&app, &mut client, "GET", "/read").await).await, "3");
}

#[tokio::test]
async fn a_route_that_ignores_the_session_costs_no_call_and_no_header() {
    let spy = SpyStore::new(MemoryStore::new());
    let app = app(Sessions::new(spy.clone()).unwrap());
    let mut client = Client::new();
    send(&app, &mut client, "POST", "/count").await;
    spy.reset();
    let response = send(&app, &mut client, "GET", "/ignore").await;
    assert_eq!(spy.calls().total(), 0);
    for name in ["set-cookie", "vary", "cache-control"] {
        assert!(!response.headers().contains_key(name), "{name}");
    }
    let response = send(&app, &mut Client::new(), "GET", "/read").await;
    assert_eq!(spy.calls().total(), 0);
    assert_eq!(response.headers()["vary"], "cookie, sec-fetch-site");
}

#[tokio::test]
async fn a_logout_removes_the_cookie_from_a_browser() {
    let app = app(Sessions::new(MemoryStore::new()).unwrap());
    let mut client = Client::new();
    send(&app, &mut client, "POST", "/count").await;
    send(&app, &mut client, "POST", "/login").await;
    assert!(cookie(&client, "__Host-id").is_some());
    send(&app, &mut client, "POST", "/logout").await;
    assert!(cookie(&client, "__Host-id").is_none());
}

#[tokio::test]
async fn a_store_outage_is_a_503_that_says_when_to_retry() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let app = app(Sessions::new(faulty.clone()).unwrap());
    let mut client = Client::new();
    send(&app, &mut client, "POST", "/count").await;
    for operation in [Operation::Get, Operation::Replace] {
        faulty.fail_on(operation, Fault::NotSent);
        let response = send(&app, &mut client, "POST", "/count").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "5");
        assert!(!response.headers().contains_key("set-cookie"));
        assert_eq!(text(response).await, "");
    }
    assert_eq!(text(send(&app, &mut client, "POST", "/count").await).await, "2");
}

#[tokio::test]
async fn a_superseded_cookie_is_a_409_without_a_cookie() {
    let app = app(Sessions::new(MemoryStore::new()).unwrap());
    let mut client = Client::new();
    send(&app, &mut client, "POST", "/count").await;
    let mut late = client.clone();
    send(&app, &mut client, "POST", "/login").await;
    let response = send(&app, &mut late, "POST", "/count").await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let error = response.extensions().get::<std::sync::Arc<Error>>().expect("for middleware");
    assert_eq!(error.kind(), cloakroom::ErrorKind::Superseded);
    assert!(!response.headers().contains_key("set-cookie"));
    assert_eq!(text(send(&app, &mut client, "POST", "/count").await).await, "2");
}

#[tokio::test]
async fn a_revoked_session_is_gone_at_the_next_request() {
    let app = app(Sessions::new(MemoryStore::new()).unwrap());
    let mut client = Client::new();
    send(&app, &mut client, "POST", "/count").await;
    send(&app, &mut client, "POST", "/revoke").await;
    assert_eq!(text(send(&app, &mut client, "GET", "/read").await).await, "null");
}

#[tokio::test]
async fn a_missing_layer_is_a_500_that_only_a_debug_build_explains() {
    let response = routes()
        .oneshot(Request::post("/count").body(Body::empty()).unwrap())
        .await
        .expect("infallible");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text(response).await.is_empty(), !cfg!(debug_assertions));
}

#[tokio::test]
async fn two_values_under_one_cookie_are_an_error_that_names_both() {
    #[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
    struct Preferences {
        theme: String,
    }

    async fn theme(mut session: Session<Preferences>) -> Result<(), Error> {
        session.update(|preferences| preferences.theme.push('x')).await
    }

    // On one store, or on two: each would replace the other's cookie.
    let visitors: Sessions<Visitor> = Sessions::new(MemoryStore::new()).unwrap();
    let preferences: Sessions<Preferences> = Sessions::new(MemoryStore::new()).unwrap();
    let app = routes()
        .route("/theme", post(theme))
        .layer(SessionLayer::new(preferences))
        .layer(SessionLayer::new(visitors));
    let mut client = Client::new();
    send(&app, &mut client, "POST", "/count").await;
    let before = cookie(&client, "__Host-id");
    let response = send(&app, &mut client, "POST", "/theme").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let error = response.extensions().get::<std::sync::Arc<Error>>().unwrap();
    assert_eq!(error.kind(), cloakroom::ErrorKind::SharedCookie);
    let message = error.to_string();
    for part in ["__Host-id", "Visitor", "Preferences", "SessionKind"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(cookie(&client, "__Host-id"), before, "nothing was replaced");
    assert_eq!(text(send(&app, &mut client, "POST", "/count").await).await, "2");
}

#[tokio::test]
async fn two_kinds_of_session_coexist() {
    async fn both(
        mut visitor: Session<Visitor>,
        mut admin: Session<Visitor, Admin>,
    ) -> Result<Json<(u64, u64)>, Error> {
        let visits = visitor.update(|visitor| {
            visitor.visits += 1;
            visitor.visits
        });
        let visits = visits.await?;
        let actions = admin.update(|admin| {
            admin.visits += 10;
            admin.visits
        });
        Ok(Json((visits, actions.await?)))
    }
    let store = std::sync::Arc::new(MemoryStore::new());
    let visitors: Sessions<Visitor> = Sessions::new(store.clone()).unwrap();
    let admins: Sessions<Visitor, Admin> = Sessions::new(store).unwrap();
    let app = Router::new()
        .route("/both", post(both))
        .layer(SessionLayer::new(visitors))
        .layer(SessionLayer::new(admins));
    let mut client = Client::new();
    assert_eq!(text(send(&app, &mut client, "POST", "/both").await).await, "[1,10]");
    assert_eq!(text(send(&app, &mut client, "POST", "/both").await).await, "[2,20]");
    assert!(cookie(&client, "__Host-id").is_some());
    assert!(cookie(&client, "__Host-id-admin").is_some());
    let visitor_key = cookie(&client, "__Host-id").unwrap();
    let request = Request::post("/both")
        .header("cookie", format!("__Host-id-admin={visitor_key}"))
        .body(Body::empty())
        .unwrap();
    let response = app.oneshot(request).await.expect("infallible");
    assert_eq!(text(response).await, "[1,10]", "a visitor's key opens no admin session");
}

/// A part of an application can have the layer that the whole application has too.
#[tokio::test]
async fn the_same_layer_twice_opens_one_session() {
    let spy = SpyStore::new(MemoryStore::new());
    let layer = SessionLayer::new(Sessions::<Visitor>::new(spy.clone()).unwrap());
    let app = routes().layer(layer.clone()).layer(layer);
    let mut client = Client::new();
    let response = send(&app, &mut client, "POST", "/login").await;
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 1);
    spy.reset();
    assert_eq!(text(send(&app, &mut client, "POST", "/count").await).await, "1");
    assert_eq!((spy.calls().get, spy.calls().total()), (1, 2));
}

#[tokio::test]
async fn one_application_serves_browsers_and_bearer_clients() {
    let sessions: Sessions<Visitor> = Sessions::builder(MemoryStore::new())
        .transport(Transport::cookie_or_bearer(cloakroom::CookiePolicy::default()))
        .build()
        .unwrap();
    let bearer = sessions.generate_bearer(Visitor { visits: 7 }).await.unwrap();
    let key = bearer.key().unwrap().expose();
    let app = app(sessions);
    let request = Request::post("/count")
        .header("authorization", format!("bearer {key}"))
        .body(Body::empty())
        .unwrap();
    let response = app.clone().oneshot(request).await.expect("infallible");
    assert!(!response.headers().contains_key("set-cookie"));
    assert_eq!(text(response).await, "8");
    let stolen = Request::post("/count").header("cookie", format!("__Host-id={key}"));
    let response =
        app.clone().oneshot(stolen.body(Body::empty()).unwrap()).await.expect("infallible");
    assert_eq!(text(response).await, "1", "a bearer key opens nothing as a cookie");
    let mut browser = Client::new();
    assert_eq!(text(send(&app, &mut browser, "POST", "/count").await).await, "1");
    assert!(cookie(&browser, "__Host-id").is_some());
}

#[tokio::test]
async fn a_route_that_requires_a_recent_sign_in_responds_as_the_application_chooses() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder(MemoryStore::new()).clock(clock.clone()).build().unwrap();
    let (app, mut client) = (app(sessions), Client::new());
    let refused = send(&app, &mut client, "POST", "/wire-money").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(refused.headers().contains_key("www-authenticate"));
    send(&app, &mut client, "POST", "/login").await;
    assert_eq!(
        send(&app, &mut client, "POST", "/wire-money").await.status(),
        StatusCode::NO_CONTENT
    );
    clock.advance(Duration::from_secs(6 * 60));
    let again = send(&app, &mut client, "POST", "/wire-money").await;
    assert_eq!(
        (again.status(), &again.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/sign-in-again".parse().unwrap())
    );
}

/// A nested router sees its page without the prefix.
#[tokio::test]
async fn a_withheld_page_is_redirected_but_never_to_itself() {
    let sessions = || Sessions::<Visitor>::new(MemoryStore::new()).expect("valid settings");
    let routes = || Router::new().route("/back", get(count).post(count));
    let layer = || SessionLayer::new(sessions()).redirect_withheld("/pay/back?from=bank");
    let nested = Router::new().nest("/pay", routes().layer(layer()));
    let whole = Router::new().nest("/pay", routes()).layer(layer());
    for app in [nested, whole] {
        let send = async |method: &str| {
            let request = Request::builder()
                .method(method)
                .uri("/pay/back")
                .header("sec-fetch-site", "cross-site")
                .header("sec-fetch-mode", "navigate")
                .header("sec-fetch-dest", "iframe");
            let request = request.body(Body::empty()).expect("a valid request");
            app.clone().oneshot(request).await.expect("infallible").status()
        };
        assert_eq!(send("GET").await, StatusCode::FORBIDDEN);
    }
    let elsewhere = Router::new().route("/form", get(count).post(count)).layer(layer());
    let request = Request::post("/form").header("sec-fetch-site", "cross-site");
    let request = request.body(Body::empty()).expect("a valid request");
    let response = elsewhere.oneshot(request).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()["location"], "/pay/back?from=bank");
}

#[tokio::test]
async fn the_layer_records_the_address_of_the_connection() {
    let policy = ClientPolicy::user_agents().with_addresses(AddressRule::direct());
    let sessions: Sessions<Visitor> =
        Sessions::builder(MemoryStore::new()).clients(policy).build().unwrap();
    let find = |extensions: &http::Extensions| extensions.get::<SocketAddr>().map(SocketAddr::ip);
    let app = routes().layer(SessionLayer::new(sessions.clone()).with_peer_addr(find));
    let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    let request = |method: &str, path: &str, cookie: &str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("user-agent", "curl/8")
            .extension(peer);
        request.header("cookie", cookie).body(Body::empty()).unwrap()
    };
    app.clone().oneshot(request("POST", "/login", "")).await.unwrap();
    let alice = Principal::new("alice").unwrap();
    let listed = sessions.list(&alice, Page::first(9)).await.unwrap();
    let known = (listed[0].client().user_agent(), listed[0].client().address());
    assert_eq!(known, (Some("curl/8"), Some(IpAddr::from([192, 0, 2, 7]))));
}

#[tokio::test]
async fn debug_of_a_request_shows_no_key() {
    let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new()).unwrap();
    let app = Router::new()
        .route("/", get(async |request: Request<Body>| format!("{request:?}")))
        .layer(SessionLayer::new(sessions));
    let request = Request::get("/")
        .header("cookie", "__Host-id=KEY")
        .header("cookie", "theme=KEY")
        .header("authorization", "Bearer KEY")
        .header("accept", "text/html")
        .body(Body::empty())
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    let text = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(!text.contains("KEY") && text.contains("text/html"), "{text}");
}
