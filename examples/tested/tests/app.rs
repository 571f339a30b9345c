//! How an application with sessions is tested.
#![allow(clippy::unwrap_used, reason = "a test that can't go on must panic")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use cloakroom::{MemoryStore, Principal, Store};
use cloakroom_testkit::{Client, Fault, FaultyStore, SpyStore, World};
use example_tested::{Visitor, app};
use http::{Response, StatusCode};
use tower::ServiceExt;

/// A browser at the application's only address.
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
        let request = self.cookies.request(method.parse().unwrap(), &url).body(Body::empty()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        self.cookies.take(&url, &response);
        response
    }

    async fn get(&mut self) -> String {
        let body = self.send("GET", "/").await.into_body();
        String::from_utf8(to_bytes(body, 1024).await.unwrap().to_vec()).unwrap()
    }
}

/// Sessions by the default policy, a clock that stands still, and the application on them.
fn world(store: impl Store) -> (World<Visitor>, Browser) {
    let world = World::new(store);
    let browser = Browser::new(app(world.sessions.clone()));
    (world, browser)
}

#[tokio::test]
async fn a_visitor_signs_in_and_out() {
    let (_, mut browser) = world(MemoryStore::new());
    assert_eq!(browser.get().await, "visit 1 of a visitor");
    browser.send("POST", "/login").await;
    assert_eq!(browser.get().await, "visit 2 of alice");
    browser.send("POST", "/logout").await;
    assert_eq!(browser.get().await, "visit 1 of a visitor");
}

/// Half an hour goes by without anybody waiting for it.
#[tokio::test]
async fn who_does_nothing_for_half_an_hour_is_signed_out() {
    let (world, mut browser) = world(MemoryStore::new());
    browser.send("POST", "/login").await;
    world.clock.advance(Duration::from_secs(29 * 60));
    assert_eq!(browser.get().await, "visit 1 of alice");
    world.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(browser.get().await, "visit 1 of a visitor");
}

#[tokio::test]
async fn an_outage_signs_nobody_out() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let (_, mut browser) = world(faulty.clone());
    browser.send("POST", "/login").await;
    faulty.fail_all(Some(Fault::NotSent));
    assert_eq!(browser.send("GET", "/").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    faulty.fail_all(None);
    assert_eq!(browser.get().await, "visit 1 of alice");
}

/// What only an operator can do to a visitor.
#[tokio::test]
async fn who_is_revoked_is_out_at_the_next_click() {
    let (world, mut browser) = world(MemoryStore::new());
    browser.send("POST", "/login").await;
    world.sessions.revoke_all(&Principal::new("alice").unwrap()).await.unwrap();
    assert_eq!(browser.get().await, "visit 1 of a visitor");
}

#[tokio::test]
async fn a_page_costs_one_read_and_one_write() {
    let spy = SpyStore::new(MemoryStore::new());
    let (_, mut browser) = world(spy.clone());
    browser.get().await;
    spy.reset();
    browser.get().await;
    assert_eq!((spy.calls().get, spy.calls().replace, spy.calls().total()), (1, 1, 2));
}
