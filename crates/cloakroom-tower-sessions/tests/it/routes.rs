//! Applications under tower-sessions' own middleware: what visitors see.

use axum::http::StatusCode;
use cloakroom::Store;
use cloakroom_testkit::{Calls, Fault, FaultyStore, SpyStore};
use futures_util::future::join;
use tower_sessions::cookie::Cookie;
use tower_sessions::session::Id;

use crate::app::{App, is_removal};

async fn a_route_that_does_nothing_sets_no_cookie_and_asks_no_store(store: impl Store) {
    let spy = SpyStore::new(store);
    let app = App::on(spy.clone());
    let answer = app.get("/idle", None).await;
    assert_eq!((answer.status, answer.cookies.len()), (StatusCode::OK, 0));
    let visitor = app.visitor().await;
    spy.reset();
    assert!(app.get("/idle", Some(&visitor)).await.cookies.is_empty());
    assert_eq!(spy.calls(), Calls::default());
}

async fn what_one_request_put_the_next_one_gets(store: impl Store) {
    let app = App::on(store);
    let visitor = app.visitor().await;
    let answer = app.get("/get", Some(&visitor)).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "42"));
    assert!(answer.cookies.is_empty());
}

async fn a_visitor_without_a_cookie_gets_nothing(store: impl Store) {
    let app = App::on(store);
    app.visitor().await;
    let answer = app.get("/get", None).await;
    assert_eq!((answer.body.as_str(), answer.cookies.len()), ("nothing", 0));
}

async fn an_id_of_the_visitors_own_is_replaced(store: impl Store) {
    let app = App::on(store);
    let chosen = Cookie::new("id", Id::default().to_string());
    let answer = app.get("/put", Some(&chosen)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let cookie = answer.cookie();
    assert_ne!(cookie.value(), chosen.value());
    assert_eq!(app.read(&chosen).await, "nothing");
    assert_eq!(app.read(&cookie).await, "42");
}

async fn what_is_no_id_is_removed_and_costs_nothing(store: impl Store) {
    let spy = SpyStore::new(store);
    let app = App::on(spy.clone());
    for text in ["bogus", "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = app.get("/get", Some(&Cookie::new("id", text))).await;
        assert_eq!(answer.body, "nothing");
        assert!(is_removal(&answer.cookie()));
    }
    assert_eq!(spy.calls(), Calls::default());
}

async fn a_removed_value_stays_removed(store: impl Store) {
    let app = App::on(store);
    let visitor = app.visitor().await;
    app.get("/remove", Some(&visitor)).await;
    assert_eq!(app.read(&visitor).await, "nothing");
}

async fn a_cycled_id_keeps_the_data_and_kills_the_old_id(store: impl Store) {
    let app = App::on(store);
    let old = app.visitor().await;
    let new = app.get("/cycle", Some(&old)).await.cookie();
    assert_ne!(new.value(), old.value());
    assert_eq!(app.read(&new).await, "42");
    assert_eq!(app.read(&old).await, "nothing");
    // It can't be made to live again either.
    app.get("/put", Some(&old)).await;
    assert_eq!(app.read(&old).await, "nothing");
}

async fn a_flush_removes_session_and_cookie(store: impl Store) {
    let app = App::on(store);
    let visitor = app.visitor().await;
    let removal = app.get("/flush", Some(&visitor)).await.cookie();
    assert!(is_removal(&removal));
    assert_eq!(removal.path(), Some("/"));
    assert_eq!(app.read(&visitor).await, "nothing");
}

async fn a_request_in_flight_does_not_undo_a_logout(store: impl Store) {
    let app = App::on(store);
    let visitor = app.visitor().await;
    let logout = async {
        app.pause.reached.notified().await;
        app.get("/flush", Some(&visitor)).await;
        app.pause.over.notify_one();
    };
    let (late, ()) = join(app.get("/read-then-put", Some(&visitor)), logout).await;
    assert_eq!(late.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(late.cookies.is_empty());
    assert_eq!(app.read(&visitor).await, "nothing");
}

async fn clearing_first_adopts_no_id_of_the_visitors(store: impl Store) {
    let app = App::on(store);
    let chosen = Cookie::new("id", Id::default().to_string());
    let answer = app.get("/clear-then-put", Some(&chosen)).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.cookies.is_empty());
    assert_eq!(app.read(&chosen).await, "nothing");
}

async fn a_session_deleted_by_hand_is_not_saved_again(store: impl Store) {
    let app = App::on(store);
    let visitor = app.visitor().await;
    app.get("/remove", Some(&visitor)).await;
    let answer = app.get("/put-then-delete", Some(&visitor)).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.read(&visitor).await, "nothing");
}

async fn an_outage_logs_nobody_out(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let app = App::on(faulty.clone());
    let visitor = app.visitor().await;
    faulty.fail_all(Some(Fault::NotSent));
    for path in ["/get", "/put", "/remove", "/cycle", "/flush"] {
        let answer = app.get(path, Some(&visitor)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    let idle = app.get("/idle", Some(&visitor)).await;
    assert_eq!((idle.status, idle.cookies.len()), (StatusCode::OK, 0));
    faulty.fail_all(None);
    assert_eq!(app.read(&visitor).await, "42");
}

async fn a_session_over_http_ends_with_its_hour(store: impl Store) {
    let app = App::on(store);
    let visitor = app.visitor().await;
    app.bridge.clock.advance(crate::bridge::HOUR / 2);
    assert_eq!(app.read(&visitor).await, "42");
    // Their clock ran on by as long as this test took, and dated the session by it.
    app.bridge.clock.advance(crate::bridge::HOUR);
    let answer = app.get("/get", Some(&visitor)).await;
    assert_eq!(answer.body, "nothing");
    assert!(is_removal(&answer.cookie()));
}

on_every_store! {
    a_route_that_does_nothing_sets_no_cookie_and_asks_no_store
    what_one_request_put_the_next_one_gets
    a_visitor_without_a_cookie_gets_nothing
    an_id_of_the_visitors_own_is_replaced
    what_is_no_id_is_removed_and_costs_nothing
    a_removed_value_stays_removed
    a_cycled_id_keeps_the_data_and_kills_the_old_id
    a_flush_removes_session_and_cookie
    a_request_in_flight_does_not_undo_a_logout
    clearing_first_adopts_no_id_of_the_visitors
    a_session_deleted_by_hand_is_not_saved_again
    an_outage_logs_nobody_out
    a_session_over_http_ends_with_its_hour
}
