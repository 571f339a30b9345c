//! What clients see of an application under tower-sessions' middleware.

use axum::http::StatusCode;
use cloakroom::Store;
use cloakroom_testkit::{Calls, Fault, FaultyStore, SpyStore};
use futures_util::future::join;
use tower_sessions::cookie::Cookie;
use tower_sessions::session::Id;

use crate::app::{App, is_removal};

async fn an_unused_session_sets_no_cookie_and_calls_no_store(store: impl Store) {
    let spy = SpyStore::new(store);
    let app = App::on(spy.clone());
    let answer = app.get("/idle", None).await;
    assert_eq!((answer.status, answer.cookies.len()), (StatusCode::OK, 0));
    let visitor = app.visitor().await;
    spy.reset();
    assert!(app.get("/idle", Some(&visitor)).await.cookies.is_empty());
    assert_eq!(spy.calls(), Calls::default());
}

async fn the_next_request_reads_what_one_wrote(store: impl Store) {
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

async fn an_id_chosen_by_the_client_is_replaced(store: impl Store) {
    let app = App::on(store);
    let chosen = Cookie::new("id", Id::default().to_string());
    let answer = app.get("/put", Some(&chosen)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let cookie = answer.cookie();
    assert_ne!(cookie.value(), chosen.value());
    assert_eq!(app.read(&chosen).await, "nothing");
    assert_eq!(app.read(&cookie).await, "42");
}

async fn a_malformed_id_is_removed_and_costs_nothing(store: impl Store) {
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

async fn a_cycled_id_keeps_the_data_and_the_old_id_opens_nothing(store: impl Store) {
    let app = App::on(store);
    let old = app.visitor().await;
    let new = app.get("/cycle", Some(&old)).await.cookie();
    assert_ne!(new.value(), old.value());
    assert_eq!(app.read(&new).await, "42");
    assert_eq!(app.read(&old).await, "nothing");
    // Nor can it be revived.
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

async fn a_request_in_flight_does_not_undo_a_sign_out(store: impl Store) {
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

async fn clearing_first_adopts_no_id_of_the_client(store: impl Store) {
    let app = App::on(store);
    let chosen = Cookie::new("id", Id::default().to_string());
    let answer = app.get("/clear-then-put", Some(&chosen)).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.cookies.is_empty());
    assert_eq!(app.read(&chosen).await, "nothing");
}

async fn an_explicitly_deleted_session_is_not_saved_again(store: impl Store) {
    let app = App::on(store);
    let visitor = app.visitor().await;
    app.get("/remove", Some(&visitor)).await;
    let answer = app.get("/put-then-delete", Some(&visitor)).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.read(&visitor).await, "nothing");
}

async fn an_outage_signs_no_one_out(store: impl Store) {
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

async fn a_session_over_http_ends_after_its_hour(store: impl Store) {
    let app = App::on(store);
    let visitor = app.visitor().await;
    app.bridge.clock.advance(crate::bridge::HOUR / 2);
    assert_eq!(app.read(&visitor).await, "42");
    // The middleware dated the session by the system clock, which went on during the test.
    app.bridge.clock.advance(crate::bridge::HOUR);
    let answer = app.get("/get", Some(&visitor)).await;
    assert_eq!(answer.body, "nothing");
    assert!(is_removal(&answer.cookie()));
}

on_every_store! {
    an_unused_session_sets_no_cookie_and_calls_no_store
    the_next_request_reads_what_one_wrote
    a_visitor_without_a_cookie_gets_nothing
    an_id_chosen_by_the_client_is_replaced
    a_malformed_id_is_removed_and_costs_nothing
    a_removed_value_stays_removed
    a_cycled_id_keeps_the_data_and_the_old_id_opens_nothing
    a_flush_removes_session_and_cookie
    a_request_in_flight_does_not_undo_a_sign_out
    clearing_first_adopts_no_id_of_the_client
    an_explicitly_deleted_session_is_not_saved_again
    an_outage_signs_no_one_out
    a_session_over_http_ends_after_its_hour
}
