//! What their trait asks of a store: create, load, save, delete.

use std::collections::HashSet;

use cloakroom::Store;
use futures_util::future::join_all;
use serde_json::json;
use tower_sessions::SessionStore;
use tower_sessions::session::Id;
use tower_sessions::session_store::Error;

use crate::bridge::{Bridge, HOUR, with};

async fn what_was_created_is_loaded_whole(store: impl Store) {
    let bridge = Bridge::over(store);
    let record = bridge.created("hat").await;
    assert_eq!(bridge.load(record.id).await, Some(record));
}

async fn values_of_every_sort_survive(store: impl Store) {
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

async fn a_number_is_the_same_to_the_last_bit(store: impl Store) {
    let bridge = Bridge::over(store);
    for number in
        [0.187_690_000_000_000_02, 1.071_566_039_146_582_6e-75, f64::MIN_POSITIVE, f64::MAX, -0.0]
    {
        let record = bridge.created(number).await;
        let loaded = bridge.load(record.id).await.unwrap().data["value"].as_f64();
        assert_eq!(loaded.map(f64::to_bits), Some(number.to_bits()));
    }
}

async fn a_value_nested_too_deep_to_be_read_again_is_refused(store: impl Store) {
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

async fn a_session_without_data_is_one(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = bridge.record(0);
    record.data.clear();
    bridge.sessions.create(&mut record).await.unwrap();
    assert_eq!(bridge.load(record.id).await, Some(record));
}

async fn an_id_that_never_was_loads_nothing(store: impl Store) {
    let bridge = Bridge::over(store);
    bridge.created(1).await;
    assert_eq!(bridge.load(Id::default()).await, None);
}

async fn a_new_session_keeps_the_id_it_came_with(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = bridge.record(1);
    let id = record.id;
    bridge.sessions.create(&mut record).await.unwrap();
    assert_eq!(record.id, id);
}

async fn a_taken_id_is_left_alone_and_the_newcomer_gets_another(store: impl Store) {
    let bridge = Bridge::over(store);
    let first = bridge.created("first").await;
    let mut second = with(&first, "second");
    bridge.sessions.create(&mut second).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(bridge.load(first.id).await, Some(first));
    assert_eq!(bridge.load(second.id).await, Some(second));
}

async fn of_many_that_want_one_id_each_gets_its_own(store: impl Store) {
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

async fn the_id_of_a_deleted_session_is_given_to_no_other(store: impl Store) {
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

async fn what_is_deleted_is_gone_and_deleting_it_again_is_success(store: impl Store) {
    let bridge = Bridge::over(store);
    let (gone, other) = (bridge.created(1).await, bridge.created(2).await);
    for _ in 0..2 {
        bridge.sessions.delete(&gone.id).await.unwrap();
        assert_eq!(bridge.load(gone.id).await, None);
    }
    assert_eq!(bridge.load(other.id).await, Some(other));
}

async fn deleting_what_never_was_is_success(store: impl Store) {
    Bridge::over(store).sessions.delete(&Id::default()).await.unwrap();
}

on_every_store! {
    what_was_created_is_loaded_whole
    values_of_every_sort_survive
    a_number_is_the_same_to_the_last_bit
    a_value_nested_too_deep_to_be_read_again_is_refused
    a_session_without_data_is_one
    an_id_that_never_was_loads_nothing
    a_new_session_keeps_the_id_it_came_with
    a_taken_id_is_left_alone_and_the_newcomer_gets_another
    of_many_that_want_one_id_each_gets_its_own
    the_id_of_a_deleted_session_is_given_to_no_other
    a_save_replaces_data_and_expiry
    a_save_that_removes_the_last_entry_removes_it
    a_save_changes_no_other_session
    what_is_deleted_is_gone_and_deleting_it_again_is_success
    deleting_what_never_was_is_success
}
