//! Encrypted sessions in axum, without a layer.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use cloakroom::encrypted_cookie::{EncryptError, EncryptedSession, EncryptedSessions};
use cloakroom_testkit::{Client, ManualClock};
use http::header::{SET_COOKIE, VARY};
use http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt;

use super::{ORIGIN, Visitor, sessions, visitor};

async fn sign_in(
    mut session: EncryptedSession<Visitor>,
    name: String,
) -> Result<impl IntoResponse, EncryptError> {
    session.begin(visitor(&name))?;
    Ok((session.headers(), StatusCode::NO_CONTENT))
}

async fn who(
    State(sessions): State<EncryptedSessions<Visitor>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let session = sessions.open(&headers);
    (session.headers(), session.value().name.clone())
}

#[tokio::test]
async fn handlers_respond_with_the_headers_and_need_no_layer() {
    let app = Router::new().route("/in", post(sign_in)).route("/who", get(who));
    let app = app.with_state(sessions(&ManualClock::new()));
    let mut client = Client::new();
    let url = |path: &str| format!("{}{path}", ORIGIN.trim_end_matches('/'));
    let send = async |request: Request<Body>| app.clone().oneshot(request).await.unwrap();

    let request =
        client.request(http::Method::POST, &url("/in")).body(Body::from("alice")).unwrap();
    let response = send(request).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    client.take(ORIGIN, &response);

    let response =
        send(client.request(http::Method::GET, &url("/who")).body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()[VARY], "cookie");
    assert_eq!(response.headers().get(SET_COOKIE), None);
    assert_eq!(axum::body::to_bytes(response.into_body(), 100).await.unwrap(), "alice");

    let long = Body::from("x".repeat(5000));
    let response = send(client.request(http::Method::POST, &url("/in")).body(long).unwrap()).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(response.headers().get(SET_COOKIE), None);
}

#[tokio::test]
async fn the_extractor_tells_the_method_and_the_host() {
    let app = Router::new().route("/in", post(sign_in));
    let app = app.with_state(sessions(&ManualClock::new()));
    let status = async |request: http::request::Builder| {
        let request = request.method("POST").body(Body::from("alice")).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers().contains_key(SET_COOKIE), response.status().is_success());
        response.status()
    };
    // HTTP/2 has no `Host`.
    let own = || Request::builder().uri("https://shop.example/in");
    assert_eq!(
        status(own().header("origin", "https://shop.example")).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(status(own().header("origin", "https://evil.test")).await, StatusCode::FORBIDDEN);
    let form = own().header("sec-fetch-site", "cross-site");
    assert_eq!(status(form).await, StatusCode::FORBIDDEN);
}
