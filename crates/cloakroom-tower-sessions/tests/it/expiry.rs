//! How long a session can be loaded.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::Store;
use cloakroom_testkit::ManualClock;
use cloakroom_tower_sessions::TowerSessionStore;
use time::UtcOffset;
use tower_sessions::{ExpiredDeletion, SessionStore};

use crate::bridge::{Bridge, HOUR, PassingClock, date, entries, with};

const MILLISECOND: Duration = Duration::from_millis(1);
/// One millisecond less than an hour.
const ALMOST: Duration = Duration::from_millis(3_599_999);

async fn a_session_loads_until_its_expiry_and_no_longer(store: impl Store) {
    let bridge = Bridge::over(store);
    let record = bridge.created(1).await;
    bridge.clock.advance(ALMOST);
    assert_eq!(bridge.load(record.id).await.as_ref(), Some(&record));
    bridge.clock.advance(MILLISECOND);
    assert_eq!(bridge.load(record.id).await, None);
}

async fn a_save_moves_the_expiry_either_way(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = bridge.created(1).await;
    for ahead in [HOUR * 24 * 30, HOUR / 2] {
        record.expiry_date = bridge.date(ahead);
        bridge.sessions.save(&record).await.unwrap();
        assert_eq!(bridge.load(record.id).await.unwrap().expiry_date, record.expiry_date);
    }
    bridge.clock.advance(HOUR / 2);
    assert_eq!(bridge.load(record.id).await, None);
}

async fn reading_extends_nothing(store: impl Store) {
    let bridge = Bridge::over(store);
    let record = bridge.created(1).await;
    bridge.clock.advance(HOUR / 2);
    assert_eq!(bridge.load(record.id).await.unwrap().expiry_date, record.expiry_date);
    bridge.clock.advance(HOUR / 2);
    assert_eq!(bridge.load(record.id).await, None);
}

async fn a_session_created_in_the_past_never_loads(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = bridge.record(1);
    record.expiry_date = bridge.date(Duration::ZERO) - HOUR;
    bridge.sessions.create(&mut record).await.unwrap();
    assert_eq!(bridge.load(record.id).await, None);
}

async fn a_save_with_a_date_in_the_past_ends_the_session(store: impl Store) {
    let bridge = Bridge::over(store);
    let record = bridge.created(1).await;
    let mut past = record.clone();
    past.expiry_date = bridge.date(Duration::ZERO) - HOUR;
    bridge.sessions.save(&past).await.unwrap();
    assert_eq!(bridge.load(record.id).await, None);
    assert!(bridge.sessions.save(&record).await.is_err());
}

async fn a_save_after_the_expiry_is_an_error_and_revives_nothing(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = bridge.created(1).await;
    bridge.clock.advance(HOUR);
    record.expiry_date = bridge.date(HOUR);
    assert!(bridge.sessions.save(&record).await.is_err());
    assert_eq!(bridge.load(record.id).await, None);
}

async fn a_date_is_the_same_moment_in_every_time_zone(store: impl Store) {
    let bridge = Bridge::over(store);
    for hours in [-8, 8] {
        let mut record = bridge.record(1);
        record.expiry_date =
            record.expiry_date.to_offset(UtcOffset::from_hms(hours, 0, 0).unwrap());
        bridge.sessions.create(&mut record).await.unwrap();
        assert_eq!(bridge.load(record.id).await.unwrap().expiry_date, record.expiry_date);
        bridge.clock.advance(ALMOST);
        assert!(bridge.load(record.id).await.is_some());
        bridge.clock.advance(MILLISECOND);
        assert_eq!(bridge.load(record.id).await, None);
    }
}

async fn a_span_over_400_days_is_cut_to_400_days(store: impl Store) {
    let bridge = Bridge::over(store);
    let most = HOUR * 24 * 400;
    let mut record = bridge.record(1);
    record.expiry_date = bridge.date(most * 2);
    bridge.sessions.create(&mut record).await.unwrap();
    assert_eq!(bridge.load(record.id).await.unwrap().expiry_date, bridge.date(most));
    bridge.sessions.save(&record).await.unwrap();
    assert_eq!(bridge.load(record.id).await.unwrap().expiry_date, bridge.date(most));
}

async fn a_session_that_is_saved_in_time_outlives_its_first_400_days(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = bridge.created(1).await;
    for _ in 0..3 {
        record.expiry_date = bridge.date(HOUR * 24 * 300);
        bridge.sessions.save(&record).await.unwrap();
        assert_eq!(bridge.load(record.id).await.as_ref(), Some(&record));
        bridge.clock.advance(HOUR * 24 * 299);
    }
}

/// Time passes between any two looks at a clock.
async fn a_date_is_the_deadline_in_the_store_whatever_time_calls_take(store: impl Store) {
    let store = Arc::new(store);
    let clock = ManualClock::new();
    let sessions = TowerSessionStore::with(Arc::clone(&store), |builder| {
        builder.clock(PassingClock(clock.clone()))
    });
    let bridge = Bridge { sessions: sessions.unwrap(), clock };
    let mut record = bridge.created(0).await;
    for n in 1..4 {
        for _ in 0..3 {
            let loaded = bridge.load(record.id).await.unwrap();
            assert_eq!(loaded.expiry_date, record.expiry_date);
            let (_, stored) = entries(&store).await.remove(0);
            assert_eq!(date(stored.expires_at()), record.expiry_date);
        }
        record = with(&record, n);
        record.expiry_date = bridge.date(HOUR * n);
        bridge.sessions.save(&record).await.unwrap();
    }
}

async fn an_extended_session_keeps_its_id(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = bridge.created(0).await;
    for n in 1..5 {
        bridge.clock.advance(ALMOST);
        record = with(&record, n);
        record.expiry_date = bridge.date(HOUR);
        bridge.sessions.save(&record).await.unwrap();
        assert_eq!(bridge.load(record.id).await.as_ref(), Some(&record));
    }
}

async fn a_longer_expiry_renews_no_key(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let mut record = bridge.created(1).await;
    record.expiry_date = bridge.date(HOUR * 24);
    bridge.sessions.save(&record).await.unwrap();
    bridge.load(record.id).await.unwrap();
    let (_, stored) = entries(&store).await.remove(0);
    // The middleware could not send a renewed key.
    assert!(stored.credentials().successor().is_none());
}

async fn delete_expired_leaves_live_sessions(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let dead = bridge.created(1).await;
    bridge.clock.advance(HOUR / 2);
    let live = bridge.created(2).await;
    bridge.clock.advance(HOUR / 2);
    bridge.sessions.delete_expired().await.unwrap();
    assert_eq!(bridge.load(dead.id).await, None);
    assert_eq!(bridge.load(live.id).await, Some(live));
    assert_eq!(entries(&store).await.len(), 1);
}

on_every_store! {
    a_session_loads_until_its_expiry_and_no_longer
    a_save_moves_the_expiry_either_way
    reading_extends_nothing
    a_session_created_in_the_past_never_loads
    a_save_with_a_date_in_the_past_ends_the_session
    a_save_after_the_expiry_is_an_error_and_revives_nothing
    a_date_is_the_same_moment_in_every_time_zone
    a_span_over_400_days_is_cut_to_400_days
    a_session_that_is_saved_in_time_outlives_its_first_400_days
    a_date_is_the_deadline_in_the_store_whatever_time_calls_take
    an_extended_session_keeps_its_id
    a_longer_expiry_renews_no_key
    delete_expired_leaves_live_sessions
}
