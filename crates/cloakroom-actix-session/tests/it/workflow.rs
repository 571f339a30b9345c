//! Several requests under actix-session's middleware, with signed and with encrypted cookies.

use actix_session::config::{CookieContentSecurity, PersistentSession, TtlExtensionPolicy};
use actix_web::cookie::{SameSite, time::Duration};
use actix_web::http::StatusCode;
use cloakroom::Store;

use crate::app::{is_removal, site};
use crate::bridge::HOUR;

const CONTENTS: [CookieContentSecurity; 2] =
    [CookieContentSecurity::Signed, CookieContentSecurity::Private];

async fn name_and_attributes_come_from_the_middleware(store: impl Store) {
    let site = site(store, |middleware| {
        let middleware = middleware.cookie_name("sid".to_owned()).cookie_path("/read".to_owned());
        middleware.cookie_domain(Some("example.com".to_owned())).cookie_same_site(SameSite::Strict)
    });
    let site = site.await;
    let cookie = site.visitor().await;
    assert_eq!((cookie.name(), cookie.path()), ("sid", Some("/read")));
    assert_eq!(cookie.domain(), Some("example.com"));
    assert_eq!((cookie.secure(), cookie.http_only()), (Some(true), Some(true)));
    assert_eq!((cookie.same_site(), cookie.max_age()), (Some(SameSite::Strict), None));
    assert_eq!(site.read(&cookie).await, "no one 1");
}

async fn ten_requests_in_a_row_behave_as_with_their_own_store(store: impl Store) {
    let store = std::sync::Arc::new(store);
    for contents in CONTENTS {
        let week = PersistentSession::default().session_ttl(Duration::WEEK);
        let site = site(std::sync::Arc::clone(&store), |middleware| {
            middleware.session_lifecycle(week).cookie_content_security(contents)
        });
        let site = site.await;
        let first = site.get("/read", None).await;
        assert_eq!((first.body.as_str(), first.cookies.len()), ("no one 0", 0));

        let counted = site.visitor().await;
        assert_eq!(counted.max_age(), Some(Duration::WEEK));
        let read = site.get("/read", Some(&counted)).await;
        assert_eq!((read.body.as_str(), read.cookies.len()), ("no one 1", 0));

        let again = site.get("/count", Some(&counted)).await;
        assert_eq!(again.body, "no one 2");
        let again = again.cookie();
        assert_eq!(again.max_age(), Some(Duration::WEEK));

        let member = site.get("/login", Some(&again)).await;
        assert_eq!(member.body, "ada 2");
        let member = member.cookie();
        assert_ne!(member.value(), again.value());
        assert_eq!(site.read(&member).await, "ada 2");
        assert_eq!(site.get("/count", Some(&member)).await.body, "ada 3");

        let stale = site.get("/read", Some(&again)).await;
        assert_eq!((stale.body.as_str(), stale.cookies.len()), ("no one 0", 0));

        let bye = site.get("/logout", Some(&member)).await.cookie();
        assert!(is_removal(&bye));
        assert_eq!(bye.path(), Some("/"));
        let after = site.get("/read", Some(&member)).await;
        assert_eq!((after.body.as_str(), after.cookies.len()), ("no one 0", 0));
    }
}

async fn a_guard_admits_members_only(store: impl Store) {
    let site = site(store, |middleware| middleware).await;
    assert_eq!(site.get("/members/read", None).await.status, StatusCode::NOT_FOUND);
    let visitor = site.visitor().await;
    assert_eq!(site.get("/members/read", Some(&visitor)).await.status, StatusCode::NOT_FOUND);
    let member = site.get("/login", Some(&visitor)).await.cookie();
    assert_eq!(site.get("/members/read", Some(&member)).await.body, "ada 1");
    assert_eq!(site.get("/members/read", Some(&visitor)).await.status, StatusCode::NOT_FOUND);
    site.get("/logout", Some(&member)).await;
    assert_eq!(site.get("/members/read", Some(&member)).await.status, StatusCode::NOT_FOUND);
}

async fn a_change_restarts_the_hour_and_a_read_does_not(store: impl Store) {
    let hour = PersistentSession::default().session_ttl(HOUR);
    let site = site(store, |middleware| middleware.session_lifecycle(hour)).await;
    let visitor = site.visitor().await;
    assert_eq!(visitor.max_age(), Some(HOUR));
    site.bridge.advance(HOUR / 2);
    assert_eq!(site.get("/count", Some(&visitor)).await.cookie().max_age(), Some(HOUR));
    site.bridge.advance(HOUR * 3 / 4);
    let read = site.get("/read", Some(&visitor)).await;
    assert_eq!((read.body.as_str(), read.cookies.len()), ("no one 2", 0));
    site.bridge.advance(HOUR / 4);
    assert_eq!(site.read(&visitor).await, "no one 0");
}

async fn every_request_restarts_the_hour_if_so_configured(store: impl Store) {
    let hour = PersistentSession::default().session_ttl(HOUR);
    let hour = hour.session_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest);
    let site = site(store, |middleware| middleware.session_lifecycle(hour)).await;
    let visitor = site.visitor().await;
    for _ in 0..4 {
        site.bridge.advance(HOUR - Duration::MILLISECOND);
        let idle = site.get("/idle", Some(&visitor)).await;
        assert_eq!(idle.status, StatusCode::OK);
        assert_eq!(idle.cookie().max_age(), Some(HOUR));
    }
    assert_eq!(site.read(&visitor).await, "no one 1");
    site.bridge.advance(HOUR);
    assert_eq!(site.read(&visitor).await, "no one 0");
}

async fn a_cleared_session_still_exists(store: impl Store) {
    let site = site(store, |middleware| middleware).await;
    let visitor = site.visitor().await;
    let cleared = site.get("/clear", Some(&visitor)).await.cookie();
    assert_eq!(site.read(&cleared).await, "no one 0");
    assert_eq!(site.get("/count", Some(&cleared)).await.body, "no one 1");
}

on_every_store! {
    name_and_attributes_come_from_the_middleware
    ten_requests_in_a_row_behave_as_with_their_own_store
    a_guard_admits_members_only
    a_change_restarts_the_hour_and_a_read_does_not
    every_request_restarts_the_hour_if_so_configured
    a_cleared_session_still_exists
}
