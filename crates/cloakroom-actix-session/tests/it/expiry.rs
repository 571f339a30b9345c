//! How long a session can be loaded.

use std::sync::Arc;

use actix_session::storage::SessionStore;
use actix_web::cookie::time::Duration;
use cloakroom::Store;

use crate::bridge::{Bridge, HOUR, copy, entries, state};

async fn a_session_loads_until_its_expiry_and_no_longer(store: impl Store) {
    let bridge = Bridge::over(store);
    let key = bridge.saved("hat").await;
    bridge.advance(HOUR - Duration::MILLISECOND);
    assert_eq!(bridge.load(&key).await, Some(state("hat")));
    bridge.advance(Duration::MILLISECOND);
    assert_eq!(bridge.load(&key).await, None);
}

async fn an_update_restarts_the_expiry(store: impl Store) {
    let bridge = Bridge::over(store);
    let key = bridge.saved("old").await;
    bridge.advance(HOUR / 2);
    bridge.sessions.update(copy(&key), state("new"), &HOUR).await.unwrap();
    bridge.advance(HOUR - Duration::MILLISECOND);
    assert_eq!(bridge.load(&key).await, Some(state("new")));
    bridge.advance(Duration::MILLISECOND);
    assert_eq!(bridge.load(&key).await, None);
}

async fn another_ttl_moves_the_expiry_either_way_and_leaves_the_state(store: impl Store) {
    let bridge = Bridge::over(store);
    let key = bridge.saved("hat").await;
    bridge.sessions.update_ttl(&key, &(HOUR * 24)).await.unwrap();
    bridge.advance(HOUR * 23);
    assert_eq!(bridge.load(&key).await, Some(state("hat")));
    bridge.sessions.update_ttl(&key, &Duration::MINUTE).await.unwrap();
    bridge.advance(Duration::MINUTE - Duration::MILLISECOND);
    assert_eq!(bridge.load(&key).await, Some(state("hat")));
    bridge.advance(Duration::MILLISECOND);
    assert_eq!(bridge.load(&key).await, None);
}

async fn a_session_in_use_outlives_its_first_400_days(store: impl Store) {
    let bridge = Bridge::over(store);
    let key = bridge.saved("hat").await;
    for _ in 0..3 {
        bridge.sessions.update(copy(&key), state("hat"), &(HOUR * 24 * 300)).await.unwrap();
        bridge.advance(HOUR * 24 * 299);
        bridge.sessions.update_ttl(&key, &(HOUR * 24 * 300)).await.unwrap();
        bridge.advance(HOUR * 24 * 299);
        assert_eq!(bridge.load(&key).await, Some(state("hat")));
    }
}

async fn reading_extends_nothing(store: impl Store) {
    let bridge = Bridge::over(store);
    let key = bridge.saved("hat").await;
    bridge.advance(HOUR / 2);
    bridge.load(&key).await;
    bridge.advance(HOUR / 2);
    assert_eq!(bridge.load(&key).await, None);
}

async fn nothing_revives_an_expired_session(store: impl Store) {
    let bridge = Bridge::over(store);
    let key = bridge.saved("hat").await;
    bridge.advance(HOUR);
    assert!(bridge.sessions.update_ttl(&key, &HOUR).await.is_err());
    assert!(bridge.sessions.update(copy(&key), state("again"), &HOUR).await.is_err());
    assert_eq!(bridge.load(&key).await, None);
    bridge.sessions.delete(&key).await.unwrap();
}

async fn a_session_without_time_to_live_is_not_created(store: impl Store) {
    let bridge = Bridge::over(store);
    for ttl in [Duration::ZERO, -HOUR] {
        assert!(bridge.sessions.save(state("hat"), &ttl).await.is_err());
    }
}

async fn a_session_whose_time_to_live_becomes_zero_ends(store: impl Store) {
    let bridge = Bridge::over(store);
    for ttl in [Duration::ZERO, -HOUR] {
        let (updated, cut) = (bridge.saved("one").await, bridge.saved("two").await);
        bridge.sessions.update(copy(&updated), state("hat"), &ttl).await.unwrap();
        bridge.sessions.update_ttl(&cut, &ttl).await.unwrap();
        assert_eq!(bridge.load(&updated).await, None);
        assert_eq!(bridge.load(&cut).await, None);
    }
}

async fn a_span_over_400_days_is_cut_to_400_days(store: impl Store) {
    let bridge = Bridge::over(store);
    let most = Duration::days(400);
    let key = bridge.sessions.save(state("hat"), &Duration::MAX).await.unwrap();
    bridge.advance(most - Duration::MILLISECOND);
    assert_eq!(bridge.load(&key).await, Some(state("hat")));
    bridge.sessions.update_ttl(&key, &(most * 2)).await.unwrap();
    bridge.advance(most);
    assert_eq!(bridge.load(&key).await, None);
}

async fn a_longer_expiry_renews_no_key(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let key = bridge.saved("hat").await;
    bridge.sessions.update_ttl(&key, &(HOUR * 24)).await.unwrap();
    bridge.sessions.update(copy(&key), state("hat"), &(HOUR * 48)).await.unwrap();
    let (_, stored) = entries(&store).await.remove(0);
    // The middleware could not send a renewed key.
    assert!(stored.credentials().successor().is_none());
}

async fn sweep_leaves_live_sessions(store: impl Store) {
    let bridge = Bridge::over(store);
    let dead = bridge.saved("dead").await;
    bridge.advance(HOUR / 2);
    let live = bridge.saved("live").await;
    bridge.advance(HOUR / 2);
    assert_eq!(bridge.sessions.sweep(100).await.unwrap(), 1);
    assert_eq!(bridge.load(&dead).await, None);
    assert_eq!(bridge.load(&live).await, Some(state("live")));
}

on_every_store! {
    a_session_loads_until_its_expiry_and_no_longer
    an_update_restarts_the_expiry
    another_ttl_moves_the_expiry_either_way_and_leaves_the_state
    a_session_in_use_outlives_its_first_400_days
    reading_extends_nothing
    nothing_revives_an_expired_session
    a_session_without_time_to_live_is_not_created
    a_session_whose_time_to_live_becomes_zero_ends
    a_span_over_400_days_is_cut_to_400_days
    a_longer_expiry_renews_no_key
    sweep_leaves_live_sessions
}
