//! Parallel requests over HTTP, on a runtime with several threads.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use cloakroom::{Error, MemoryStore, Session, SessionLayer, SessionMap, Sessions};
use cloakroom_testkit::ManualClock;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

async fn count(mut session: Session<SessionMap>) -> Result<String, Error> {
    let count = session.update(|map| {
        let count = map.get::<u64>("count").ok().flatten().unwrap_or(0) + 1;
        map.insert("count", count).map(|()| count)
    });
    Ok(count.await?.map_or_else(|error| error.to_string(), |count| count.to_string()))
}

struct Server {
    url: String,
    clock: ManualClock,
    client: Client<HttpConnector, Empty<Bytes>>,
}

impl Server {
    async fn start() -> Self {
        let clock = ManualClock::new();
        let sessions: Sessions<SessionMap> =
            Sessions::builder(MemoryStore::new().with_encoded_values())
                .clock(clock.clone())
                .build()
                .unwrap();
        let app = Router::new().route("/", post(count)).layer(SessionLayer::new(sessions));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, clock, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// The response's text, and the key it sets, if any.
    async fn count(&self, key: Option<String>) -> (String, Option<String>) {
        let mut request = Request::post(&self.url);
        if let Some(key) = key {
            request = request.header("cookie", format!("__Host-id={key}"));
        }
        let response = self.client.request(request.body(Empty::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        let sent = response.headers().get("set-cookie").map(|cookie| {
            let text = cookie.to_str().unwrap();
            text.split(['=', ';']).nth(1).unwrap().to_owned()
        });
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (String::from_utf8(body.to_vec()).unwrap(), sent)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_parallel_increment_over_http_is_lost() {
    let server = std::sync::Arc::new(Server::start().await);
    let (_, key) = server.count(None).await;
    let requests: Vec<_> = (0..64)
        .map(|_| {
            let (server, key) = (server.clone(), key.clone());
            tokio::spawn(async move { server.count(key).await })
        })
        .collect();
    for request in requests {
        request.await.unwrap();
    }
    assert_eq!(server.count(key).await.0, "66");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_parallel_requests_at_a_timed_renewal_all_succeed() {
    let server = std::sync::Arc::new(Server::start().await);
    let (_, old) = server.count(None).await;
    server.clock.advance(Duration::from_secs(15 * 60));
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (server, key) = (server.clone(), old.clone());
            tokio::spawn(async move { server.count(key).await.1 })
        })
        .collect();
    let mut sent = Vec::new();
    for request in requests {
        sent.extend(request.await.unwrap());
    }
    // Whichever response arrives last, the browser has this key or the old one. Both work.
    assert!(!sent.is_empty());
    assert!(sent.iter().all(|key| *key == sent[0]));
    assert_eq!(server.count(Some(sent[0].clone())).await.0, "52");
    assert_eq!(server.count(old).await.0, "53");
}
