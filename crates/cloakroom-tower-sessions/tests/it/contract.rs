//! What `SessionStore` requires: create, load, save, delete.

use std::collections::HashSet;

use cloakroom::Store;
use futures_util::future::join_all;
use serde_json::json;
use tower_sessions::SessionStore;
use tower_sessions::session::Id;
use tower_sessions::session_store::Error;

use crate::bridge::{Bridge, HOUR, with};

async fn a_created_session_loads_completely(store: impl Store) {
    let bridge = Bridge::over(store);
    let record = bridge.created("hat").await;
    assert_eq!(bridge.load(record.id).await, Some(record));
}

async fn values_of_every_type_round_trip(store: impl Store) {
    let bridge = Bridge::over(store);
    let values = [
        json!(null),
        json!(true),
        json!(-1.5),
        json!(u64::MAX),
        json!("ü\"\0"),
        json!([1, {"a": []}]),
    ];
    for value in values {
        let record = bridge.created(value).await;
        assert_eq!(bridge.load(record.id).await, Some(record));
    }
}

async fn numbers_round_trip_exactly(store: impl Store) {
    let bridge = Bridge::over(store);
    for number in
        [0.187_690_000_000_000_02, 1.071_566_039_146_582_6e-75, f64::MIN_POSITIVE, f64::MAX, -0.0]
    {
        let record = bridge.created(number).await;
        let loaded = bridge.load(record.id).await.unwrap().data["value"].as_f64();
        assert_eq!(loaded.map(f64::to_bits), Some(number.to_bits()));
    }
}

async fn a_value_nested_too_deeply_to_be_read_back_is_refused(store: impl Store) {
    let bridge = Bridge::over(store);
    let nested = |levels| (0..levels).fold(json!(1), |inside, _| json!([inside]));
    let deepest = bridge.created(nested(126)).await;
    assert_eq!(bridge.load(deepest.id).await.as_ref(), Some(&deepest));

    let within_an_object = json!({ "a": nested(126) });
    for value in [nested(127), within_an_object, nested(500)] {
        assert!(matches!(
            bridge.sessions.save(&with(&deepest, value.clone())).await,
            Err(Error::Encode(_))
        ));
        let mut record = bridge.record(value);
        assert!(matches!(bridge.sessions.create(&mut record).await, Err(Error::Encode(_))));
        assert_eq!(bridge.load(record.id).await, None);
    }
    assert_eq!(bridge.load(deepest.id).await, Some(deepest));
}

async fn a_session_without_data_exists(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = bridge.record(0);
    record.data.clear();
    bridge.sessions.create(&mut record).await.unwrap();
    assert_eq!(bridge.load(record.id).await, Some(record));
}

async fn an_unknown_id_loads_nothing(store: impl Store) {
    let bridge = Bridge::over(store);
    bridge.created(1).await;
    assert_eq!(bridge.load(Id::default()).await, None);
}

async fn a_new_session_keeps_its_id(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = bridge.record(1);
    let id = record.id;
    bridge.sessions.create(&mut record).await.unwrap();
    assert_eq!(record.id, id);
}

async fn a_taken_id_is_left_alone_and_the_new_session_gets_another(store: impl Store) {
    let bridge = Bridge::over(store);
    let first = bridge.created("first").await;
    let mut second = with(&first, "second");
    bridge.sessions.create(&mut second).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(bridge.load(first.id).await, Some(first));
    assert_eq!(bridge.load(second.id).await, Some(second));
}

async fn concurrent_sessions_with_one_id_each_get_their_own(store: impl Store) {
    let bridge = Bridge::over(store);
    let wanted = bridge.record(0);
    let created = (0..16).map(|n| {
        let mut record = with(&wanted, n);
        let sessions = &bridge.sessions;
        async move {
            sessions.create(&mut record).await.unwrap();
            record
        }
    });
    let created = join_all(created).await;
    assert_eq!(created.iter().map(|record| record.id).collect::<HashSet<_>>().len(), 16);
    for record in created {
        assert_eq!(bridge.load(record.id).await, Some(record));
    }
}

async fn the_id_of_a_deleted_session_is_never_reused(store: impl Store) {
    let bridge = Bridge::over(store);
    let gone = bridge.created(1).await;
    bridge.sessions.delete(&gone.id).await.unwrap();
    let mut next = gone.clone();
    bridge.sessions.create(&mut next).await.unwrap();
    assert_ne!(next.id, gone.id);
    assert_eq!(bridge.load(gone.id).await, None);
}

async fn a_save_replaces_data_and_expiry(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = with(&bridge.created("old").await, "new");
    record.data.insert("more".to_owned(), json!([1, 2]));
    record.expiry_date = bridge.date(HOUR * 5);
    bridge.sessions.save(&record).await.unwrap();
    assert_eq!(bridge.load(record.id).await, Some(record));
}

async fn a_save_that_removes_the_last_entry_removes_it(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = bridge.created(1).await;
    record.data.clear();
    bridge.sessions.save(&record).await.unwrap();
    assert!(bridge.load(record.id).await.unwrap().data.is_empty());
}

async fn a_save_changes_no_other_session(store: impl Store) {
    let bridge = Bridge::over(store);
    let (one, other) = (bridge.created("one").await, bridge.created("other").await);
    bridge.sessions.save(&with(&one, "changed")).await.unwrap();
    assert_eq!(bridge.load(other.id).await, Some(other));
}

async fn deleting_twice_succeeds_and_the_session_is_gone(store: impl Store) {
    let bridge = Bridge::over(store);
    let (gone, other) = (bridge.created(1).await, bridge.created(2).await);
    for _ in 0..2 {
        bridge.sessions.delete(&gone.id).await.unwrap();
        assert_eq!(bridge.load(gone.id).await, None);
    }
    assert_eq!(bridge.load(other.id).await, Some(other));
}

async fn deleting_an_unknown_session_succeeds(store: impl Store) {
    Bridge::over(store).sessions.delete(&Id::default()).await.unwrap();
}

on_every_store! {
    a_created_session_loads_completely
    values_of_every_type_round_trip
    numbers_round_trip_exactly
    a_value_nested_too_deeply_to_be_read_back_is_refused
    a_session_without_data_exists
    an_unknown_id_loads_nothing
    a_new_session_keeps_its_id
    a_taken_id_is_left_alone_and_the_new_session_gets_another
    concurrent_sessions_with_one_id_each_get_their_own
    the_id_of_a_deleted_session_is_never_reused
    a_save_replaces_data_and_expiry
    a_save_that_removes_the_last_entry_removes_it
    a_save_changes_no_other_session
    deleting_twice_succeeds_and_the_session_is_gone
    deleting_an_unknown_session_succeeds
}
