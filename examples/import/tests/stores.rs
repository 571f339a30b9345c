//! Moves from each store of tower-sessions 0.14 while an application still uses it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must panic")]

mod before;

use axum::Router;
use axum::body::{Body, to_bytes};
use cloakroom::{MemoryStore, Sessions};
use cloakroom_testkit::Client;
use cloakroom_testkit::servers::{Durability, Redis, Server as _};
use cloakroom_tower_sessions::TowerSessionStore;
use http::{Method, StatusCode};
use tower::ServiceExt as _;
use tower_sessions::SessionStore;
use tower_sessions_moka_store::MokaStore;
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike as _, Config, Pool};
use tower_sessions_sqlx_store::SqliteStore;
use tower_sessions_sqlx_store::sqlx::SqlitePool;

const ORIGIN: &str = "https://shop.example";

fn after(old: impl SessionStore) -> Router {
    example_import::app(Sessions::new(MemoryStore::new()).unwrap(), old)
}

async fn send(app: &Router, browser: &mut Client, method: Method, path: &str) -> StatusCode {
    let url = format!("{ORIGIN}{path}");
    let request = browser.request(method, &url).body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    browser.take(&url, &response);
    response.status()
}

async fn get(app: &Router, browser: &mut Client) -> String {
    let request = browser.request(Method::GET, ORIGIN).body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    browser.take(ORIGIN, &response);
    let body = to_bytes(response.into_body(), 1024).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

/// The names of the cookies that the browser would send.
fn cookies(browser: &Client) -> Vec<String> {
    let header = browser.cookies_for(ORIGIN);
    let header = header.iter().flat_map(|header| header.to_str().unwrap().split("; "));
    header.map(|pair| pair.split('=').next().unwrap().to_owned()).collect()
}

async fn signed_in(app: &Router) -> Client {
    let mut alice = Client::new();
    assert_eq!(get(app, &mut alice).await, "no one, visit number 1");
    assert_eq!(send(app, &mut alice, Method::POST, "/login").await, StatusCode::OK);
    assert_eq!(get(app, &mut alice).await, "alice, visit number 2");
    alice
}

async fn visitors_move_one_by_one_and_stay_signed_in(old: impl SessionStore + Clone) {
    let (before, after) = (before::app(old.clone()), after(old));
    let (mut alice, mut other) = (signed_in(&before).await, Client::new());
    get(&before, &mut other).await;

    // Several requests at once, such as a page and its images, have the old cookie only.
    let mut late = alice.clone();
    assert_eq!(get(&after, &mut alice).await, "alice, visit number 3");
    assert_eq!(cookies(&alice), ["__Host-id"]);
    assert_eq!(get(&after, &mut late).await, "alice, visit number 4");
    assert_eq!(cookies(&late), ["__Host-id"]);
    assert_eq!(get(&after, &mut alice).await, "alice, visit number 5");

    // A visitor who has not come yet is served as before.
    assert_eq!(get(&before, &mut other).await, "no one, visit number 2");
    assert_eq!(get(&after, &mut other).await, "no one, visit number 3");
}

async fn the_old_cookie_is_worth_nothing_after_the_move(old: impl SessionStore + Clone) {
    let (before, after) = (before::app(old.clone()), after(old));
    let mut alice = signed_in(&before).await;
    let mut copy = alice.clone();
    get(&after, &mut alice).await;
    assert_eq!(get(&before, &mut copy.clone()).await, "no one, visit number 1");
    assert_eq!(send(&after, &mut alice, Method::POST, "/logout").await, StatusCode::OK);
    assert_eq!(get(&after, &mut copy).await, "no one, visit number 1");
}

/// Another way: the application stays as it is and changes the store.
async fn an_application_that_changes_the_store_keeps_its_visitors(old: impl SessionStore + Clone) {
    let store = TowerSessionStore::new(MemoryStore::new()).unwrap().import_from_0_14(old.clone());
    let (before, after) = (before::app(old), before::app(store));
    let mut alice = signed_in(&before).await;
    let mut copy = alice.clone();
    assert_eq!(get(&after, &mut alice).await, "alice, visit number 3");
    assert_eq!(get(&before, &mut copy.clone()).await, "no one, visit number 1");
    assert_eq!(send(&after, &mut alice, Method::POST, "/logout").await, StatusCode::OK);
    assert_eq!(get(&after, &mut copy).await, "no one, visit number 1");
}

async fn sqlite(file: &std::path::Path) -> (SqliteStore, SqlitePool) {
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let pool = SqlitePool::connect(&url).await.unwrap();
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    (store, pool)
}

#[tokio::test]
async fn from_sqlite() {
    let place = tempfile::tempdir().unwrap();
    let (old, _) = sqlite(&place.path().join("old.db")).await;
    visitors_move_one_by_one_and_stay_signed_in(old.clone()).await;
    the_old_cookie_is_worth_nothing_after_the_move(old.clone()).await;
    an_application_that_changes_the_store_keeps_its_visitors(old).await;
}

#[tokio::test]
async fn from_redis() {
    let server = Redis::start(Durability::None);
    let config = Config::from_url(&server.url()).unwrap();
    let pool = Pool::new(config, None, None, None, 2).unwrap();
    pool.init().await.unwrap();
    let old = RedisStore::new(pool);
    visitors_move_one_by_one_and_stay_signed_in(old.clone()).await;
    the_old_cookie_is_worth_nothing_after_the_move(old.clone()).await;
    an_application_that_changes_the_store_keeps_its_visitors(old).await;
}

/// Moka keeps sessions in memory, so both applications are one process.
#[tokio::test]
async fn from_moka() {
    let old = MokaStore::new(Some(1000));
    visitors_move_one_by_one_and_stay_signed_in(old.clone()).await;
    the_old_cookie_is_worth_nothing_after_the_move(old.clone()).await;
    an_application_that_changes_the_store_keeps_its_visitors(old).await;
}

#[tokio::test]
async fn an_old_store_that_is_down_signs_no_one_out() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("old.db");
    let (old, _) = sqlite(&file).await;
    let mut alice = signed_in(&before::app(old)).await;

    let (down, pool) = sqlite(&file).await;
    pool.close().await;
    let status = send(&after(down), &mut alice, Method::GET, "/").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(cookies(&alice), ["id"]);

    let (up, _) = sqlite(&file).await;
    assert_eq!(get(&after(up), &mut alice).await, "alice, visit number 3");
}
