//! Nothing revives a session or creates one by a save, where other stores upsert.

use std::str::FromStr;
use std::sync::Arc;

use cloakroom::Store;
use cloakroom::store::Operation;
use cloakroom_testkit::StepStore;
use futures_util::future::join;
use futures_util::pin_mut;
use futures_util::poll;
use tower_sessions::SessionStore;
use tower_sessions::session::Id;

use crate::bridge::{Bridge, entries, with};
use cloakroom_test_stores as stores;

async fn saving_an_unknown_session_is_an_error_and_creates_nothing(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let record = bridge.record(1);
    assert!(bridge.sessions.save(&record).await.is_err());
    assert_eq!(bridge.load(record.id).await, None);
    assert!(entries(&store).await.is_empty());
}

async fn saving_after_a_delete_is_an_error_and_revives_nothing(store: impl Store) {
    let bridge = Bridge::over(store);
    let record = bridge.created(1).await;
    let loaded = bridge.load(record.id).await.unwrap();
    bridge.sessions.delete(&record.id).await.unwrap();
    assert!(bridge.sessions.save(&with(&loaded, 2)).await.is_err());
    assert_eq!(bridge.load(record.id).await, None);
}

async fn a_delete_during_a_save_holds(store: impl Store) {
    let step = StepStore::new(store);
    let bridge = Bridge::over(step.clone());
    let record = bridge.created(1).await;
    let held = step.hold(Operation::Replace);
    let changed = with(&record, 2);
    let save = bridge.sessions.save(&changed);
    pin_mut!(save);
    while !held.has_arrived() {
        assert!(poll!(&mut save).is_pending());
        tokio::task::yield_now().await;
    }
    bridge.sessions.delete(&record.id).await.unwrap();
    held.release();
    assert!(save.await.is_err());
    assert_eq!(bridge.load(record.id).await, None);
}

async fn a_save_during_a_delete_changes_nothing_about_it(store: impl Store) {
    let step = StepStore::new(store);
    let bridge = Bridge::over(step.clone());
    let record = bridge.created(1).await;
    let held = step.hold(Operation::EndIf);
    let delete = bridge.sessions.delete(&record.id);
    pin_mut!(delete);
    while !held.has_arrived() {
        assert!(poll!(&mut delete).is_pending());
        tokio::task::yield_now().await;
    }
    bridge.sessions.save(&with(&record, 2)).await.unwrap();
    held.release();
    delete.await.unwrap();
    assert_eq!(bridge.load(record.id).await, None);
}

async fn of_two_concurrent_saves_one_is_kept_completely(store: impl Store) {
    let bridge = Bridge::over(store);
    let record = bridge.created(0).await;
    let (one, two) = (with(&record, 1), with(&record, 2));
    let (first, second) = join(bridge.sessions.save(&one), bridge.sessions.save(&two)).await;
    assert!(first.is_ok() && second.is_ok());
    let kept = bridge.load(record.id).await.unwrap();
    assert!(kept == one || kept == two);
}

async fn a_delete_on_one_node_holds_on_another(store: impl Store) {
    let store = Arc::new(store);
    let (here, there) = (Bridge::over(Arc::clone(&store)), Bridge::over(store));
    let record = here.created(1).await;
    assert!(there.load(record.id).await.is_some());
    here.sessions.delete(&record.id).await.unwrap();
    assert_eq!(there.load(record.id).await, None);
    assert!(there.sessions.save(&record).await.is_err());
    assert_eq!(here.load(record.id).await, None);
}

async fn ids_that_differ_only_in_case_are_different(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut record = bridge.record(1);
    record.id = Id::from_str("abcdefghijklmnopqrstuA").unwrap();
    bridge.sessions.create(&mut record).await.unwrap();
    let shouted = Id::from_str("ABCDEFGHIJKLMNOPQRSTUA").unwrap();
    assert_eq!(bridge.load(shouted).await, None);
    bridge.sessions.delete(&shouted).await.unwrap();
    assert_eq!(bridge.load(record.id).await, Some(record));
}

on_every_store! {
    saving_an_unknown_session_is_an_error_and_creates_nothing
    saving_after_a_delete_is_an_error_and_revives_nothing
    a_delete_during_a_save_holds
    a_save_during_a_delete_changes_nothing_about_it
    of_two_concurrent_saves_one_is_kept_completely
    a_delete_on_one_node_holds_on_another
    ids_that_differ_only_in_case_are_different
}

#[test]
fn a_cached_record_revives_nothing() {
    let [here, there] = stores::two_near_caches();
    stores::run(async {
        let (here, there) = (Bridge::over(here), Bridge::over(there));
        let record = here.created(1).await;
        assert!(there.load(record.id).await.is_some());
        here.sessions.delete(&record.id).await.unwrap();
        // Whether or not the cache has been told yet.
        assert!(there.sessions.save(&with(&record, 2)).await.is_err());
        assert_eq!(there.load(record.id).await, None);
        assert_eq!(here.load(record.id).await, None);
    });
}
