//! What other stores get wrong, as a client sees it, on ours.

use actix_session::config::{PersistentSession, TtlExtensionPolicy};
use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use cloakroom::Store;
use cloakroom_testkit::{Calls, Fault, FaultyStore, SpyStore};
use futures_util::future::join;

use crate::app::site;
use crate::bridge::HOUR;

async fn a_request_without_cookie_or_change_costs_nothing(store: impl Store) {
    let spy = SpyStore::new(store);
    let site = site(spy.clone(), |middleware| middleware).await;
    for path in ["/idle", "/read"] {
        let answer = site.get(path, None).await;
        assert_eq!((answer.status, answer.cookies.len()), (StatusCode::OK, 0));
    }
    assert_eq!(spy.calls(), Calls::default());
}

async fn a_foreign_cookie_costs_nothing(store: impl Store) {
    let spy = SpyStore::new(store);
    let site = site(spy.clone(), |middleware| middleware).await;
    let answer = site.get("/read", Some(&Cookie::new("id", "bogus"))).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "no one 0"));
    assert_eq!(spy.calls(), Calls::default());
}

async fn a_request_in_flight_does_not_undo_a_sign_out(store: impl Store) {
    let site = site(store, |middleware| middleware).await;
    let visitor = site.visitor().await;
    let logout = async {
        site.pause.reached.notified().await;
        site.get("/logout", Some(&visitor)).await;
        site.pause.over.notify_one();
    };
    let (late, ()) = join(site.get("/slow", Some(&visitor)), logout).await;
    // The Redis store answers 200 here, with a new cookie for the whole session.
    assert_eq!(late.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(late.cookies.is_empty());
    assert_eq!(site.read(&visitor).await, "no one 0");
}

async fn a_request_in_flight_during_a_sign_in_writes_nothing_to_the_new_session(store: impl Store) {
    let site = site(store, |middleware| middleware).await;
    let visitor = site.visitor().await;
    let login = async {
        site.pause.reached.notified().await;
        let member = site.get("/login", Some(&visitor)).await.cookie();
        site.pause.over.notify_one();
        member
    };
    let (late, member) = join(site.get("/slow", Some(&visitor)), login).await;
    assert_eq!(late.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(late.cookies.is_empty());
    assert_eq!(site.read(&member).await, "ada 1");
}

async fn a_cookie_kept_past_its_time_opens_nothing(store: impl Store) {
    let hour = PersistentSession::default().session_ttl(HOUR);
    let site = site(store, |middleware| middleware.session_lifecycle(hour)).await;
    let visitor = site.visitor().await;
    site.bridge.advance(HOUR);
    assert_eq!(site.read(&visitor).await, "no one 0");
    // The request begins another session under another key.
    let next = site.get("/count", Some(&visitor)).await;
    assert_eq!(next.body, "no one 1");
    assert_ne!(next.cookie().value(), visitor.value());
    assert_eq!(site.read(&visitor).await, "no one 0");
}

async fn a_cookie_kept_past_a_sign_out_opens_nothing(store: impl Store) {
    let site = site(store, |middleware| middleware).await;
    let visitor = site.visitor().await;
    site.get("/logout", Some(&visitor)).await;
    assert_eq!(site.read(&visitor).await, "no one 0");
    assert_eq!(site.get("/count", Some(&visitor)).await.body, "no one 1");
    assert_eq!(site.read(&visitor).await, "no one 0");
}

async fn an_outage_is_a_500_and_signs_no_one_out(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let site = site(faulty.clone(), |middleware| middleware).await;
    let visitor = site.visitor().await;
    faulty.fail_all(Some(Fault::NotSent));
    for path in ["/read", "/count", "/login", "/logout"] {
        let answer = site.get(path, Some(&visitor)).await;
        assert_eq!(
            (answer.status, answer.cookies.len()),
            (StatusCode::INTERNAL_SERVER_ERROR, 0),
            "{path}"
        );
    }
    assert_eq!(site.get("/read", None).await.status, StatusCode::OK);
    faulty.fail_all(None);
    assert_eq!(site.read(&visitor).await, "no one 1");
}

async fn a_read_in_flight_during_a_sign_out_extends_nothing(store: impl Store) {
    let hour = PersistentSession::default().session_ttl(HOUR);
    let hour = hour.session_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest);
    let site = site(store, |middleware| middleware.session_lifecycle(hour)).await;
    let visitor = site.visitor().await;
    let logout = async {
        site.pause.reached.notified().await;
        site.get("/logout", Some(&visitor)).await;
        site.pause.over.notify_one();
    };
    let (late, ()) = join(site.get("/slow-read", Some(&visitor)), logout).await;
    assert_eq!(late.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(late.cookies.is_empty());
    assert_eq!(site.read(&visitor).await, "no one 0");
}

on_every_store! {
    a_request_without_cookie_or_change_costs_nothing
    a_foreign_cookie_costs_nothing
    a_request_in_flight_does_not_undo_a_sign_out
    a_request_in_flight_during_a_sign_in_writes_nothing_to_the_new_session
    a_cookie_kept_past_its_time_opens_nothing
    a_cookie_kept_past_a_sign_out_opens_nothing
    an_outage_is_a_500_and_signs_no_one_out
    a_read_in_flight_during_a_sign_out_extends_nothing
}
