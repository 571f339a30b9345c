//! Tests of an application with sessions.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must panic")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use cloakroom::{MemoryStore, Principal, Store};
use cloakroom_testkit::{Client, Fault, FaultyStore, SpyStore, TestSessions};
use example_tested::{Visitor, app};
use http::{Response, StatusCode};
use tower::ServiceExt;

/// A browser: it keeps cookies.
struct Browser {
    app: Router,
    cookies: Client,
}

impl Browser {
    fn new(app: Router) -> Self {
        Self { app, cookies: Client::new() }
    }

    async fn send(&mut self, method: &str, path: &str) -> Response<Body> {
        let url = format!("https://shop.example{path}");
        let request =
            self.cookies.request(method.parse().unwrap(), &url).body(Body::empty()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        self.cookies.take(&url, &response);
        response
    }

    async fn get(&mut self) -> String {
        let body = self.send("GET", "/").await.into_body();
        String::from_utf8(to_bytes(body, 1024).await.unwrap().to_vec()).unwrap()
    }
}

/// Sessions with a clock that only the test turns, and a browser at the application.
fn start(store: impl Store) -> (TestSessions<Visitor>, Browser) {
    let test = TestSessions::new(store);
    let browser = Browser::new(app(test.sessions.clone()));
    (test, browser)
}

#[tokio::test]
async fn a_visitor_signs_in_and_out() {
    let (_, mut browser) = start(MemoryStore::new());
    assert_eq!(browser.get().await, "visit 1 of a visitor");
    browser.send("POST", "/login").await;
    assert_eq!(browser.get().await, "visit 2 of alice");
    browser.send("POST", "/logout").await;
    assert_eq!(browser.get().await, "visit 1 of a visitor");
}

/// The test advances the clock instead of waiting.
#[tokio::test]
async fn a_visitor_who_is_idle_for_half_an_hour_is_signed_out() {
    let (test, mut browser) = start(MemoryStore::new());
    browser.send("POST", "/login").await;
    test.clock.advance(Duration::from_secs(29 * 60));
    assert_eq!(browser.get().await, "visit 1 of alice");
    test.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(browser.get().await, "visit 1 of a visitor");
}

#[tokio::test]
async fn an_outage_signs_no_one_out() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let (_, mut browser) = start(faulty.clone());
    browser.send("POST", "/login").await;
    faulty.fail_all(Some(Fault::NotSent));
    assert_eq!(browser.send("GET", "/").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    faulty.fail_all(None);
    assert_eq!(browser.get().await, "visit 1 of alice");
}

#[tokio::test]
async fn a_revoked_user_is_signed_out_at_the_next_request() {
    let (test, mut browser) = start(MemoryStore::new());
    browser.send("POST", "/login").await;
    test.sessions.revoke_all(&Principal::new("alice").unwrap()).await.unwrap();
    assert_eq!(browser.get().await, "visit 1 of a visitor");
}

#[tokio::test]
async fn a_page_costs_one_read_and_one_write() {
    let spy = SpyStore::new(MemoryStore::new());
    let (_, mut browser) = start(spy.clone());
    browser.get().await;
    spy.reset();
    browser.get().await;
    assert_eq!((spy.calls().get, spy.calls().replace, spy.calls().total()), (1, 1, 2));
}
