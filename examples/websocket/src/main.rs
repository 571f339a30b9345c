//! A WebSocket that is open while its visitor is signed in: signing out on any device closes it.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use cloakroom::session::DetachedSession;
use cloakroom::{Error, MemoryStore, Principal, Session, SessionLayer, Sessions};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    messages: u64,
}

async fn socket(
    upgrade: WebSocketUpgrade,
    headers: HeaderMap,
    session: Session<Visitor>,
) -> Result<Response, Error> {
    if !is_from_here(&headers) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    if session.principal().is_none() {
        return Ok(StatusCode::UNAUTHORIZED.into_response());
    }
    let detached = session.detach()?;
    Ok(upgrade.on_upgrade(move |socket| talk(socket, detached)))
}

/// True for a page of this host.
///
/// CORS does not apply to web sockets, and a page of a sibling domain sends the visitor's cookie.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let from = text(ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    from.is_some() && from == text(HOST)
}

/// Reads, extends and changes the session after its request has been answered.
async fn talk(mut socket: WebSocket, detached: DetachedSession<Visitor>) {
    let mut ended = pin!(detached.ended(Duration::from_secs(1)));
    loop {
        tokio::select! {
            why = &mut ended => {
                let close = CloseFrame { code: 4401, reason: why.to_string().into() };
                let _ = socket.send(Message::Close(Some(close))).await;
                return;
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(_))) => match answer(&detached).await {
                    Ok(count) => {
                        let _ = socket.send(Message::text(format!("message {count}"))).await;
                    }
                    Err(error) => eprintln!("{error}"),
                },
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}

/// A message counts as a use of the session, so that an active visitor does not become idle.
async fn answer(detached: &DetachedSession<Visitor>) -> Result<u64, Error> {
    let mut session = detached.keep_alive().await?;
    session
        .update(|visitor| {
            visitor.messages += 1;
            visitor.messages
        })
        .await
}

async fn login(mut session: Session<Visitor>) -> Result<&'static str, Error> {
    let Ok(user) = Principal::new("alice") else { return Ok("no such user\n") };
    session.login(&user).await?;
    Ok("welcome\n")
}

async fn logout(mut session: Session<Visitor>) -> Result<&'static str, Error> {
    session.logout().await?;
    Ok("goodbye\n")
}

const PAGE: &str = r#"<!doctype html><title>Socket</title>
<button onclick="fetch('/login', {method: 'POST'}).then(open)">Sign in and talk</button>
<button onclick="socket.send('hello')">Say something</button>
<button onclick="fetch('/logout', {method: 'POST'})">Sign out</button><pre id="log"></pre>
<script>
  let socket;
  const say = text => document.getElementById("log").append(text + "\n");
  function open() {
    socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/socket");
    socket.onopen = () => say("open");
    socket.onmessage = event => say(event.data);
    socket.onclose = event => say("closed: " + event.code + " " + event.reason);
  }
</script>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new())?;
    let app = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/socket", any(socket))
        .layer(SessionLayer::new(sessions));

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, app).await?)
}
