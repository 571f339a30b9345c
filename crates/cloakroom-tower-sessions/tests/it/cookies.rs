//! The cookies that the middleware sets are unaffected by the store.

use cloakroom::Store;
use time::{Duration, OffsetDateTime};
use tower_sessions::Expiry;
use tower_sessions::cookie::SameSite;

use crate::app::{App, is_removal};
use crate::bridge::date;

/// The middleware reads the system clock, which goes on during a test.
const TOLERANCE: Duration = Duration::minutes(1);

async fn the_cookie_has_the_defaults_of_tower_sessions(store: impl Store) {
    let cookie = App::on(store).visitor().await;
    assert_eq!((cookie.name(), cookie.value().len()), ("id", 22));
    assert_eq!((cookie.http_only(), cookie.secure()), (Some(true), Some(true)));
    assert_eq!((cookie.same_site(), cookie.path()), (Some(SameSite::Strict), Some("/")));
    assert_eq!(cookie.domain(), None);
}

async fn name_and_attributes_come_from_the_layer(store: impl Store) {
    let app = App::with(store, |layer| {
        let layer = layer.with_name("sid").with_path("/shop").with_domain("example.com");
        layer.with_secure(false).with_http_only(false).with_same_site(SameSite::Lax)
    });
    let cookie = app.visitor().await;
    assert_eq!((cookie.name(), cookie.path()), ("sid", Some("/shop")));
    assert_eq!(cookie.domain(), Some("example.com"));
    assert_eq!((cookie.http_only(), cookie.secure()), (None, None));
    assert_eq!(cookie.same_site(), Some(SameSite::Lax));
    assert_eq!(app.read(&cookie).await, "42");

    let removal = app.get("/flush", Some(&cookie)).await.cookie();
    assert!(is_removal(&removal));
    assert_eq!((removal.name(), removal.path()), ("sid", Some("/shop")));
    assert_eq!(removal.domain(), Some("example.com"));
}

async fn a_cookie_that_ends_with_the_browser_has_no_max_age(store: impl Store) {
    let app = App::with(store, |layer| layer.with_expiry(Expiry::OnSessionEnd));
    let cookie = app.visitor().await;
    assert_eq!(cookie.max_age(), None);
    assert_eq!(app.read(&cookie).await, "42");
}

async fn a_cookie_on_inactivity_lasts_for_that_span(store: impl Store) {
    let app = App::with(store, |layer| layer.with_expiry(Expiry::OnInactivity(Duration::hours(2))));
    assert!(is_about(app.visitor().await.max_age(), Duration::hours(2)));
}

async fn a_cookie_until_a_date_lasts_until_that_date(store: impl Store) {
    let until = OffsetDateTime::now_utc() + Duration::weeks(1);
    let app = App::with(store, |layer| layer.with_expiry(Expiry::AtDateTime(until)));
    let cookie = app.visitor().await;
    assert!(is_about(cookie.max_age(), Duration::weeks(1)));
    let record = app.bridge.load(cookie.value().parse().unwrap()).await.unwrap();
    assert!(record.expiry_date <= until && until - record.expiry_date < Duration::MILLISECOND);
}

async fn a_request_can_choose_another_expiry(store: impl Store) {
    let app = App::on(store);
    let visitor = app.visitor().await;
    assert!(is_about(visitor.max_age(), Duration::hours(1)));
    let longer = app.get("/for-a-day", Some(&visitor)).await.cookie();
    assert!(is_about(longer.max_age(), Duration::days(1)));
    let record = app.bridge.load(longer.value().parse().unwrap()).await.unwrap();
    let now = date(app.bridge.clock.now());
    assert!(is_about(Some(record.expiry_date - now), Duration::days(1)));
    let closing = app.get("/until-closed", Some(&visitor)).await.cookie();
    assert_eq!(closing.max_age(), None);
    assert_eq!(closing.value(), visitor.value());
    assert_eq!(app.read(&closing).await, "42");
}

async fn always_save_keeps_the_id_and_sends_it_again(store: impl Store) {
    let app = App::with(store, |layer| {
        layer.with_expiry(Expiry::OnInactivity(Duration::hours(1))).with_always_save(true)
    });
    let visitor = app.visitor().await;
    let id = visitor.value().parse().unwrap();
    let before = app.bridge.load(id).await.unwrap();
    let again = app.get("/get", Some(&visitor)).await.cookie();
    assert_eq!(again.value(), visitor.value());
    let after = app.bridge.load(id).await.unwrap();
    assert_eq!(after.data, before.data);
    assert!(after.expiry_date >= before.expiry_date);
}

fn is_about(age: Option<Duration>, expected: Duration) -> bool {
    age.is_some_and(|age| (age - expected).abs() < TOLERANCE)
}

on_every_store! {
    the_cookie_has_the_defaults_of_tower_sessions
    name_and_attributes_come_from_the_layer
    a_cookie_that_ends_with_the_browser_has_no_max_age
    a_cookie_on_inactivity_lasts_for_that_span
    a_cookie_until_a_date_lasts_until_that_date
    a_request_can_choose_another_expiry
    always_save_keeps_the_id_and_sends_it_again
}
