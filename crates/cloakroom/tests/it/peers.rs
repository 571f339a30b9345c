//! Bugs found in other session libraries that only show through a framework.

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Extension, Router};
use cloakroom::{Error, MemoryStore, Principal, Session, SessionLayer, SessionMap, Sessions};
use cloakroom_testkit::{Client, Fault, FaultyStore, Operation};
use http::{Method, Response, StatusCode};
use tower::ServiceExt;

const URL: &str = "https://shop.example/";

async fn send(app: &Router, client: &mut Client, method: Method, path: &str) -> Response<Body> {
    let url = format!("{}{path}", URL.trim_end_matches('/'));
    let request = client.request(method, &url).body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.expect("infallible");
    client.take(&url, &response);
    response
}

async fn who(session: Session<SessionMap>) -> String {
    let name = session.principal().map_or("anonymous", Principal::as_str);
    format!(
        "{name} {}",
        session.value().get::<bool>("seen").unwrap_or_default().unwrap_or_default()
    )
}

async fn text(response: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_login_and_an_update_survive_a_500() {
    async fn fail(mut session: Session<SessionMap>) -> Result<StatusCode, Error> {
        session.login(&Principal::new("alice").unwrap()).await?;
        session.update(|map| map.insert("seen", true).is_ok()).await?;
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    }
    let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new()).unwrap();
    let app = Router::new()
        .route("/fail", post(fail))
        .route("/who", get(who))
        .layer(SessionLayer::new(sessions));
    let mut client = Client::new();
    let response = send(&app, &mut client, Method::POST, "/fail").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text(send(&app, &mut client, Method::GET, "/who").await).await, "alice true");
}

#[tokio::test]
async fn a_write_after_a_logout_elsewhere_is_a_409_not_a_500() {
    async fn slow(
        mut session: Session<SessionMap>,
        Extension(sessions): Extension<Sessions<SessionMap>>,
    ) -> Result<StatusCode, Error> {
        let id = session.id().expect("a session");
        sessions.revoke(id).await?; // as an administrator would, while this request runs
        session.update(|map| map.insert("seen", true).is_ok()).await?;
        Ok(StatusCode::NO_CONTENT)
    }
    async fn begin(mut session: Session<SessionMap>) -> Result<StatusCode, Error> {
        session.start().await?;
        Ok(StatusCode::NO_CONTENT)
    }
    let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new()).unwrap();
    let app = Router::new()
        .route("/slow", post(slow))
        .route("/begin", post(begin))
        .layer(Extension(sessions.clone()))
        .layer(SessionLayer::new(sessions));
    let mut client = Client::new();
    send(&app, &mut client, Method::POST, "/begin").await;
    assert_eq!(send(&app, &mut client, Method::POST, "/slow").await.status(), StatusCode::CONFLICT);
    let mut begun = Client::new();
    assert_eq!(
        send(&app, &mut begun, Method::POST, "/begin").await.status(),
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn an_outage_does_not_affect_routes_that_ignore_the_session() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let sessions: Sessions<SessionMap> = Sessions::new(faulty.clone()).unwrap();
    let key = sessions.generate(SessionMap::default()).await.unwrap().key().unwrap().expose();
    let app = Router::new()
        .route("/logo", get(async || "logo"))
        .route("/who", get(who))
        .layer(SessionLayer::new(sessions));
    faulty.fail_on(Operation::Get, Fault::NotSent);
    for (path, status) in [("/logo", StatusCode::OK), ("/who", StatusCode::SERVICE_UNAVAILABLE)] {
        let request = http::Request::get(path).header("cookie", format!("__Host-id={key}"));
        let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status);
        assert!(!response.headers().contains_key("set-cookie"));
    }
}
